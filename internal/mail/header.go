package mail

import (
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Header is the header of a message or of a part: its fields as ranges over
// the original octets.
type Header struct {
	body   Body
	start  int64
	end    int64
	raw    string // the first octets of the header, from start
	fields []Field
	notes  []Unseen
	// seen is what ParseHeader saw of the message besides.
	seen oddities
	// clean is set by ParseHeader when nothing stands between the header and
	// the body that could belong to either.
	clean bool
	// names has a bit for each name, so that one that is not there is found
	// to be missing at once.
	names nameSet

	asking    sync.Mutex
	addresses []addressField // that were asked for
}

// Field is one header field.
type Field struct {
	// Name is written as it came, without the colon.
	Name string
	// Range is the whole field with its folding and its line end.
	Range Range
	// Value is what follows the colon, without the last line end.
	Value Range
}

// Limits of a header. Nothing real comes near them; they keep the memory of
// a hostile one bounded.
const (
	maxFields = 250_000
	maxHeader = 32 << 20
	maxValue  = 1 << 20 // more of one field is never read
)

// ParseHeader reads only the header of a message. It never fails: what was
// odd is said by Notes.
func ParseHeader(b Body) *Header {
	s := newLines(b, Range{0, b.Size()})
	defer s.close()
	s.little = true
	s.startKeeping(keepHeader)
	r := newHeadReader(b, 0, keepHeader)
	for {
		l, ok := s.next()
		if ok && !r.line(l) {
			continue
		}
		if !ok {
			r.end = s.end
		}
		h := r.close(r.end, s.kept())
		h.seen, h.clean = s.seen, ok && h.end == l.end
		return h
	}
}

// Fields lists the fields in their order.
func (h *Header) Fields() []Field { return h.fields }

// End is the offset of the first octet of the body.
func (h *Header) End() int64 { return h.end }

// Notes says what was odd in the header.
func (h *Header) Notes() []Unseen { return h.notes }

// Named gives the fields of one name, in any case of letters.
func (h *Header) Named(name string) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		if !h.names.may(name) {
			return
		}
		for _, f := range h.fields {
			if strings.EqualFold(f.Name, name) && !yield(f) {
				return
			}
		}
	}
}

// All lists the fields of one name, in any case of letters.
func (h *Header) All(name string) []Field { return slices.Collect(h.Named(name)) }

// Has reports whether a field of this name exists.
func (h *Header) Has(name string) bool {
	for range h.Named(name) {
		return true
	}
	return false
}

// Get is the value of the first field of this name: unfolded, not decoded;
// "" if there is none.
func (h *Header) Get(name string) string {
	for f := range h.Named(name) {
		return h.Value(f)
	}
	return ""
}

// nameSet says which names a header may have: names that are equal but for
// the case of letters have one bit.
type nameSet [4]uint64

func (s *nameSet) add(name string) {
	if len(name) == 0 || !Address(name).ASCII() { // may be equal to a name of another length
		*s = nameSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		return
	}
	bit := nameBit(name)
	s[bit/64] |= 1 << (bit % 64)
}

func (s *nameSet) may(name string) bool {
	if len(name) == 0 || !Address(name).ASCII() {
		return true
	}
	bit := nameBit(name)
	return s[bit/64]>>(bit%64)&1 != 0
}

func nameBit(name string) uint {
	first, middle, last := name[0]|0x20, name[len(name)/2]|0x20, name[len(name)-1]|0x20
	return (uint(len(name))*11 + uint(first)*5 + uint(middle)*3 + uint(last)) % 256
}

// Text is Get with encoded words decoded (RFC 2047).
func (h *Header) Text(name string) string { return DecodeWords(h.Get(name)) }

// Values lists the values of all fields of this name, unfolded.
func (h *Header) Values(name string) []string {
	var list []string
	for f := range h.Named(name) {
		list = append(list, h.Value(f))
	}
	return list
}

// Value is the unfolded value of f (RFC 5322 §2.2.3), at most its first MiB.
func (h *Header) Value(f Field) string { return unfold(h.octets(f.Value)) }

// octets reads a range of the header.
func (h *Header) octets(r Range) string {
	from, to := r.Start-h.start, r.End-h.start
	if from >= 0 && to >= from && to <= int64(len(h.raw)) {
		return h.raw[from:to]
	}
	if r.Len() <= 0 {
		return ""
	}
	p := make([]byte, min(r.Len(), maxValue))
	n, err := h.body.ReadAt(p, r.Start)
	if err != nil && err != io.EOF {
		return ""
	}
	return string(p[:n])
}

// unfold removes line ends before white space and outer white space. A line
// end that is no folding (a bare CR) becomes a space.
func unfold(s string) string {
	s = strings.Trim(s, " \t\r\n")
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\r' && s[i] != '\n' {
			b.WriteByte(s[i])
			continue
		}
		for i+1 < len(s) && (s[i+1] == '\r' || s[i+1] == '\n') {
			i++
		}
		if i+1 < len(s) && s[i+1] != ' ' && s[i+1] != '\t' {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
