package extract

import (
	"bytes"

	"github.com/gabriel-vasile/mimetype"

	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/metafile"
	"postern.dev/postern/internal/extract/ole"
	"postern.dev/postern/internal/extract/onenote"
	"postern.dev/postern/internal/extract/rtf"
	"postern.dev/postern/internal/extract/tnef"
	"postern.dev/postern/internal/mail"
)

// The documents of Office before 2007, what Office encrypts, and what Outlook
// sends.

const (
	typeRTF  = "text/rtf"
	typeOLE  = "application/x-ole-storage"
	typeXLS  = "application/vnd.ms-excel"
	typeTNEF = "application/ms-tnef"
	typeONE  = "application/onenote"
	typeMDB  = "application/vnd.ms-access"
	typeEMF  = "image/emf"
	typeWMF  = "image/wmf"
)

// officeType is the type of a document of Office by its content; "" for other
// files.
func officeType(head []byte, found *mimetype.MIME) string {
	switch {
	case rtf.Is(head):
		return typeRTF
	case ole.Is(head):
		if t := plainly(found); isOLE(Kind{Type: t}) {
			return t
		}
		return typeOLE
	case ole.IsSheet(head):
		return typeXLS
	case tnef.Is(head):
		return typeTNEF
	case onenote.Is(head):
		return typeONE
	case len(head) > 20 && (bytes.HasPrefix(head[4:], []byte("Standard Jet DB")) ||
		bytes.HasPrefix(head[4:], []byte("Standard ACE DB"))):
		return typeMDB
	case metafile.IsEMF(head):
		return typeEMF
	case metafile.IsWMF(head):
		return typeWMF
	}
	return ""
}

// isTNEF takes what is TNEF by its content only: a winmail.dat that is none is
// no message to Outlook, either.
func isTNEF(k Kind) bool { return k.Type == typeTNEF }

func readTNEF(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	return tnef.Read(p, &leaf{d: d})
}

func isOneNote(k Kind) bool { return k.Type == typeONE }

func readOneNote(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	return onenote.Read(p, &leaf{d: d})
}

func isMetafile(k Kind) bool { return k.Type == typeEMF || k.Type == typeWMF }

func readMetafile(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	if !metafile.IsEMF(p) && !metafile.IsWMF(p) {
		d.Note(mail.Unsupported, "a metafile of a form that cannot be read")
		return nil
	}
	return metafile.Read(p, &leaf{d: d})
}

func isAccess(k Kind) bool { return k.Type == typeMDB }

// readAccess gives out the pieces of text of a database: its tables are not
// read.
func readAccess(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	d.Note(mail.Unsupported, "of a database of Access only pieces of its text were read")
	codepage.Runs(codepage.Windows, p, func(text []byte) bool {
		err = d.Text(string(text) + "\n")
		return err == nil
	})
	return err
}

func isRTF(k Kind) bool { return k.Type == typeRTF }

func readRTF(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	return rtf.Read(p, &leaf{d: d})
}

// isOLE takes the types that mimetype finds in compound files.
func isOLE(k Kind) bool {
	switch k.Type {
	case typeOLE, typeXLS, "application/msword", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook",
		"application/vnd.ms-publisher", "application/vnd.visio", "application/x-hwp", "application/vnd.ms-works",
		"application/x-ms-installer", "application/vnd.ms-project":
		return true
	}
	return false
}

func readOLE(d *Document) error {
	p, err := d.Whole()
	if err != nil {
		return err
	}
	l := &leaf{d: d}
	switch {
	case ole.Is(p):
		return ole.Read(p, d.Passwords, l)
	case ole.IsSheet(p):
		return ole.ReadSheet(p, d.Passwords, l)
	}
	l.Note("unsupported", d.Kind.Type+" of a form that cannot be read")
	return nil
}
