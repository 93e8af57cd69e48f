package extract

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"slices"
	"sync"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
)

// Input is a part to be read.
type Input struct {
	// Name is its file name, Declared its media type as the header says it,
	// Charset the declared one; each may be empty.
	Name, Declared, Charset string
	// Params are the parameters of the declared type.
	Params map[string]string
	// Octets are the content without transfer encoding.
	Octets io.Reader
	// Passwords are tried on encrypted content.
	Passwords []string
	// Pictures is set when somebody reads the letters in pictures: those of
	// scanned pages are then given out as files inside.
	Pictures bool
}

// Limits bound one part.
type Limits struct {
	// Text is the number of bytes of text that are given out.
	// Default: 256 MiB.
	Text int64
	// Whole is the number of octets that may be kept in memory, for formats
	// that are not read from the front to the end. Default: 64 MiB.
	Whole int64
}

// Result says what was read and what was not.
type Result struct {
	// Type is the media type by content.
	Type string
	// Extractor is the name of the extractor that ran; "" for none.
	Extractor string
	// Size is the number of octets, SHA256 their hash.
	Size   int64
	SHA256 string
	// TextBytes is the number of bytes of text that were given out.
	TextBytes int64
	// Properties are what the format says about itself.
	Properties map[string]string
	// Macros is set when the source of a macro (VBA, Basic) was given out.
	Macros bool
	// Unseen are the reasons for which not everything was read.
	Unseen []Unread

	said []string // names and values of properties, in order
}

// Unread is one reason, with a sentence for an administrator.
type Unread struct {
	Reason mail.Cause
	Detail string
}

// Extractor reads one kind of content.
type Extractor struct {
	// Name is what a step is called when it must be abandoned.
	Name string
	// Takes reports whether the extractor reads this kind.
	Takes func(k Kind) bool
	// Read writes the text (UTF-8) to d. Its error means that the rest could
	// not be read; what was written counts.
	Read func(d *Document) error
	// Opens is set when the extractor itself says what is encrypted; for the
	// others the marks of encryption are looked for (sealed.go).
	Opens bool
}

// Extractors lists the formats that can be read, the first that takes a kind
// wins.
func Extractors() []Extractor { return slices.Clone(formats[:]) }

// formats are the extractors. A new format is one file with one function, and
// a row here.
var formats = [...]Extractor{
	{Name: "extract-pdf", Takes: isPDF, Read: readPDF, Opens: true},
	{Name: "extract-ole", Takes: isOLE, Read: readOLE, Opens: true},
	{Name: "extract-tnef", Takes: isTNEF, Read: readTNEF},
	{Name: "extract-onenote", Takes: isOneNote, Read: readOneNote},
	{Name: "extract-access", Takes: isAccess, Read: readAccess},
	{Name: "extract-metafile", Takes: isMetafile, Read: readMetafile},
	{Name: "extract-rtf", Takes: isRTF, Read: readRTF},
	{Name: "extract-zip", Takes: isZip, Read: readZip, Opens: true},
	{Name: "extract-flat-odf", Takes: isFlat, Read: readFlat},
	{Name: "extract-7z", Takes: isSevenZip, Read: readSevenZip, Opens: true},
	{Name: "extract-rar", Takes: isRar, Read: readRar, Opens: true},
	{Name: "extract-tar", Takes: isTar, Read: readTar},
	{Name: "extract-compressed", Takes: isCompressed, Read: readCompressed},
	{Name: "extract-html", Takes: isHTML, Read: readHTML},
	{Name: "extract-markup", Takes: isXML, Read: readXML},
	{Name: "extract-json", Takes: isJSON, Read: readJSON},
	{Name: "extract-table", Takes: isTable, Read: readTable},
	{Name: textExtractor, Takes: isText, Read: readText},
	{Name: "extract-carrier", Takes: isCarrier, Read: readCarrier},
}

const textExtractor = "extract-text"

// octets counts and hashes what is read, and looks for the marks of
// encryption.
type octets struct {
	r    io.Reader
	n    int64
	hash hash.Hash
	sum  [sha256.Size]byte
	seal seals
	err  error // a failure of the source, not its end
}

var sources = sync.Pool{New: func() any { return &octets{hash: sha256.New()} }}

// newOctets lends one. What is not given back is not missed.
func newOctets(r io.Reader) *octets {
	o := sources.Get().(*octets)
	*o = octets{r: r, hash: o.hash, seal: seals{head: o.seal.head[:0]}}
	o.hash.Reset()
	return o
}

func (o *octets) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.n += int64(n)
	o.hash.Write(p[:n])
	o.seal.look(p[:n])
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}

// sha256 is the hash of what was read, in hexadecimal.
func (o *octets) sha256() string {
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], o.hash.Sum(o.sum[:0]))
	return string(text[:])
}

// sniffSize is how much of a part decides what it is.
const sniffSize = 4 << 10

// Reading is a part whose kind is known and whose text is not read yet.
type Reading struct {
	in     Input
	limits Limits
	source *octets
	buffer *bufio.Reader
	kind   Kind
	use    Extractor
	also   Extractor // reads the same octets as text
}

// Begin looks at the head of a part.
func Begin(in Input, l Limits) *Reading {
	if l.Text <= 0 {
		l.Text = 256 << 20
	}
	if l.Whole <= 0 {
		l.Whole = 64 << 20
	}
	r := &Reading{in: in, limits: l}
	r.source = newOctets(in.Octets)
	r.buffer = buffers.Reader(r.source)
	head, _ := r.buffer.Peek(sniffSize)
	r.kind = kindOf(in, head)
	for i := range formats {
		x := formats[i]
		if !x.Takes(r.kind) {
			continue
		}
		if r.use.Read == nil {
			r.use = x
		}
		if r.also = x; !r.kind.Other || x.plain() {
			break
		}
	}
	return r
}

// Ahead is what was read of the part so far, all of it still to be extracted.
func (r *Reading) Ahead() []byte {
	ahead, _ := r.buffer.Peek(r.buffer.Buffered())
	return ahead
}

// Extractor is the name of the extractor that will run; "" for none.
func (r *Reading) Extractor() string { return r.use.Name }

// Kind is what the part is.
func (r *Reading) Kind() Kind { return r.kind }

// Skip forgets the extractor: the part is only measured and hashed.
func (r *Reading) Skip() { r.use, r.also = Extractor{}, Extractor{} }

// Finish reads the part to its end and writes its text to text. The error is
// that of text, or of the source of the octets.
func (r *Reading) Finish(text io.Writer) (Result, error) {
	result := Result{Type: r.kind.Type, Extractor: r.use.Name}
	d := &Document{Input: r.in, Kind: r.kind, result: &result, text: text, room: r.limits.Text, whole: r.limits.Whole}
	d.Octets = r.buffer
	d.desk, _ = text.(Desk)
	if r.use.Read != nil {
		err := r.extract(d)
		if err == nil {
			err = d.properties()
		} else if more := d.properties(); d.stop != nil {
			err = more
		}
		d.flush()
		d.release()
		switch {
		case d.stop != nil:
			return result, d.stop
		case errors.Is(err, ErrTooLong):
			d.Note(mail.TooLarge, "the text is longer than the limit")
		case errors.Is(err, ErrEnough): // the cause is recorded
		case err != nil && r.source.err == nil:
			d.Note(mail.Malformed, "the content is damaged")
		}
	}
	_, err := io.Copy(io.Discard, r.buffer)
	buffers.PutReader(r.buffer)
	r.buffer = nil
	result.Size = r.source.n
	result.SHA256 = r.source.sha256()
	r.verdict(d)
	r.source.r = nil
	sources.Put(r.source)
	r.source = nil
	return result, err
}

// extract runs the extractor, and the one for text behind it when the file
// is both.
func (r *Reading) extract(d *Document) error {
	if !r.both() {
		return r.use.Read(d)
	}
	all, err := d.Whole()
	d.Octets = bytes.NewReader(all)
	if first := r.use.Read(d); err == nil {
		err = first
	}
	if d.stop != nil {
		return d.stop
	}
	if failed := d.Section(""); failed != nil {
		return failed
	}
	d.Octets = bytes.NewReader(all)
	if second := r.also.Read(d); err == nil {
		err = second
	}
	return err
}

// both reports whether the content is read as a format and as text.
func (r *Reading) both() bool { return r.kind.Other && !r.use.plain() && r.also.plain() }

// plain reports whether x reads all text.
func (x Extractor) plain() bool { return x.Name == textExtractor }

// verdict says what remains unread.
func (r *Reading) verdict(d *Document) {
	if r.use.Opens && !d.noted(mail.Malformed) { // of a damaged file the marks may say more than its structure
		return
	}
	if why := r.source.seal.found(d.Kind, d.Input); why != "" {
		if !d.noted(mail.Encrypted) { // the first reason explains the others
			d.result.Unseen = slices.Insert(d.result.Unseen, 0, Unread{mail.Encrypted, why})
		}
		return
	}
	if r.source.n > 0 && (d.Kind.Other && !r.both() || r.use.Read == nil) {
		d.Note(mail.Unsupported, d.Kind.Type+" cannot be read")
	}
}
