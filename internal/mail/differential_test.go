package mail_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	stdmail "net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postern.dev/postern/internal/mail"
)

// wellFormed draws a message that every parser must read alike.
func wellFormed(t *rapid.T) []byte {
	var b bytes.Buffer
	b.WriteString("From: a@b.example\r\nMIME-Version: 1.0\r\n")
	entity(t, &b, 0)
	return b.Bytes()
}

func entity(t *rapid.T, b *bytes.Buffer, depth int) {
	if depth < 3 && rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
		boundary := rapid.StringMatching(`[a-z0-9]{1,6}[A-Z]{8}`).Draw(t, "boundary")
		b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n")
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			b.WriteString("--" + boundary + "\r\n")
			entity(t, b, depth+1)
			b.WriteString("\r\n")
		}
		b.WriteString("--" + boundary + "--\r\n")
		return
	}
	text := rapid.StringMatching(`([a-z \t=.-]{0,40}\r\n){0,4}[a-z]{0,5}`).Draw(t, "text")
	if rapid.Bool().Draw(t, "base64") {
		b.WriteString("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		b.WriteString(strings.TrimSuffix(wrap(text), "\r\n"))
		return
	}
	b.WriteString("Content-Type: text/plain\r\n\r\n" + text)
}

// TestWellFormedMailIsReadAsTheStandardLibraryReadsIt compares the content
// of all leaves.
func TestWellFormedMailIsReadAsTheStandardLibraryReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := wellFormed(t)
		var want []string
		m, err := stdmail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		standard(t, m.Header.Get("Content-Type"), m.Body, &want)
		index := mail.Parse(mail.Bytes(data), mail.Limits{})
		var got []string
		for _, p := range index.Leaves() {
			content, err := io.ReadAll(io.NewSectionReader(p.Body, p.Content.Start, p.Content.Len()))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(content))
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%s\ngot  %q\nwant %q", data, got, want)
		}
		if len(index.Unseen) > 0 {
			t.Fatalf("%s\n%v", data, index.Unseen)
		}
	})
}

func standard(t *rapid.T, ctype string, body io.Reader, list *[]string) {
	media, params, err := mime.ParseMediaType(ctype)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		*list = append(*list, string(data))
		return
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		standard(t, p.Header.Get("Content-Type"), p, list)
	}
}
