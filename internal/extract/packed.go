package extract

import (
	"bytes"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"postern.dev/postern/internal/extract/archive"
	"postern.dev/postern/internal/extract/odf"
	"postern.dev/postern/internal/extract/ooxml"
	"postern.dev/postern/internal/extract/picture"
	"postern.dev/postern/internal/extract/zipped"
	"postern.dev/postern/internal/mail"
)

// isZip takes ZIP files of every kind: what they are is in their directory,
// not in their first octets.
func isZip(k Kind) bool {
	if strings.HasPrefix(k.Type, "text/") || strings.HasPrefix(k.Type, "image/") {
		return false // none of them is, and most parts are one
	}
	for m := mimetype.Lookup(k.Type); m != nil; m = m.Parent() {
		if plainly(m) == "application/zip" {
			return true
		}
	}
	return strings.HasPrefix(k.Type, "application/vnd.openxmlformats-officedocument.") ||
		strings.HasPrefix(k.Type, "application/vnd.oasis.opendocument.") && k.Type != flatODF ||
		strings.HasPrefix(k.Type, "application/vnd.ms-") && strings.Contains(k.Type, ".12")
}

// readZip reads a ZIP file as the document that it is, or as an archive.
func readZip(d *Document) error {
	b, err := d.Whole()
	if err != nil {
		return err
	}
	return d.zip(zipped.Open(b))
}

func (d *Document) zip(a *zipped.Archive) error {
	l := &contents{d: d}
	if len(a.Files) == 0 && a.Damaged != "" {
		d.Note(mail.Malformed, a.Damaged)
		return nil
	}
	switch {
	case ooxml.Is(a):
		if ooxml.Fixed(a) {
			d.result.Type = "application/vnd.ms-xpsdocument"
		}
		return l.done(ooxml.Read(a, l))
	case odf.Is(a):
		return l.done(odf.Read(a, l))
	}
	return l.done(archive.Zip(a, l))
}

// flatODF is an OpenDocument that is one XML file; it has many media types.
const flatODF = "application/vnd.oasis.opendocument.flat-xml"

func isFlat(k Kind) bool { return k.Type == flatODF }

// flat reports whether XML is such a document, by its first octets.
func flat(head []byte) bool {
	return bytes.Contains(head, []byte(":document")) && // which is the quicker search
		bytes.Contains(head, []byte("urn:oasis:names:tc:opendocument:xmlns:office:1.0"))
}

func readFlat(d *Document) error {
	l := &contents{d: d}
	return l.done(odf.Flat(d.Octets, l))
}

func isSevenZip(k Kind) bool { return k.Type == "application/x-7z-compressed" }

func readSevenZip(d *Document) error {
	b, err := d.Whole()
	if err != nil {
		return err
	}
	l := &contents{d: d}
	return l.done(archive.SevenZip(b, l))
}

func isRar(k Kind) bool {
	return k.Type == "application/vnd.rar" || k.Type == "application/x-rar-compressed" || k.Type == "application/x-rar"
}

func readRar(d *Document) error {
	b, err := d.Whole()
	if err != nil {
		return err
	}
	l := &contents{d: d}
	return l.done(archive.Rar(b, l))
}

func isTar(k Kind) bool {
	return k.Type == "application/x-tar" || k.Type == "application/x-archive" || k.Type == "application/x-cpio"
}

// readTar reads the archives that are read from the front to the end.
func readTar(d *Document) error {
	l := &contents{d: d}
	switch d.Kind.Type {
	case "application/x-archive":
		return l.done(archive.Ar(d.Octets, l))
	case "application/x-cpio":
		return l.done(archive.Cpio(d.Octets, l))
	}
	return l.done(archive.Tar(d.Octets, l))
}

// compression is what the archive package calls a kind of compressed file.
func compression(k Kind) string {
	switch k.Type {
	case "application/gzip", "application/x-gzip":
		return "gzip"
	case "application/x-bzip2", "application/x-bzip":
		return "bzip2"
	case "application/x-xz":
		return "xz"
	case "application/zstd":
		return "zstd"
	case "application/x-lz4":
		return "lz4"
	case "application/x-compress":
		return "compress"
	}
	return ""
}

func isCompressed(k Kind) bool { return compression(k) != "" }

func readCompressed(d *Document) error {
	l := &contents{d: d}
	return l.done(archive.Compressed(compression(d.Kind), d.Octets, d.Name, l))
}

// isCarrier takes programs, and what nobody knows: an archive may lie behind
// a program that unpacks it, or behind anything at all, because a ZIP file is
// read from its end.
func isCarrier(k Kind) bool {
	switch k.Type {
	case "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-executable",
		octetStream, "image/gif", "image/png", "image/jpeg", "image/bmp", "image/webp", "image/tiff":
		return !k.Text
	}
	return false
}

// readCarrier looks for an archive in a file that is something else; the rest
// of the file is not read, which is said.
func readCarrier(d *Document) error {
	b, err := d.Whole()
	if err != nil {
		return err
	}
	if len(b) > 0 {
		d.Note(mail.Unsupported, d.Kind.Type+" cannot be read")
	}
	if err := d.picture(b); err != nil {
		return err
	}
	end := b[max(0, len(b)-(22+1<<16)):]
	if bytes.Contains(end, []byte("PK\x05\x06")) && bytes.Contains(b, []byte("PK\x01\x02")) {
		if a := zipped.Open(b); len(a.Files) > 0 {
			return d.zip(a)
		}
	}
	if err := d.words(b); err != nil {
		return err
	}
	l := &contents{d: d}
	for _, x := range []struct {
		magic string
		read  func([]byte, archive.Sink) error
	}{{"Rar!\x1A\x07", archive.Rar}, {"7z\xBC\xAF\x27\x1C", archive.SevenZip}} {
		if at := bytes.Index(b, []byte(x.magic)); at > 0 {
			return l.done(x.read(b[at:], l))
		}
	}
	return nil
}

// picture gives out what a picture says besides its pixels.
func (d *Document) picture(b []byte) error {
	if !strings.HasPrefix(d.Kind.Type, "image/") {
		return nil
	}
	more := picture.Read(b, func(name, text string) {
		_ = d.Section("picture: " + name) // a failure is kept
		_ = d.Text(text + "\n")
	})
	if more {
		d.Note(mail.TooLarge, "the picture says more about itself than is read")
	}
	return d.stop
}

// wordLength is how long a run of printable characters must be to be text: a
// shorter one is chance.
const wordLength = 8

// words gives out what can be read in a file that nobody knows.
func (d *Document) words(b []byte) error {
	if d.Kind.Type != octetStream {
		return nil
	}
	from := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && (b[i] >= ' ' && b[i] < 0x7F || b[i] == '\t') {
			continue
		}
		if i-from >= wordLength {
			if _, err := d.Write(b[from:i]); err != nil {
				return err
			}
			if err := d.Break(); err != nil {
				return err
			}
		}
		from = i + 1
	}
	return nil
}

// magics are kinds that the table of kinds does not know.
var magics = [...]struct{ magic, kind string }{
	{"\x04\x22\x4D\x18", "application/x-lz4"},
	{"\x02\x21\x4C\x18", "application/x-lz4"},
	{"\x1F\x9D", "application/x-compress"},
	{"070701", "application/x-cpio"},
	{"070702", "application/x-cpio"},
}

// byMagic is such a kind; "" for none.
func byMagic(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind
		}
	}
	return ""
}
