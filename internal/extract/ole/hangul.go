package ole

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
)

// Flags in the head of a Hangul document (Hangul document file format 5.0,
// table 3).
const (
	hwpPacked      = 1 << 0
	hwpPassword    = 1 << 1
	hwpDistributed = 1 << 2
	hwpRights      = 1 << 4
)

// hangul reads a document of Hangul 5: its sections hold records, the text of
// a paragraph is one of them.
func (r *reader) hangul(s *cfb.Entry) {
	flags := octets(s.Stream("FileHeader")).u32(36)
	if flags&(hwpPassword|hwpRights|hwpDistributed) != 0 {
		r.out.Note(encrypted, "the document is locked")
		return
	}
	for _, c := range s.Child("BodyText").Children {
		p := r.inflated(c.Bytes(), flags&hwpPacked != 0)
		r.section("")
		for at := 0; at+4 <= len(p) && r.err == nil; {
			head := p.u32(at)
			at += 4
			size := head >> 20
			if size == 0xFFF {
				size = p.u32(at)
				at += 4
			}
			if head&0x3FF == 0x10+51 {
				r.write(append(paragraph(p.part(at, size)), '\n'))
			}
			at += size
		}
	}
	if data := s.Child("BinData"); data != nil {
		for _, c := range data.Children {
			r.embed(c.Name, "", r.inflated(c.Bytes(), flags&hwpPacked != 0))
		}
	}
}

// paragraph reads the text of a paragraph: characters below 32 are controls,
// most of which take eight places.
func paragraph(p octets) []byte {
	var text []byte
	start := 0
	for i := 0; i+1 < len(p); i += 2 {
		c := p.u16(i)
		if c >= 32 {
			continue
		}
		text = codepage.AppendUTF16(text, p[start:i])
		switch {
		case c == 9:
			text = append(text, '\t')
			i += 14
		case c == 10 || c == 13:
			text = append(text, '\n')
		case c == 0 || c >= 24:
		default:
			i += 14
		}
		start = min(i+2, len(p))
	}
	return codepage.AppendUTF16(text, p[start:])
}

// inflated unpacks a stream; what is no packed stream stays as it is.
func (r *reader) inflated(p []byte, packed bool) octets {
	if !packed || len(p) == 0 {
		return p
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(flate.NewReader(bytes.NewReader(p)), maxInflated+1))
	switch {
	case n > maxInflated:
		r.out.Note(tooLarge, "a stream is too long to be unpacked")
	case err != nil && n == 0:
		return p
	case err != nil:
		r.out.Note(malformed, "a stream is damaged")
	}
	if !r.unpacked(b.Len()) {
		return nil
	}
	return b.Bytes()
}

// publication reads a document of Publisher: the text of all its boxes is one
// text in UTF-16, in a stream of chunks.
func (r *reader) publication(s *cfb.Entry) {
	p := octets(s.Child("Quill").Child("QuillSub").Stream("CONTENTS"))
	if !strings.HasPrefix(string(p.part(0, 8)), "CHNKINK ") {
		r.out.Note(unsupported, "the publication is of a form that is not known; only pieces of its text were read")
		r.pieces(s, 0)
		return
	}
	for at := 32; p.u16(at) == 0x18; at += 24 {
		if string(p.part(at+12, 4)) == "TEXT" {
			text := codepage.AppendUTF16(nil, p.part(p.u32(at+16), p.u32(at+20)))
			r.write(bytes.ReplaceAll(text, []byte("\r"), []byte("\n")))
			r.write([]byte("\n"))
		}
	}
	if e := s.Child("Escher"); e != nil {
		for _, c := range e.Children {
			r.pictures(c.Bytes())
		}
	}
	r.objects(s.Child("Objects"))
}
