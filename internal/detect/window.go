package detect

import (
	"encoding/binary"
	"math/bits"
)

// Kind says in what kind of text a window stands.
type Kind string

// The kinds of text.
const (
	Subject    Kind = "subject"
	Header     Kind = "header"
	Body       Kind = "body"
	Attachment Kind = "attachment"
	FileName   Kind = "name"
)

// Sizes of windows, in bytes of folded text.
const (
	// Margin is how much text around its hits a detector sees at least,
	// unless the text begins or ends before.
	Margin = 4 << 10
	// Size is the text of one window without its margins.
	Size = 1 << 20
)

// Source names the text that windows are cut from.
type Source struct {
	Part string
	Name string
	Kind Kind
}

// Window is a piece of text as detectors see it: folded, so that positions
// are not offsets of the original.
type Window struct {
	Source
	// Text is the piece with its margins.
	Text []byte
	// From and To enclose what belongs to this window: a hit that starts
	// outside is reported by a neighbor too, and not counted here.
	From, To int

	digits  []Span
	counted bool
	shared  []share
	number  int // of this window in its stream
	stream  *Stream
}

// Cell is where in a table position i stands, counted from 1; 0 outside of
// tables.
func (w *Window) Cell(i int) (row, col int) {
	if w.stream == nil || len(w.stream.marks.list) == 0 {
		return 0, 0
	}
	return w.stream.marks.cell(w.stream.text.start(i))
}

// Renewed is something that detectors have in common. It belongs to one
// stream, and is used for one window after the other.
type Renewed interface {
	// Renew forgets everything and begins with w.
	Renew(w *Window)
}

// share is a Renewed and the window that it was renewed for.
type share struct {
	key    any
	value  Renewed
	number int
}

// Shared gives what detectors have in common for this window: the first that
// asks in a stream makes it, the first that asks in a window renews it.
func (w *Window) Shared(key any, made func() Renewed) Renewed {
	at := 0
	for at < len(w.shared) && w.shared[at].key != key {
		at++
	}
	if at == len(w.shared) {
		w.shared = append(w.shared, share{key, made(), w.number - 1})
	}
	s := &w.shared[at]
	value := s.value
	if s.number != w.number {
		s.number = w.number
		value.Renew(w)
	}
	return value
}

// next is w for the text that follows; what is shared goes on being used.
func (w *Window) next(source Source, text []byte, from, to int) {
	*w = Window{
		Source: source, Text: text, From: from, To: to,
		digits: w.digits, shared: w.shared, number: w.number + 1, stream: w.stream,
	}
}

// Span is a range of positions in a window.
type Span struct{ Start, End int32 }

// Len is the number of bytes in s.
func (s Span) Len() int { return int(s.End - s.Start) }

// Digits lists the runs of ASCII digits in the window, in order. Several
// detectors begin with it, so that the text is read once for them all.
func (w *Window) Digits() []Span {
	if w.counted {
		return w.digits
	}
	w.counted = true
	w.digits = w.digits[:0]
	text := w.Text
	for i := digitAt(text, 0); i < len(text); i = digitAt(text, i) {
		start := i
		for i++; i < len(text) && text[i]-'0' <= 9; i++ {
		}
		w.digits = append(w.digits, Span{int32(start), int32(i)})
	}
	return w.digits
}

// digitAt is the position of the first ASCII digit at or behind i, or the
// length of the text. It reads 32 octets at a time, and then eight.
func digitAt(text []byte, i int) int {
	for ; i+32 <= len(text); i += 32 {
		q := text[i : i+32 : i+32]
		if noDigits(binary.LittleEndian.Uint64(q))&noDigits(binary.LittleEndian.Uint64(q[8:]))&
			noDigits(binary.LittleEndian.Uint64(q[16:]))&noDigits(binary.LittleEndian.Uint64(q[24:])) != highest {
			break
		}
	}
	for ; i+8 <= len(text); i += 8 {
		if none := noDigits(binary.LittleEndian.Uint64(text[i:])); none != highest {
			return i + bits.TrailingZeros64(none^highest)/8
		}
	}
	for ; i < len(text) && text[i]-'0' > 9; i++ {
	}
	return i
}

// highest are the highest bits of eight octets.
const highest = 0x8080808080808080

// noDigits marks those of eight octets that are no digits: a digit is an octet
// whose high half is 3 and whose low half is at most 9.
func noDigits(x uint64) uint64 {
	const each = 0x0101010101010101
	x ^= '0' * each
	return (x&^highest + 0x76*each | x) & highest
}
