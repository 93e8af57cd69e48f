package extract_test

import (
	"io"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract"
)

// both takes a text and its other readings.
type both struct{ io.Writer }

func (both) Alternative([]byte) error { return nil }

func BenchmarkHTML(b *testing.B) {
	page := strings.Repeat("<p style=\"margin:0\">Dear <b>Ms. Jones</b>, thank you for your letter of 12 November.</p>\r\n"+
		"<table><tr><td>1</td><td>EUR 1,234.56</td></tr></table><div class=x>Kind regards</div>\r\n", 20_000)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		r := extract.Begin(extract.Input{Declared: "text/html", Octets: strings.NewReader(page)}, extract.Limits{})
		if _, err := r.Finish(both{io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
}
