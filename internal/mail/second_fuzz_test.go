package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	stdmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

// The second parser is the standard library's, used as a mail program would:
// what it cannot make sense of it shows as it stands. It reads a field that
// stands twice in both ways, first and last.

// marker is a word that stands in one place of one leaf.
var marker = regexp.MustCompile(`secret[a-z]{4}[0-9]{4}`)

// originals are valid messages whose leaves hold markers.
func originals() []string {
	b64 := base64.StdEncoding.EncodeToString
	qp := "secretqpqp0001 =3D caf=C3=A9 secretsoft=\r\n0002 end"
	return []string{
		"From: a@b.example\r\nSubject: x\r\n\r\nsecretflat0001 and\r\nsecretflat0002\r\n",
		"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + qp + "\r\n",
		"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			b64([]byte("text of secretbase0001, and more of secretbase0002.")) + "\r\n",
		"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"outer\"\r\n\r\npreamble\r\n" +
			"--outer\r\nContent-Type: text/plain\r\n\r\nsecretpart0001\r\n--outer\r\nContent-Type: multipart/alternative;\r\n" +
			" boundary=inner\r\n\r\n--inner\r\n\r\nsecretdeep0001\r\n--inner\r\nContent-Type: text/html\r\n" +
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>secrethtml0001=20</p>\r\n--inner--\r\n--outer\r\n" +
			"Content-Type: application/octet-stream; name=\"a.bin\"\r\nContent-Transfer-Encoding: base64\r\n" +
			"Content-Disposition: attachment; filename=a.bin\r\n\r\n" + b64([]byte("file with secretfile0001 in it")) +
			"\r\n--outer--\r\nepilogue\r\n",
		"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
			"Content-Type: message/rfc822\r\n\r\nFrom: c@d.example\r\nSubject: y\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" +
			"--c\r\n\r\nsecretmail0001\r\n--c--\r\n--b--\r\n",
		"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=\"x y\"\r\n\r\n--x y\r\n\r\n" +
			"Subject: z\r\n\r\nsecretdgst0001\r\n--x y\r\nContent-Type: text/plain\r\n\r\nsecretdgst0002\r\n--x y--\r\n",
	}
}

// changes are what a mutation puts in.
var changes = []string{
	"\r\n", "\n", "\r", "", " ", "\t", "\x00", "--outer", "--outer--", "--inner\r\n", "--b", "\r\n\r\n", "\r\n--outer\r\n",
	"Content-Type: text/plain\r\n", "Content-Type: multipart/mixed; boundary=other\r\n", "Content-Transfer-Encoding: base64\r\n",
	"Content-Transfer-Encoding: 7bit\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "; boundary=z", "boundary", "\"", "=", "==",
	"(", ")", ";", ":", "=?utf-8?q?x?=", "'", "*0=", "*=utf-8''", "--z\r\n", "/", "multipart/mixed", "message/rfc822", "text/html", "base64",
	"c2VjcmV0bmV3czEyMzQ=", "\xff", "\xc2\xa0", "--", "-", "\\", ",", "%41", "charset=utf-16", "X: y\r\n", "\r\n X: y", "From x\r\n", "secretmove0001",
}

// mutated applies a script to an original: three octets a step.
func mutated(b []byte, script []byte) []byte {
	for ; len(script) >= 4 && len(b) < 8000; script = script[4:] {
		if len(b) == 0 {
			return b
		}
		at := (int(script[1])<<8 | int(script[2])) % len(b)
		n := int(script[3])
		switch word := changes[int(script[0]>>1)%len(changes)]; {
		case script[0]&1 == 0: // in
			b = append(b[:at:at], append([]byte(word), b[at:]...)...)
		case n < 100: // in place of
			b = append(b[:at:at], append([]byte(word), b[min(len(b), at+n%12):]...)...)
		case n < 180: // a piece once more
			end := min(len(b), at+n)
			b = append(b[:end:end], b[at:]...)
		default: // away
			b = append(b[:at:at], b[min(len(b), at+n-179):]...)
		}
	}
	return b
}

// FuzzSecondParser changes valid messages: every marker that the second
// parser shows in a leaf is in one of ours, or the message is said to be
// ambiguous or malformed.
func FuzzSecondParser(f *testing.F) {
	for i := range originals() {
		f.Add(byte(i), []byte{})
		f.Add(byte(i), []byte{0, 0, 40, 0, 2, 0, 90, 0})
		f.Add(byte(i), []byte{27, 0, 60, 0, 31, 1, 20, 200})
	}
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		list := originals()
		data := mutated([]byte(list[int(which)%len(list)]), script[:min(len(script), 64)])
		m := mail.Parse(mail.Bytes(data), mail.Limits{})
		var ours strings.Builder
		ours.WriteString(everything(m)) // what one reads as text may be a field for the other
		for _, p := range m.Leaves() {
			_, _ = io.Copy(&ours, p.Open())
			ours.WriteByte('\n')
		}
		if flagged(m) {
			return
		}
		for _, last := range []bool{false, true} {
			for _, leaf := range second(data, last) {
				for _, word := range marker.FindAllString(leaf, -1) {
					if !strings.Contains(ours.String(), word) {
						t.Fatalf("the second parser shows %s in %q\nof %q\nwe see\n%s%s", word, leaf, data, outline(m), ours.String())
					}
				}
			}
		}
	})
}

// second lists the leaves as the second parser shows them.
func second(data []byte, last bool) []string {
	m, err := stdmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	var list []string
	secondEntity(textproto.MIMEHeader(m.Header), m.Body, last, 0, &list)
	return list
}

func secondEntity(h textproto.MIMEHeader, body io.Reader, last bool, depth int, list *[]string) {
	get := func(name string) string {
		values := h[textproto.CanonicalMIMEHeaderKey(name)]
		switch {
		case len(values) == 0:
			return ""
		case last:
			return values[len(values)-1]
		}
		return values[0]
	}
	content, err := io.ReadAll(body)
	if err != nil && len(content) == 0 || depth > 10 {
		return
	}
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	switch {
	case err == nil && strings.HasPrefix(media, "multipart/") && params["boundary"] != "":
		r := multipart.NewReader(bytes.NewReader(content), params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err != nil {
				return
			}
			header := p.Header
			if media == "multipart/digest" && header.Get("Content-Type") == "" {
				header = textproto.MIMEHeader{"Content-Type": {"message/rfc822"}}
			}
			secondEntity(header, p, last, depth+1, list)
		}
	case err == nil && media == "message/rfc822":
		if m, err := stdmail.ReadMessage(bytes.NewReader(content)); err == nil {
			secondEntity(textproto.MIMEHeader(m.Header), m.Body, last, depth+1, list)
			return
		}
	}
	var r io.Reader = bytes.NewReader(content)
	switch strings.ToLower(strings.TrimSpace(get("Content-Transfer-Encoding"))) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	text, _ := io.ReadAll(r) // what comes before a fault is shown
	*list = append(*list, string(text))
}

func TestTheSecondParserSeesTheMarkersOfTheOriginals(t *testing.T) {
	for i, s := range originals() {
		shown := fmt.Sprint(second([]byte(s), false))
		n := 0
		for _, word := range marker.FindAllString(shown, -1) {
			n++
			if !strings.Contains(everything(mail.Parse(mail.Bytes(s), mail.Limits{})), word) {
				t.Errorf("original %d: %s is not seen", i, word)
			}
		}
		if n == 0 {
			t.Errorf("original %d: no marker is shown: %s", i, shown)
		}
	}
}
