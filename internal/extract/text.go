package extract

import (
	"io"

	"postern.dev/postern/internal/buffers"
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
	_, err := buffers.Copy(d, d.decoded())
	return err
}
