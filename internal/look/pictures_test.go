package look_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

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
