package look

import (
	"errors"
	"io"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// zeros are n octets of a file that unpacks to much.
func zeros(n int64) io.Reader { return io.LimitReader(nothing{}, n) }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// opened is a worker on which an attachment is open.
func opened(t *testing.T) (*stream, *sight) {
	t.Helper()
	seen := newSight()
	set, err := (&sets{}).make(detect.Catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(request{Text: 1 << 30, MessageText: 1 << 30}, set, outlet{
		step: func(extract.Step) error { return nil }, record: seen.take,
	})
	w.begin(&origin{n: 1000})
	return w.stream(item{Kind: itemPart, Part: "2", Name: "a.box", Text: detect.Attachment, Attachment: true}, "extract-box"), seen
}

func noted(s *sight, want mail.Cause) bool {
	for _, u := range s.missed {
		if u.Reason == want {
			return true
		}
	}
	return false
}

func TestAFileInsideIsAPartOfItsOwn(t *testing.T) {
	s, seen := opened(t)
	if _, err := s.Write([]byte("outside 4111 1111 1111 1111\n")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one.txt", "dir/4012888888881881.txt"} {
		if err := s.Embed(extract.Embedded{Name: name, Octets: strings.NewReader("IBAN DE89370400440532013000 card 5555 5555 5555 4444\n")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	r := seen.report()
	found := map[string]bool{}
	for _, f := range r.Findings {
		found[f.Part+" "+f.Type+" "+string(f.Kind)+" "+f.Place] = true
	}
	for _, want := range []string{
		"2 CREDIT_CARD attachment line 1", "2.1 IBAN attachment line 1", "2.1 CREDIT_CARD attachment line 1",
		"2.2 IBAN attachment line 1", "2.2 CREDIT_CARD name line 1",
	} {
		if !found[want] {
			t.Errorf("%s is missing in %v", want, found)
		}
	}
	if len(r.Parts) != 2 || r.Parts[0].Part != "2.1" || r.Parts[1].Name != "dir/4012888888881881.txt" || !r.Parts[1].Attachment {
		t.Errorf("parts: %+v", r.Parts)
	}
	for _, total := range r.Totals {
		if total.Type == "IBAN" && total.High != 1 {
			t.Errorf("one value in two files counts once: %+v", total)
		}
	}
}

func TestAFileThatUnpacksToTooMuchIsSaid(t *testing.T) {
	s, seen := opened(t)
	err := s.Embed(extract.Embedded{Name: "bomb", Octets: zeros(1 << 40)})
	if !errors.Is(err, extract.ErrEnough) || !noted(seen, mail.TooLarge) {
		t.Errorf("ratio: %v %+v", err, seen.missed)
	}
	if s.w.unpacked > freeRatio+1<<20 {
		t.Errorf("%d octets were unpacked", s.w.unpacked)
	}
	if err := s.Embed(extract.Embedded{Name: "next", Octets: zeros(10)}); !errors.Is(err, extract.ErrEnough) {
		t.Errorf("after the limit: %v", err)
	}
	s, seen = opened(t)
	s.w.outermost.n = 1 << 40
	if err := s.Embed(extract.Embedded{Name: "vast", Octets: zeros(1 << 40)}); !errors.Is(err, extract.ErrEnough) || !noted(seen, mail.TooLarge) {
		t.Errorf("octets: %v %+v", err, seen.missed)
	}
	s, seen = opened(t)
	for err = nil; err == nil; {
		err = s.Embed(extract.Embedded{Octets: strings.NewReader("x")})
	}
	if !errors.Is(err, extract.ErrEnough) || !noted(seen, mail.TooManyParts) || s.w.files != maxInside {
		t.Errorf("files: %v %d %+v", err, s.w.files, seen.missed)
	}
	s, seen = opened(t)
	s.w.depth = maxDepth
	if err := s.Embed(extract.Embedded{Octets: strings.NewReader("x")}); err != nil || !noted(seen, mail.TooDeep) {
		t.Errorf("depth: %v %+v", err, seen.missed)
	}
	if !s.Hold(maxHeld) || s.Hold(1) {
		t.Error("memory is not counted")
	}
}
