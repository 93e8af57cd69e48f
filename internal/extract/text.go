package extract

import (
	"io"

	"postern.dev/postern/internal/mail"
)

// decoded is the content as UTF-8.
func (d *Document) decoded() io.Reader {
	r, cause := mail.Decode(d.Octets, d.Charset)
	if cause != "" {
		d.Note(cause, "the charset is unknown or does not fit the content")
	}
	return r
}

// readText gives plain text, source code, JSON, XML and the like out as they
// are.
func readText(d *Document) error {
	_, err := io.CopyBuffer(onlyWriter{d}, d.decoded(), make([]byte, 64<<10))
	return err
}

// onlyWriter keeps io.Copy from asking d for more than Write.
type onlyWriter struct{ io.Writer }
