package look

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"postern.dev/postern/internal/mail"
)

// Pictures reads the letters in a picture. An error means that it was not
// read.
type Pictures interface {
	Read(ctx context.Context, picture io.Reader) (string, error)
}

// maxPictures is how many pictures of a message are read.
const maxPictures = 16

// letters are the text of a picture, or why there is none.
type letters struct {
	part, name string
	text       string
	err        error
}

// pictures reads the pictures of m before the rest is looked at: the process
// that looks may start no other. At most half of the time is spent on it; a
// picture that was not read stays what it is without it, unsupported.
func (l *Looker) pictures(ctx context.Context, m *mail.Message, budget time.Duration) []letters {
	if l.config.Pictures == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, budget/2)
	defer cancel()
	var list []letters
	for _, p := range m.Parts() {
		if !p.Leaf() || len(list) >= maxPictures || ctx.Err() != nil {
			continue
		}
		head := make([]byte, 16)
		n, _ := io.ReadFull(p.Open(), head)
		if !isPicture(head[:n]) {
			continue
		}
		text, err := l.config.Pictures.Read(ctx, p.Open())
		list = append(list, letters{p.Path, p.Name, text, err})
	}
	return list
}

// isPicture knows a picture by its first octets: PNG, JPEG, GIF, TIFF, BMP,
// WebP.
func isPicture(head []byte) bool {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF8", "II*\x00", "MM\x00*", "BM"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

// settle replaces "unsupported" where a picture was read, and says why where
// it was tried and failed.
func (s *sight) settle(list []letters) {
	for _, p := range list {
		if p.err != nil {
			why := mail.Unseen{Part: p.part, Name: p.name, Reason: mail.EngineFailed, Detail: "the letters in a picture could not be read"}
			if errors.Is(p.err, context.DeadlineExceeded) {
				why.Reason = mail.OutOfTime
			}
			s.unseen(why)
			continue
		}
		kept := s.missed[:0]
		for _, u := range s.missed {
			if u.Part != p.part || u.Reason != mail.Unsupported {
				kept = append(kept, u)
			}
		}
		s.missed = kept
	}
}
