package mail_test

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

func updating(t testing.TB) bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

var _ = flag.Bool("update", false, "rewrite the golden files")

type golden struct {
	name    string
	dir     string
	message []byte
}

func cases(t testing.TB) []golden {
	dirs, err := filepath.Glob("testdata/*/message.eml")
	if err != nil {
		t.Fatal(err)
	}
	var list []golden
	for _, file := range dirs {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(file)
		list = append(list, golden{filepath.Base(dir), dir, data})
	}
	return list
}

type wantPart struct {
	Path        string      `json:"path"`
	Type        string      `json:"type"`
	Content     *mail.Range `json:"content,omitempty"`
	Charset     string      `json:"charset,omitempty"`
	Encoding    string      `json:"encoding,omitempty"`
	Disposition string      `json:"disposition,omitempty"`
	Name        string      `json:"name,omitempty"`
	Hidden      bool        `json:"hidden,omitempty"`
	Attachment  bool        `json:"attachment,omitempty"`
	Text        string      `json:"text,omitempty"`
}

type wantMessage struct {
	Subject string         `json:"subject,omitempty"`
	From    []mail.Address `json:"from,omitempty"`
	Parts   []wantPart     `json:"parts"`
	Unseen  []mail.Unseen  `json:"unseen,omitempty"`
}

func describe(t *testing.T, m *mail.Message) wantMessage {
	w := wantMessage{Subject: m.Header.Text("subject"), From: m.Header.Addresses("from"), Unseen: m.Unseen}
	for _, p := range m.Parts() {
		part := wantPart{
			Path: p.Path, Type: p.Type, Charset: p.Charset, Encoding: p.Encoding,
			Disposition: p.Disposition, Name: p.Name, Hidden: p.Hidden, Attachment: p.Attachment(),
		}
		part.Content = &p.Content
		if p.Leaf() {
			r, _ := p.Text()
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			part.Text = string(text)
		}
		w.Parts = append(w.Parts, part)
	}
	return w
}

func TestGoldens(t *testing.T) {
	list := cases(t)
	if len(list) < 20 {
		t.Fatalf("only %d cases", len(list))
	}
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(c.dir, "why.md")); err != nil {
				t.Error(err)
			}
			m := mail.Parse(mail.Bytes(c.message), mail.Limits{})
			checkTree(t, c.name, m)
			got := describe(t, m)
			file := filepath.Join(c.dir, "want.json")
			if updating(t) {
				data, err := json.MarshalIndent(got, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want wantMessage
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
