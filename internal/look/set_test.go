package look

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

func TestCataloguesAreKeptReady(t *testing.T) {
	s := &sets{}
	form := func(n int) []byte {
		b, err := json.Marshal(detect.Catalogue{Dictionaries: []detect.Dictionary{{ID: fmt.Sprint("d", n), Terms: []string{"a"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	of := func(n int) *set {
		made, err := s.of(form(n))
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := of(0)
	for n := range maxSets - 1 {
		of(n + 1)
	}
	if of(0) != first {
		t.Error("a catalogue that was used lately is made again")
	}
	for n := range maxSets {
		of(100 + n)
	}
	if of(0) == first || len(s.kept) != maxSets {
		t.Errorf("%d catalogues are kept", len(s.kept))
	}
	if _, err := s.of([]byte("{")); err == nil {
		t.Error("no catalogue, and taken")
	}
}

func TestATableThatIsGoneIsSaid(t *testing.T) {
	l := New(Config{InProcess: true})
	r := l.Look(context.Background(), mail.Parse(mail.Bytes("Subject: x\r\n\r\ntext\r\n"), mail.Limits{}), Options{
		Catalogue: func() detect.Catalogue {
			return detect.Catalogue{
				Tables: []detect.TableRule{{ID: "customers", File: "testdata/none", Fields: 1}},
				Prints: []detect.PrintRule{{ID: "nda", File: "testdata/none", Threshold: 30}},
			}
		},
	})
	if len(r.Unseen) != 2 || r.Unseen[0].Reason != mail.EngineFailed || r.Inspected() == "full" {
		t.Errorf("%+v", r.Unseen)
	}
}
