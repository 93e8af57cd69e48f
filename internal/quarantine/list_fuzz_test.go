package quarantine

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

// FuzzCursor: whatever comes, it is refused, or it is the place that it says
// and is written as such a place again.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AA")
	f.Add(Cursor{never, "01kay3m7ew", "bob@x.example"}.String())
	f.Add(Cursor{-5, "m", `"a b"@x.example`}.String())
	f.Add(strings.Repeat("A", 3000))
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCursor(s)
		if err != nil {
			if c != (Cursor{}) {
				t.Fatalf("%q is refused and gives %+v", s, c)
			}
			return
		}
		if len(c.Message)+len(c.Recipient) > 1000 {
			t.Fatalf("%q has %d octets of message and recipient", s, len(c.Message)+len(c.Recipient))
		}
		again, err := ParseCursor(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is %+v, and that is %+v: %v", s, c, again, err)
		}
	})
}

// FuzzCursorOfAPlace: every place that a page can end at comes back.
func FuzzCursorOfAPlace(f *testing.F) {
	f.Add(int64(0), "m", "bob@x.example")
	f.Add(never, "01kay3m7ew", `"a b"@x.example`)
	f.Add(int64(-1), "m", "")
	f.Fuzz(func(t *testing.T, due int64, message, to string) {
		if strings.Contains(message, " ") || message == "" || len(message)+len(to) > 900 {
			return
		}
		c := Cursor{due, message, mail.Address(to)}
		if got, err := ParseCursor(c.String()); err != nil || got != c {
			t.Fatalf("%+v comes back as %+v: %v", c, got, err)
		}
	})
}
