package amend_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/amend"
	"postern.dev/postern/internal/mail"
)

func seeds(f *testing.F) {
	for _, s := range []string{
		crlf("From: a@b.example", "To: Ann <ann@contoso.example>, bob@x.example", "Cc: friends: eve@y.example;", "Subject: =?utf-8?q?J=C3=BC?=", "", "Hello"),
		crlf("Subject: Re: [EXT] x", "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: base64", "", "PGh0bWw+PGJvZHk+SGVsbG8="),
		crlf("Subject:", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "", "Gr=C3=BC=C3=9Fe =", "hier"),
		crlf("MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b", "", "pre", "--b", "", "Hello", "--b", "Content-Type: text/html", "",
			"<!-- <body> --><BODY a='>'>Hello", "--b--", "post"),
		"Subject: bare\nTo: a@b.example\n\nHello\n",
		"To: \"open <a@b.example>\r\nCc: (c (d) e@f.example\r\n\r\n",
		"x\r\n\r\n", "", "\r\n",
	} {
		f.Add([]byte(s), byte(7))
	}
}

// FuzzAmend: whatever comes in, only what was asked for is changed, and what
// was done is not done twice.
func FuzzAmend(f *testing.F) {
	seeds(f)
	f.Fuzz(onlyWhatWasAsked)
}

// TestAllSamplesAreAmendedAndOtherwiseUnchanged does the same with the corpus
// of real forms of mail.
func TestAllSamplesAreAmendedAndOtherwiseUnchanged(t *testing.T) {
	t.Parallel()
	n := 0
	err := filepath.WalkDir("../../../shared/data/mail", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".eml" {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() > 1<<20 {
			return err
		}
		text, err := os.ReadFile(path)
		n++
		onlyWhatWasAsked(t, text, 15)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("SKIPPED: ../shared is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages", n)
}

func onlyWhatWasAsked(t *testing.T, in []byte, what byte) {
	var o amend.Order
	if what&1 != 0 {
		o.Tags = []string{"[EXT]", "[Ü]"}
	}
	if what&2 != 0 {
		o.Hidden = outside
	}
	if what&4 != 0 {
		o.Banners = take
	}
	if what&8 != 0 {
		o.Cc = []mail.Address{"legal@contoso.example"}
	}
	before := mail.Parse(mail.Bytes(in), mail.Limits{})
	r := amend.Amend(before, o)
	out := &mail.Outgoing{Front: r.Front, Body: mail.Bytes(in), Put: r.Put}
	got, err := io.ReadAll(out.Reader())
	if err != nil || int64(len(got)) != out.Size() {
		t.Fatalf("%v, %d octets, size %d", err, len(got), out.Size())
	}
	if (len(r.Changed) == 0) != (len(r.Put) == 0 && len(r.Front) == 0) {
		t.Fatalf("changed %q, puts %+v, front %q", r.Changed, r.Put, r.Front)
	}
	ordered(t, r.Put, before)
	otherOctets(t, in, got, r)
	if len(in) > 0 && before.Header.End() > 0 && len(before.Header.Notes()) == 0 {
		after := mail.Parse(mail.Bytes(got), mail.Limits{})
		fields(t, before, after)
		texts(t, before, after, r)
		again := amend.Amend(after, o)
		if len(again.Changed) > 0 && len(r.Kept) == 0 {
			t.Fatalf("twice: %q of\n%q", again.Changed, got)
		}
	}
}

// ordered checks that no change touches another one, and that a field or a
// place in a text is all that one changes.
func ordered(t *testing.T, puts []mail.Put, m *mail.Message) {
	list := slices.Clone(puts)
	slices.SortFunc(list, func(a, b mail.Put) int { return int(a.Range.Start - b.Range.Start) })
	at := int64(0)
	for _, p := range list {
		if p.Range.Start < at || p.Range.End < p.Range.Start || p.Range.End > m.Body.Size() {
			t.Fatalf("changes that overlap: %+v", list)
		}
		if p.Range.Start >= m.Header.End() && p.Range.Len() > 0 && p.Range.Len() > 4+4*80 {
			t.Fatalf("so much of a text is changed: %+v", p.Range)
		}
		at = p.Range.End
	}
}

// otherOctets checks octet for octet that everything between the changes is
// there, in its order.
func otherOctets(t *testing.T, in, got []byte, r amend.Result) {
	list := slices.Clone(r.Put)
	slices.SortStableFunc(list, func(a, b mail.Put) int { return int(a.Range.Start - b.Range.Start) })
	want := bytes.Clone(r.Front)
	at := int64(0)
	for _, p := range list {
		want = append(append(want, in[at:p.Range.Start]...), p.With...)
		at = p.Range.End
	}
	if want = append(want, in[at:]...); !bytes.Equal(want, got) {
		t.Fatalf("got\n%q\nwant\n%q", got, want)
	}
}

// fields checks that the other fields are the same, and what the changed ones
// say.
func fields(t *testing.T, before, after *mail.Message) {
	others := func(m *mail.Message) (list []string) {
		for _, f := range m.Header.Fields() {
			switch strings.ToLower(f.Name) {
			case "subject", "to", "cc":
			default:
				list = append(list, f.Name+":"+m.Header.Value(f))
			}
		}
		return list
	}
	if a, b := others(before), others(after); !slices.Equal(a, b) {
		t.Fatalf("other fields changed:\n%q\n%q", a, b)
	}
	for _, name := range []string{"To", "Cc"} {
		for _, a := range after.Header.Addresses(name) {
			if a != "legal@contoso.example" && !slices.Contains(before.Header.Addresses(name), a) {
				t.Fatalf("%s names %q, who was not named", name, a)
			}
		}
	}
}

// texts checks that there are as many parts, and that each says what it said;
// a changed one with one banner in it.
func texts(t *testing.T, before, after *mail.Message, r amend.Result) {
	a, b := before.Parts(), after.Parts()
	if len(a) != len(b) {
		t.Fatalf("%d parts became %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Path != b[i].Path || a[i].Type != b[i].Type || len(a[i].Children) > 0 {
			continue
		}
		old, _ := io.ReadAll(a[i].Open())
		now, _ := io.ReadAll(b[i].Open())
		if bytes.Equal(old, now) {
			continue
		}
		front := 0
		for front < len(old) && front < len(now) && old[front] == now[front] {
			front++
		}
		back := 0
		for back < len(old)-front && back < len(now)-front && old[len(old)-1-back] == now[len(now)-1-back] {
			back++
		}
		if front+back != len(old) || !slices.ContainsFunc(r.Changed, func(s string) bool { return strings.HasPrefix(s, "banner in part "+a[i].Path+" ") }) {
			t.Fatalf("part %s says something else (%q):\n%q\n%q", a[i].Path, r.Changed, old, now)
		}
	}
}
