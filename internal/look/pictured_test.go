package look

import (
	"errors"
	"testing"
)

func TestPicturesInsideFilesAreBounded(t *testing.T) {
	sent := map[string]int{}
	w := newWorker(request{Pictures: true}, &set{}, outlet{record: func(r record) error {
		sent[r.Picture.Part] += len(r.Picture.Octets)
		return nil
	}})
	large := make([]byte, 8<<20)
	for _, part := range []string{"1", "2", "3", "4", "5"} {
		if err := w.pictured(item{Part: part}, large); err != nil {
			t.Fatal(err)
		}
	}
	if len(sent) != 4 || sent["4"] != len(large) {
		t.Errorf("sent %v", sent)
	}
	s := newSight()
	for i, p := range []picture{{Part: "1", Octets: large}, {Part: "1", Octets: large}, {Part: "2", Octets: large[:1]}} {
		if err := s.picture(p); err != nil || len(s.pictures) != 1+i/2 {
			t.Errorf("%d: %v, %d pictures", i, err, len(s.pictures))
		}
	}
	if len(s.pictures[0].Octets) != 2*len(large) {
		t.Errorf("%d octets", len(s.pictures[0].Octets))
	}
	if err := s.picture(picture{Part: "3", Octets: make([]byte, maxPictured)}); !errors.Is(err, errNonsense) {
		t.Error(err)
	}
	s = newSight()
	for i := range maxPictures + 1 {
		if err := s.picture(picture{Part: string(rune('a' + i))}); (err != nil) != (i == maxPictures) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
