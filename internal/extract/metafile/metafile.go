// Package metafile reads the text in Windows metafiles (EMF and WMF): in them
// documents keep pictures of sheets, charts and other documents, and what is
// written there is text, not pixels.
//
// It upholds one law: runs of text that stand beside each other on a line
// come out as one line, in the order in which they were written.
//
// The package knows no part, detector or child process.
//
// Standards: MS-EMF §2.3.5 (text), §2.3.3 (comments), MS-WMF §2.3.3 (text).
package metafile

import (
	"bytes"
	"encoding/binary"

	"postern.dev/postern/internal/extract/codepage"
)

// Out takes what is read. An error of its methods ends the reading.
type Out interface {
	// Write takes text in UTF-8.
	Write(p []byte) (int, error)
	// Embed takes a file that lies inside.
	Embed(name, declared string, octets []byte) error
	// Note takes a cause ("unsupported") for which not everything was read,
	// and a sentence.
	Note(cause, detail string)
}

// IsEMF reports whether octets begin like an enhanced metafile.
func IsEMF(head []byte) bool {
	return len(head) >= 44 && u32(head, 0) == 1 && string(head[40:44]) == " EMF"
}

// IsWMF reports whether octets begin like a metafile, with or without the head
// that gives its place.
func IsWMF(head []byte) bool {
	if len(head) >= 40 && u32(head, 0) == placeable {
		head = head[22:]
	}
	return len(head) >= 18 && (u16(head, 0) == 1 || u16(head, 0) == 2) && u16(head, 2) == 9 &&
		(u16(head, 4) == 0x100 || u16(head, 4) == 0x300) && u32(head, 6) >= 12 && u16(head, 16) == 0
}

const placeable = 0x9AC6CDD7

func u16(p []byte, at int) int {
	if at < 0 || at+2 > len(p) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(p[at:]))
}

func u32(p []byte, at int) int {
	if at < 0 || at+4 > len(p) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(p[at:]))
}

func part(p []byte, at, size int) []byte {
	if at < 0 || size <= 0 || at >= len(p) {
		return nil
	}
	return p[at:min(at+min(size, len(p)), len(p))]
}

// reader is the state of reading one metafile.
type reader struct {
	out  Out
	err  error
	page int

	line     int // where the last run stood
	end      int // where it ended, as far as known
	begun    bool
	pictures bool // pixels were drawn
	glyphs   bool // text was drawn that is none
	said     int
	left     int // characters that may come: records can share text
}

// Read reads a metafile.
func Read(p []byte, out Out) error {
	r := &reader{out: out, page: codepage.Windows, left: 4*len(p) + 64}
	if IsEMF(p) {
		r.enhanced(p)
	} else {
		r.plain(p)
	}
	switch {
	case r.glyphs:
		out.Note("unsupported", "the picture has text by the numbers of its glyphs")
	case r.pictures && r.said == 0:
		out.Note("unsupported", "the picture is made of pixels")
	}
	return r.err
}

// run gives out a run of text. On the line of the run before it, it follows
// with a space between when there is one to be seen.
func (r *reader) run(x, y, width int, text []byte) {
	text = bytes.Trim(text, "\x00")
	if len(text) == 0 || r.err != nil {
		return
	}
	switch {
	case !r.begun:
	case y != r.line:
		text = append([]byte("\n"), text...)
	case x > r.end || x < r.end-width:
		text = append([]byte(" "), text...)
	}
	r.begun, r.line, r.end = true, y, x+width
	r.said++
	_, r.err = r.out.Write(text)
}

// enhanced reads the records of EMF.
func (r *reader) enhanced(p []byte) {
	for at := 0; at+8 <= len(p) && r.err == nil; {
		kind, size := u32(p, at), u32(p, at+4)
		if size < 8 {
			break
		}
		rec := part(p, at, size)
		switch kind {
		case 83, 84: // EMR_EXTTEXTOUTA, EMR_EXTTEXTOUTW
			r.text(rec, 36, kind == 84)
		case 108:
			r.small(rec)
		case 96, 97: // EMR_POLYTEXTOUTA, EMR_POLYTEXTOUTW
			for i := range min(u32(rec, 36), len(rec)/40) {
				r.text(rec, 40+40*i, kind == 97)
			}
		case 70:
			r.comment(part(rec, 12, u32(rec, 8)))
		case 76, 77, 78, 79, 80, 81, 114, 116:
			r.pictures = true
		case 14: // the end
			return
		}
		at += size
	}
}

// text reads an EmrText (MS-EMF §2.2.5) at a place in a record.
func (r *reader) text(rec []byte, at int, wide bool) {
	x, y, count := int(int32(u32(rec, at))), int(int32(u32(rec, at+4))), u32(rec, at+8)
	where, options, gaps := u32(rec, at+12), u32(rec, at+16), u32(rec, at+36)
	if options&0x10 != 0 {
		r.glyphs = true
		return
	}
	if r.left -= min(count, len(rec)); r.left < 0 {
		return
	}
	var text []byte
	if wide {
		text = codepage.AppendUTF16(nil, part(rec, where, 2*count))
	} else {
		text = codepage.Append(nil, r.page, part(rec, where, count))
	}
	width := 0
	if gaps > 0 {
		for i := range min(count, len(rec)/4) {
			width += u32(rec, gaps+4*i) & 0xFFFF
		}
	}
	r.run(x, y, width, text)
}

// small reads EMR_SMALLTEXTOUT (MS-EMF §2.3.5.37).
func (r *reader) small(rec []byte) {
	x, y, count, options := int(int32(u32(rec, 8))), int(int32(u32(rec, 12))), u32(rec, 16), u32(rec, 20)
	at := 36
	if options&0x100 == 0 { // a rectangle
		at += 16
	}
	switch {
	case options&0x10 != 0:
		r.glyphs = true
	case options&0x200 != 0: // characters of one octet
		r.run(x, y, 0, codepage.Append(nil, r.page, part(rec, at, count)))
	default:
		r.run(x, y, 0, codepage.AppendUTF16(nil, part(rec, at, 2*count)))
	}
}

// comment reads a comment: programs put whole files there, and the records of
// EMF+ (MS-EMFPLUS §2.3.4.6: DrawString).
func (r *reader) comment(p []byte) {
	if i := bytes.Index(p[:min(len(p), 512)], []byte("%PDF")); i >= 0 {
		r.said++
		if r.err == nil {
			r.err = r.out.Embed("picture.pdf", "application/pdf", p[i:])
		}
		return
	}
	if !bytes.HasPrefix(p, []byte("EMF+")) {
		return
	}
	for at := 4; at+12 <= len(p); {
		kind, size, data := u16(p, at), u32(p, at+4), u32(p, at+8)
		if size < 12 {
			return
		}
		body := part(p, at+12, min(data, size-12))
		switch kind {
		case 0x401C: // brush, format, length, rectangle, text
			r.run(u32(body, 12), u32(body, 16), 0, codepage.AppendUTF16(nil, part(body, 28, 2*u32(body, 8))))
		case 0x4036: // brush, options, matrix, count, glyphs: text when the first option says so
			if u32(body, 4)&1 != 0 {
				r.run(0, r.line, 0, codepage.AppendUTF16(nil, part(body, 16, 2*u32(body, 12))))
			}
		}
		at += size
	}
}

// plain reads the records of WMF (MS-WMF §2.3).
func (r *reader) plain(p []byte) {
	at := 18
	if u32(p, 0) == placeable {
		at += 22
	}
	for at+6 <= len(p) && r.err == nil {
		size, kind := 2*u32(p, at), u16(p, at+4)
		if size < 6 || kind == 0 {
			return
		}
		rec := part(p, at+6, size-6)
		switch kind {
		case 0x0521: // META_TEXTOUT: count, text, place
			count := u16(rec, 0)
			after := 2 + count + count&1
			r.run(int(int16(u16(rec, after+2))), int(int16(u16(rec, after))), 0, codepage.Append(nil, r.page, part(rec, 2, count)))
		case 0x0A32: // META_EXTTEXTOUT: place, count, options, rectangle, text
			from := 8
			if u16(rec, 6)&6 != 0 {
				from += 8
			}
			r.spaced(rec, from)
		case 0x02FB: // META_CREATEFONTINDIRECT
			if page := codepage.OfCharset(u16(rec, 12) >> 8); page != 0 {
				r.page = page
			}
		case 0x0940, 0x0B41, 0x0F43, 0x0922, 0x0B23, 0x0D33:
			r.pictures = true
		}
		at += size
	}
}

// spaced is the text of META_EXTTEXTOUT with the widths of its characters.
func (r *reader) spaced(rec []byte, from int) {
	count := u16(rec, 4)
	if u16(rec, 6)&0x10 != 0 {
		r.glyphs = true
		return
	}
	width, gaps := 0, from+count+count&1
	for i := range count {
		width += u16(rec, gaps+2*i)
	}
	r.run(int(int16(u16(rec, 2))), int(int16(u16(rec, 0))), width, codepage.Append(nil, r.page, part(rec, from, count)))
}
