package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// hostile are documents that are about nothing but bounds, and the cause that
// is said of them.
func hostile() map[string]struct {
	data []byte
	want Cause
} {
	type row = struct {
		data []byte
		want Cause
	}
	of := func(content string) []byte { return simple(content) }
	contents := func(fields, body string) []byte {
		w := &writer{}
		w.page("", "", "")
		w.objects[1] = fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(body), fields, body)
		return w.finish("")
	}
	catalog := func(more string) []byte {
		w := &writer{}
		w.page(line("x"), "", "")
		return w.finish(more)
	}
	bomb := deflated(strings.Repeat(" ", maxStream+1))
	many := &writer{}
	big := many.stream("/Filter /FlateDecode", deflated(strings.Repeat(" ", maxStream)))
	many.page("", "", "")
	many.objects[3] = strings.Replace(many.objects[3], "/Contents 3 0 R",
		"/Contents ["+strings.Repeat(fmt.Sprintf("%d 0 R ", big), maxInflated/maxStream+2)+"]", 1)
	laughs := &writer{}
	laughs.stream("/Subtype /Form", line("ha"))
	for i := range 12 {
		laughs.stream(fmt.Sprintf("/Subtype /Form /Resources << /XObject << /X %d 0 R >> >>", i+1), strings.Repeat("/X Do ", 12))
	}
	laughs.page("/X Do", "", "/XObject << /X 13 0 R >>")
	deep := &writer{}
	deep.page(line("x"), "", "")
	for range maxLevels + 2 {
		deep.add(fmt.Sprintf("<< /Kids [%d 0 R] >>", len(deep.objects)))
	}
	chain := &writer{}
	for i := range maxFollow + 2 {
		chain.add(fmt.Sprintf("%d 0 R", i+2))
	}
	chain.trailer = "/Info 1 0 R"
	chain.page(line("x"), "", "")
	rows := strings.Repeat("<41> <0041> ", maxRows+1)
	cmap := &writer{}
	cmap.stream("", "1 beginbfchar "+rows+"endbfchar")
	cmap.page("BT /F2 12 Tf (A) Tj ET", "", "/Font << /F2 << /Subtype /Type1 /ToUnicode 1 0 R >> >>")
	meta := func(body string) []byte {
		w := &writer{}
		m := w.stream("", body)
		w.page(line("x"), "", "")
		return w.finish(fmt.Sprintf("/Metadata %d 0 R", m))
	}
	text := &writer{}
	text.stream("/Subtype /Form", "BT /F1 1 Tf "+strings.Repeat("(abcdefghij abcdefghij) Tj 0 -2 Td ", 5000)+"ET")
	text.page(strings.Repeat("/X Do 1 0 0 1 0 -2 cm ", 1000), "", "/XObject << /X 1 0 R >>")
	var tables bytes.Buffer
	tables.Write(simple(line("x")))
	last := 0
	for range maxTables + 2 {
		at := tables.Len()
		fmt.Fprintf(&tables, "xref\n0 0\ntrailer\n<< /Prev %d >>\n", last)
		last = at
	}
	fmt.Fprintf(&tables, "startxref\n%d\n%%%%EOF", last)
	return map[string]row{
		"maxObjects":    {of("/P << /A [" + strings.Repeat("0 ", maxObjects+10) + "] >> BDC"), TooLarge},
		"maxStream":     {contents("/Filter /FlateDecode", bomb), TooLarge},
		"maxInflated":   {many.finish(""), TooLarge},
		"maxRatio":      {contents("/Filter [/Fl /Fl]", deflated(bomb)), TooLarge},
		"maxSteps":      {laughs.finish(""), TooLarge},
		"maxGiven":      {text.finish(""), TooLarge},
		"maxPages":      {bytes.Replace(simple(""), []byte("/Kids [3 0 R]"), []byte("/Kids ["+strings.Repeat("<<>> ", maxPages+1)+"]"), 1), TooLarge},
		"maxLevels":     {deep.finish(""), TooDeep},
		"maxNested":     {catalog("/X " + strings.Repeat("[", maxNested+1)), TooDeep},
		"maxTables":     {tables.Bytes(), TooLarge},
		"maxFollow":     {chain.finish(""), TooDeep},
		"maxFilters":    {contents("/Filter ["+strings.Repeat("/AHx ", maxFilters+1)+"]", "41"), TooDeep},
		"maxRows":       {cmap.finish(""), TooLarge},
		"maxXMP":        {meta(strings.Repeat(" ", maxXMP+1)), TooLarge},
		"maxValue":      {meta("<a:b>" + strings.Repeat("x", maxValue) + "<!-- -->y</a:b>"), TooLarge},
		"maxProperties": {meta(strings.Repeat("<a:b>x</a:b>", maxProperties+1)), TooLarge},
	}
}

func TestBoundsAreSaid(t *testing.T) {
	for name, row := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			c := read(t, row.data)
			t.Logf("%v, %d octets", time.Since(start), len(row.data))
			if !strings.Contains(strings.Join(c.unread, "\n"), fmt.Sprint(row.want)+" ") {
				t.Errorf("unread %q", c.unread)
			}
			if c.size > 2*maxGiven {
				t.Errorf("%d octets given out", c.size)
			}
		})
	}
}

// What bounds the inside only costs nothing that a reader would see.
func TestInnerBoundsLeaveTheRestReadable(t *testing.T) {
	for name, content := range map[string]string{
		"maxOperands": strings.Repeat("0 ", maxOperands+10) + line("still there"),
		"maxSaved":    strings.Repeat("q ", maxSaved+10) + line("still there"),
		"maxMarks":    strings.Repeat("/P BMC ", maxMarks+10) + line("still there"),
		"maxRuns":     "BT /F1 1 Tf " + strings.Repeat("0 -2 Td (a) Tj ", maxRuns+10) + "ET " + line("still there"),
	} {
		if c := read(t, simple(content)); !strings.Contains(c.text.String(), "still there") {
			t.Errorf("%s: %q %q", name, c.text.String()[:min(100, c.text.Len())], c.unread)
		}
	}
	if glyphText(strings.Repeat("a", maxGlyphName+1)) != "" {
		t.Error("a name that long is none")
	}
}
