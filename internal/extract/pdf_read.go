package extract

import (
	"postern.dev/postern/internal/extract/pdf"
	"postern.dev/postern/internal/mail"
)

func isPDF(k Kind) bool { return k.Type == "application/pdf" }

// readPDF reads a PDF document, and the files inside it.
func readPDF(d *Document) error {
	data, err := d.Whole()
	if len(data) == 0 {
		return err
	}
	if d.Input.Pictures {
		return pdf.Read(data, d.Passwords, pdfPictures{pdfOutput{d}})
	}
	return pdf.Read(data, d.Passwords, pdfOutput{d})
}

// pdfPictures takes the pictures of scanned pages as files inside.
type pdfPictures struct{ pdfOutput }

func (o pdfPictures) Picture(f pdf.File) error { return o.Embedded(f) }

// pdfOutput hands what a PDF document says to a Document.
type pdfOutput struct{ d *Document }

func (o pdfOutput) Text(p []byte) error {
	_, err := o.d.Write(p)
	return err
}

func (o pdfOutput) Section(place string) error { return o.d.Section(place) }

func (o pdfOutput) Again(p []byte) error { return o.d.Alternative(p) }

// Property gives the entries of the information dictionary under the names of
// all formats as well.
func (o pdfOutput) Property(name, value string) {
	switch name {
	case "info:Title":
		o.d.Property("title", value)
	case "info:Subject":
		o.d.Property("subject", value)
	case "info:Author":
		o.d.Property("author", value)
	case "info:Keywords":
		o.d.Property("keywords", value)
	case "info:CreationDate":
		o.d.Property("created", value)
	case "info:ModDate":
		o.d.Property("modified", value)
	}
	o.d.Property(name, value)
}

func (o pdfOutput) Embedded(f pdf.File) error {
	return o.d.Embed(Embedded{Name: f.Name, Declared: f.Declared, Octets: f.Octets})
}

func (o pdfOutput) Unread(why pdf.Cause, detail string) {
	cause := mail.Malformed
	switch why {
	case pdf.Encrypted:
		cause = mail.Encrypted
	case pdf.Unsupported:
		cause = mail.Unsupported
	case pdf.TooLarge:
		cause = mail.TooLarge
	case pdf.TooDeep:
		cause = mail.TooDeep
	}
	o.d.Note(cause, detail)
}
