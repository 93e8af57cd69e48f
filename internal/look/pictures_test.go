package look_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// letterReader says what stands behind the first line of a picture.
type letterReader struct{ pictures int }

func (l *letterReader) Read(_ context.Context, picture io.Reader) (string, error) {
	l.pictures++
	b, err := io.ReadAll(picture)
	_, text, _ := strings.Cut(string(b), "\r\n\x1a\n")
	if strings.Contains(text, "broken") {
		return "", errors.New("broken")
	}
	return text, err
}

func withPictures(texts ...string) string {
	var b strings.Builder
	b.WriteString("From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n")
	for i, s := range texts {
		fmt.Fprintf(&b, "--x\r\nContent-Type: image/png; name=%d.png\r\nContent-Disposition: attachment\r\n"+
			"Content-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x1a\n%s\r\n", i, s)
	}
	return b.String() + "--x--\r\n"
}

func TestPicturesAreReadWhenSwitchedOn(t *testing.T) {
	message := withPictures("card 4111 1111 1111 1111", "broken")
	unsupported := func(list []mail.Unseen) (parts []string) {
		for _, u := range list {
			if u.Reason == mail.Unsupported {
				parts = append(parts, u.Part)
			}
		}
		return parts
	}
	for _, on := range []bool{false, true} {
		c := look.Config{InProcess: true}
		reader := &letterReader{}
		if on {
			c.Pictures = reader
		}
		r := look.New(c).Look(context.Background(), parse(message), look.Options{})
		want := []string{"1.1", "1.2"}
		if on {
			want = []string{"1.2"}
		}
		if got := unsupported(r.Unseen); !slices.Equal(got, want) {
			t.Errorf("on %v: unsupported %q, want %q", on, got, want)
		}
		found := false
		for _, f := range r.Findings {
			found = found || f.Type == "CREDIT_CARD" && f.Part == "1.1"
		}
		if found != on {
			t.Errorf("on %v: %v", on, r.Findings)
		}
	}
	reader := &letterReader{}
	many := slices.Repeat([]string{"text"}, 20)
	r := look.New(look.Config{InProcess: true, Pictures: reader}).Look(context.Background(), parse(withPictures(many...)), look.Options{})
	if reader.pictures != 16 || len(unsupported(r.Unseen)) != 4 {
		t.Errorf("%d pictures read, %d unsupported", reader.pictures, len(unsupported(r.Unseen)))
	}
}

// scan is a PDF file whose only page is a picture.
func scan(text string) string {
	picture := "\xff\xd8\xff\r\n\x1a\n" + text
	return fmt.Sprintf("%%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"+
		"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"+
		"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R "+
		"/Resources << /XObject << /I 5 0 R >> >> >> endobj\n"+
		"4 0 obj << /Length 24 >> stream\n100 0 0 100 0 0 cm /I Do\nendstream endobj\n"+
		"5 0 obj << /Subtype /Image /Width 9 /Height 9 /Filter /DCTDecode /Length %d >> stream\n%s\nendstream endobj\n"+
		"trailer << /Root 1 0 R >>\n", len(picture), picture)
}

func zipOf(t *testing.T, files map[string]string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPicturesInsideFilesAreReadWhenSwitchedOn(t *testing.T) {
	const card = "card 4111 1111 1111 1111"
	tests := []struct {
		name, file, part string
	}{
		{"a.pdf", scan(card), "1.1.1"},
		{"a.zip", zipOf(t, map[string]string{"x.png": "\x89PNG\r\n\x1a\n" + card}), "1.1.1"},
		{"b.zip", zipOf(t, map[string]string{"x.pdf": scan(card)}), "1.1.1.1"},
	}
	for _, tt := range tests {
		message := "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" +
			"Content-Type: application/octet-stream; name=" + tt.name + "\r\nContent-Disposition: attachment\r\n" +
			"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(tt.file)) + "\r\n--x--\r\n"
		for _, inProcess := range []bool{true, false} {
			for _, on := range []bool{false, true} {
				c := look.Config{InProcess: inProcess, Children: extract.Config{}}
				if on {
					c.Pictures = &letterReader{}
				}
				l := look.New(c)
				r := l.Look(context.Background(), parse(message), look.Options{})
				l.Close()
				found := false
				for _, f := range r.Findings {
					found = found || f.Type == "CREDIT_CARD" && f.Part == tt.part
				}
				if found != on || (len(r.Unseen) == 0) != on {
					t.Errorf("%s, in process %v, on %v: %v %v", tt.name, inProcess, on, r.Findings, r.Unseen)
				}
			}
		}
	}
}
