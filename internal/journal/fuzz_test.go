package journal_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/journal"
)

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*/message.eml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := parse(data)
		journal.Copied(m)
		r, ok := journal.Open(m)
		if !ok {
			return
		}
		check(t, m, r)
		again, _ := journal.Open(parse(data))
		if r.Original != nil && all(t, r.Original) != all(t, again.Original) {
			t.Error("the original differs when it is opened again")
		}
		if r.Original != nil {
			half := io.NewSectionReader(r.Original, r.Original.Size()/2, r.Original.Size())
			rest, _ := io.ReadAll(half)
			if !strings.HasSuffix(all(t, r.Original), string(rest)) {
				t.Error("reading from the middle gives something else")
			}
		}
		r.Original, again.Original = nil, nil
		if diff := cmp.Diff(r, again); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzLines puts anything between what makes a report.
func FuzzLines(f *testing.F) {
	f.Add("To: a@x.example, Expanded: g@x.example")
	f.Add("Cc: \"Doe, Jane\" <a@x.example>, Forwarded: <b@x.example>\r\n , c@x.example")
	f.Add("Recipient: SMTP:a@[IPv6:::1]\r\nSubject: \xff\x00\r\n\tx\r\nTo: \"\\\",<>@x")
	f.Fuzz(func(t *testing.T, lines string) {
		m := parse(letter{report: "Sender: s@x.example\r\n" + lines, original: offer, encoding: "base64"}.bytes(t))
		r, ok := journal.Open(m)
		if !ok || r.Original == nil || all(t, r.Original) != offer {
			t.Fatalf("%v %+v", ok, r)
		}
		check(t, m, r)
	})
}
