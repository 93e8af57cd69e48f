package mail

import (
	"bytes"
	"slices"
	"strings"
)

// headReader reads the lines of one header. Where the lines do not follow
// RFC 5322 §2.2 it does what most mail programs do, and notes it:
//
//   - a leading "From " line of an mbox is skipped
//   - white space before the colon is taken as none
//   - one line that is no field, with a field behind it, is skipped; two
//     end the header, and the first is the first of the body
type headReader struct {
	h    *Header
	part bool  // the header of a part, behind which the body may follow at once
	keep int64 // how many octets of it will be kept
	end  int64

	bad       Range // a line that is no field, not yet judged
	blankish  bool  // a line of white space stands before the next field
	cr, nul   bool
	eightName bool
	mid       bool // a line that is no field stood between fields
	hidden    bool // Content-… fields follow a line of white space
}

func newHeadReader(b Body, start int64, keep int) *headReader {
	return &headReader{h: &Header{body: b, start: start}, keep: int64(keep), end: start}
}

// line takes the next line and reports whether the header is at its end,
// which is r.end then: behind l when l was the empty line, before it (or the
// line before it) otherwise.
func (r *headReader) line(l line) (ended bool) {
	data := l.data
	if len(bytes.Trim(data, "\r")) == 0 && !l.long {
		r.cr = r.cr || len(data) > 0
		r.end = l.end
		if r.bad.Len() > 0 {
			if r.part { // content may follow the header at once
				r.end = r.bad.Start
			} else {
				r.mid = true
			}
		}
		return true
	}
	r.cr = r.cr || l.cr
	r.nul = r.nul || l.nul
	if data[0] == ' ' || data[0] == '\t' {
		if n := len(r.h.fields); n > 0 && r.bad.Len() == 0 {
			r.continued(l)
			return false
		}
	}
	name, colon := fieldName(data)
	if colon < 0 || r.bad.Len() > 0 && !r.goesOn(name) {
		return r.noField(l)
	}
	if r.bad.Len() > 0 {
		r.mid = true
		r.bad = Range{}
	}
	r.add(l, name, colon)
	return false
}

// continued adds a folded line to the last field.
func (r *headReader) continued(l line) {
	if len(bytes.TrimSpace(l.data)) == 0 && !l.long {
		r.blankish = true
	}
	f := &r.h.fields[len(r.h.fields)-1]
	f.Range.End, f.Value.End = l.end, l.text
	r.end = l.end
}

func (r *headReader) add(l line, name []byte, colon int) {
	r.end = l.end
	if len(r.h.fields) >= maxFields {
		return
	}
	if data := l.data; data[0] == ' ' || data[0] == '\t' {
		r.mid = true
	}
	if !isASCII(name) {
		r.eightName = true
	}
	if r.blankish && len(name) > 8 && bytes.EqualFold(name[:8], []byte("content-")) {
		r.hidden = true
	}
	f := Field{Range: Range{l.start, l.end}, Value: Range{l.start + int64(colon) + 1, l.text}}
	if f.Value.Start-r.h.start > r.keep { // others are named at the end, out of what is kept
		f.Name = string(name)
	}
	if r.h.fields == nil {
		r.h.fields = make([]Field, 0, usualFields)
	}
	r.h.fields = append(r.h.fields, f)
}

// usualFields is how many fields the header of a part has, or less.
const usualFields = 4

// noField judges a line that cannot be a field.
func (r *headReader) noField(l line) (ended bool) {
	if len(r.h.fields) == 0 && r.bad.Len() == 0 && isFromLine(l.data) {
		r.end = l.end
		return false
	}
	if r.bad.Len() > 0 {
		r.end = r.bad.Start
		return true
	}
	r.bad = Range{l.start, l.end}
	return false
}

// goesOn reports whether the field behind a line that is none shows that the
// header goes on. In text a colon is common, so a part that began without
// any field must show one of MIME.
func (r *headReader) goesOn(name []byte) bool {
	if len(r.h.fields) > 0 || !r.part {
		return true
	}
	return len(name) > 8 && bytes.EqualFold(name[:8], []byte("content-"))
}

// close ends the header at end and writes down what was odd.
func (r *headReader) close(end int64, raw string) *Header {
	h := r.h
	if r.bad.Len() > 0 && end > r.bad.Start && !r.mid {
		end = r.bad.Start
	}
	h.end, h.raw = end, raw
	for i, f := range h.fields {
		if f.Name == "" {
			h.fields[i].Name = strings.Trim(h.octets(Range{f.Range.Start, f.Value.Start - 1}), " \t")
		}
		h.names.add(h.fields[i].Name)
	}
	note := func(on bool, reason Cause, detail string) {
		if on {
			h.notes = append(h.notes, Unseen{Reason: reason, Detail: detail})
		}
	}
	note(r.cr, Malformed, "the header holds a CR without LF")
	note(r.nul, Malformed, "the header holds a NUL")
	note(r.eightName, Malformed, "a header field name holds an octet over 127")
	note(r.mid, Malformed, "a line of the header is no field")
	note(r.bad.Len() > 0 && !r.mid && len(h.fields) > 0, Malformed, "no empty line stands between header and body")
	note(r.hidden, Ambiguous, "MIME fields follow a header line of white space")
	note(len(h.fields) >= maxFields, TooLarge, "the header has too many fields")
	long := func(f Field) bool { return f.Value.Len() > maxValue }
	note(slices.ContainsFunc(h.fields, long), TooLarge, "a header field is longer than 1 MiB, and no more of it is read")
	return h
}

// fieldName returns the name of a field line and the place of its colon, or
// -1. White space before the colon is allowed (RFC 5322 §4.5).
func fieldName(data []byte) (name []byte, colon int) {
	colon = bytes.IndexByte(data, ':')
	if colon <= 0 {
		return nil, -1
	}
	name = bytes.Trim(data[:colon], " \t")
	if len(name) == 0 {
		return nil, -1
	}
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			if c == 0 {
				continue
			}
			return nil, -1
		}
	}
	return name, colon
}

// isFromLine recognises the separator line of an mbox.
func isFromLine(data []byte) bool {
	s := strings.TrimPrefix(string(data[:min(len(data), 6)]), ">")
	return strings.HasPrefix(s, "From ")
}
