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

// picture lies inside a file. Those travel from the process that looks, which may start no other
// program, in pieces.
type picture struct {
	Part, Name string
	Octets     []byte
}

// Bounds of the pictures that travel.
const (
	maxPictured  = 32 << 20 // octets, of one message
	picturePiece = 512 << 10
)

// inner reads the pictures that lie inside files, in half of the time that is
// left.
func (l *Looker) inner(ctx context.Context, list []picture, most int, budget time.Duration) []letters {
	if l.config.Pictures == nil {
		return nil
	}
	if until, ok := ctx.Deadline(); ok {
		budget = time.Until(until)
	}
	ctx, cancel := context.WithTimeout(ctx, budget/2)
	defer cancel()
	var read []letters
	for _, p := range list[:min(len(list), max(0, most))] {
		if ctx.Err() != nil {
			break
		}
		text, err := l.config.Pictures.Read(ctx, bytes.NewReader(p.Octets))
		read = append(read, letters{p.Part, p.Name, text, err})
	}
	return read
}

// pictured sends a picture that lies inside a file to the one who can have it
// read.
func (w *worker) pictured(it item, octets []byte) error {
	if w.sent++; w.sent > maxPictures || w.sentOctets+len(octets) > maxPictured {
		return nil // it stays what it is without: unsupported
	}
	w.sentOctets += len(octets)
	for len(octets) > 0 {
		n := min(len(octets), picturePiece)
		if err := w.record(record{Picture: &picture{it.Part, it.Name, octets[:n]}}); err != nil {
			return err
		}
		octets = octets[n:]
	}
	return nil
}

// picture takes a piece of a picture.
func (s *sight) picture(p picture) error {
	if s.pictured += len(p.Octets); s.pictured > maxPictured {
		return errNonsense
	}
	if n := len(s.pictures); n > 0 && s.pictures[n-1].Part == p.Part {
		s.pictures[n-1].Octets = append(s.pictures[n-1].Octets, p.Octets...)
		return nil
	}
	if len(s.pictures) >= maxPictures {
		return errNonsense
	}
	p.Octets = bytes.Clone(p.Octets)
	s.pictures = append(s.pictures, p)
	return nil
}

// isPicture knows a picture by its first octets: PNG, JPEG, GIF, TIFF, BMP,
// JPEG 2000, WebP.
func isPicture(head []byte) bool {
	for _, magic := range []string{
		"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF8", "II*\x00", "MM\x00*", "BM", "\x00\x00\x00\x0cjP  ",
	} {
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
