package extract

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

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
}

// Limits bound one part.
type Limits struct {
	// Text is the number of bytes of text that are given out.
	// Default: 256 MiB.
	Text int64
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
	// Unseen are the reasons for which not everything was read.
	Unseen []Unread
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
}

// Document is what an extractor works on.
type Document struct {
	Input
	// Kind is what the content is.
	Kind Kind

	result *Result
	text   io.Writer
	other  Alternatives
	room   int64
}

// Alternatives is implemented by a reader of text that also takes other
// readings of it: what the text may look like to a person. They are pieces
// that stand for themselves, with repetitions of the text.
type Alternatives interface{ Alternative(p []byte) error }

// Alternative gives another reading of a piece of the text out.
func (d *Document) Alternative(p []byte) error {
	if d.other == nil || d.room <= 0 {
		return nil
	}
	return d.other.Alternative(p)
}

// Extractors lists the formats that can be read, the first that takes a kind
// wins. A new format is one file with one function, and a row here.
func Extractors() []Extractor {
	return []Extractor{
		{"extract-html", isHTML, readHTML},
		{"extract-markup", isXML, readXML},
		{"extract-json", isJSON, readJSON},
		{"extract-table", isTable, readTable},
		{"extract-text", isText, readText},
	}
}

// ErrTooLong ends an extractor whose text is longer than the limit.
var ErrTooLong = errors.New("extract: the text is longer than the limit")

// Write gives text out.
func (d *Document) Write(p []byte) (int, error) {
	if int64(len(p)) > d.room {
		n, err := d.text.Write(p[:d.room])
		d.count(n)
		if err == nil {
			err = ErrTooLong
		}
		return n, err
	}
	n, err := d.text.Write(p)
	d.count(n)
	return n, err
}

func (d *Document) count(n int) {
	d.room -= int64(n)
	d.result.TextBytes += int64(n)
}

// Note records a reason for which something was not read.
func (d *Document) Note(reason mail.Cause, detail string) {
	for _, u := range d.result.Unseen {
		if u.Reason == reason {
			return
		}
	}
	d.result.Unseen = append(d.result.Unseen, Unread{reason, detail})
}

// Property records what the format says about itself.
func (d *Document) Property(name, value string) {
	if d.result.Properties == nil {
		d.result.Properties = map[string]string{}
	}
	if len(d.result.Properties) < 200 && len(value) <= 4096 {
		d.result.Properties[name] = value
	}
}

// octets counts and hashes what is read, and looks for the marks of
// encryption.
type octets struct {
	r    io.Reader
	n    int64
	hash hash.Hash
	seal *seals
	err  error // a failure of the source, not its end
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
}

// Begin looks at the head of a part.
func Begin(in Input, l Limits) *Reading {
	if l.Text <= 0 {
		l.Text = 256 << 20
	}
	r := &Reading{in: in, limits: l}
	r.source = &octets{r: in.Octets, hash: sha256.New(), seal: &seals{}}
	r.buffer = buffers.Reader(r.source)
	head, _ := r.buffer.Peek(sniffSize)
	r.kind = kindOf(in, head)
	for _, x := range Extractors() {
		if x.Takes(r.kind) {
			r.use = x
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
func (r *Reading) Skip() { r.use = Extractor{} }

// Finish reads the part to its end and writes its text to text. The error is
// that of text, or of the source of the octets.
func (r *Reading) Finish(text io.Writer) (Result, error) {
	result := Result{Type: r.kind.Type, Extractor: r.use.Name}
	failed := &sink{w: text}
	d := &Document{Input: r.in, Kind: r.kind, result: &result, text: failed, room: r.limits.Text}
	d.Octets = r.buffer
	d.other, _ = text.(Alternatives)
	if r.use.Read != nil {
		switch err := r.use.Read(d); {
		case failed.err != nil:
			return result, failed.err
		case errors.Is(err, ErrTooLong):
			d.Note(mail.TooLarge, "the text is longer than the limit")
		case err != nil && r.source.err == nil:
			d.Note(mail.Malformed, "the content is damaged")
		}
	}
	_, err := io.Copy(io.Discard, r.buffer)
	buffers.PutReader(r.buffer)
	r.buffer = nil
	result.Size = r.source.n
	result.SHA256 = hex.EncodeToString(r.source.hash.Sum(nil))
	r.verdict(d)
	return result, err
}

// verdict says what remains unread.
func (r *Reading) verdict(d *Document) {
	if why := r.source.seal.found(d.Kind, d.Input); why != "" {
		d.Note(mail.Encrypted, why)
		return
	}
	if r.source.n > 0 && (d.Kind.Other || r.use.Read == nil) {
		d.Note(mail.Unsupported, d.Kind.Type+" cannot be read")
	}
}

// sink remembers a failure of the reader of the text.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}
