// Package picture reads what pictures say besides their pixels: comments,
// captions, authors, places.
//
// It upholds one law: nothing that a file says of its own lengths is
// believed; every read is bounded by the file, and what unpacks by a limit.
//
// It does not look at pixels (see internal/ocr), and it knows no message.
//
// Standards: ISO/IEC 15948 (PNG: tEXt, zTXt, iTXt, eXIf), ITU-T T.81 and T.871
// (JPEG), CIPA DC-008 (Exif), TIFF 6.0, GIF89a, RFC 9649 (WebP), ISO 16684-1
// (XMP), IPTC-IIM 4.2.
package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"html"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxUnpacked bounds what compressed texts of one picture become.
const maxUnpacked = 4 << 20

// maxTexts bounds the texts of one picture.
const maxTexts = 2000

// Read gives what a picture says to give: a name, and a text in UTF-8. More
// is true when a limit left something out.
func Read(file []byte, give func(name, text string)) (more bool) {
	r := &reader{give: give, room: maxUnpacked}
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		r.png(file[8:])
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		r.jpeg(file[2:])
	case bytes.HasPrefix(file, []byte("GIF8")):
		r.gif(file)
	case bytes.HasPrefix(file, []byte("RIFF")) && len(file) > 12 && string(file[8:12]) == "WEBP":
		r.webp(file[12:])
	case bytes.HasPrefix(file, []byte("II*\x00")) || bytes.HasPrefix(file, []byte("MM\x00*")):
		r.tiff(file)
	}
	return r.more
}

type reader struct {
	give  func(name, text string)
	room  int // for what is compressed
	texts int
	more  bool
}

// text gives one out, with octets that are no UTF-8 taken for Latin-1.
func (r *reader) text(name string, b []byte) {
	b = bytes.Trim(b, "\x00 \r\n\t")
	if len(b) == 0 {
		return
	}
	if r.texts++; r.texts > maxTexts {
		r.more = true
		return
	}
	if utf8.Valid(b) {
		r.give(name, string(b))
		return
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	r.give(name, string(runes))
}

func (r *reader) inflate(b []byte) []byte {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(z, int64(r.room)+1)) // what came before damage counts
	if len(out) > r.room {
		r.more, out = true, out[:r.room]
	}
	r.room -= len(out)
	return out
}

func (r *reader) png(b []byte) {
	for len(b) >= 12 {
		n := int(binary.BigEndian.Uint32(b))
		kind := string(b[4:8])
		if n < 0 || n > len(b)-12 {
			n = len(b) - 12 // cut off: read what is there
		}
		r.chunk(kind, b[8:8+n])
		b = b[12+n:]
	}
}

func (r *reader) chunk(kind string, data []byte) {
	name, rest, ok := bytes.Cut(data, []byte{0})
	switch kind {
	case "tEXt":
		if ok {
			r.text(string(name), rest)
		}
	case "zTXt":
		if ok && len(rest) > 1 {
			r.text(string(name), r.inflate(rest[1:]))
		}
	case "iTXt":
		if !ok || len(rest) < 2 {
			return
		}
		packed := rest[0] == 1
		_, rest, _ = bytes.Cut(rest[2:], []byte{0}) // language
		_, rest, ok = bytes.Cut(rest, []byte{0})    // translated keyword
		if !ok {
			return
		}
		if packed {
			rest = r.inflate(rest)
		}
		if string(name) == "XML:com.adobe.xmp" {
			r.xmp(rest)
			return
		}
		r.text(string(name), rest)
	case "eXIf":
		r.tiff(data)
	}
}

func (r *reader) jpeg(b []byte) {
	for len(b) >= 4 {
		if b[0] != 0xFF {
			b = b[1:] // lost: find the next marker
			continue
		}
		marker := b[1]
		if marker == 0xFF || marker == 0 || marker >= 0xD0 && marker <= 0xD9 {
			if b = b[1:]; marker != 0xFF {
				b = b[1:]
			}
			continue
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || n > len(b)-2 {
			n = len(b) - 2
		}
		r.segment(marker, b[4:2+n])
		b = b[2+n:]
	}
}

func (r *reader) segment(marker byte, data []byte) {
	const xap = "http://ns.adobe.com/xap/1.0/\x00"
	switch {
	case marker == 0xFE:
		r.text("comment", data)
	case marker == 0xE1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")):
		r.tiff(data[6:])
	case marker == 0xE1 && bytes.HasPrefix(data, []byte(xap)):
		r.xmp(data[len(xap):])
	case marker == 0xED && bytes.HasPrefix(data, []byte("Photoshop 3.0\x00")):
		r.photoshop(data[14:])
	}
}

// photoshop walks image resource blocks for the one with IPTC's records.
func (r *reader) photoshop(b []byte) {
	for len(b) >= 12 && string(b[:4]) == "8BIM" {
		id := binary.BigEndian.Uint16(b[4:])
		name := 1 + int(b[6])
		name += name & 1
		if len(b) < 6+name+4 {
			return
		}
		n := int(binary.BigEndian.Uint32(b[6+name:]))
		data := b[10+name:]
		if n < 0 || n > len(data) {
			n = len(data)
		}
		if id == 0x0404 {
			r.iptc(data[:n])
		}
		b = data[min(len(data), n+n&1):]
	}
}

func (r *reader) iptc(b []byte) {
	for len(b) >= 5 && b[0] == 0x1C {
		n := int(binary.BigEndian.Uint16(b[3:]))
		if n > len(b)-5 {
			n = len(b) - 5
		}
		if b[1] == 2 {
			r.text("iptc", b[5:5+n])
		}
		b = b[5+n:]
	}
}

func (r *reader) gif(b []byte) {
	if len(b) < 13 {
		return
	}
	at := 13
	if b[10]&0x80 != 0 {
		at += 3 << (b[10]&7 + 1)
	}
	for at+1 < len(b) {
		switch {
		case b[at] == 0x21:
			label := b[at+1]
			data, next := blocks(b, at+2)
			switch {
			case label == 0xFE:
				r.text("comment", data)
			case label == 0xFF && bytes.HasPrefix(data, []byte("XMP DataXMP")):
				r.xmp(b[min(at+14, next):next])
			}
			at = next
		case b[at] == 0x2C && at+10 < len(b):
			flags := b[at+9]
			at += 10
			if flags&0x80 != 0 {
				at += 3 << (flags&7 + 1)
			}
			_, at = blocks(b, at+1)
		default:
			return
		}
	}
}

// blocks joins the sub-blocks from at on, and says where they end.
func blocks(b []byte, at int) (data []byte, end int) {
	for at < len(b) && b[at] != 0 {
		n := min(int(b[at]), len(b)-at-1)
		data = append(data, b[at+1:at+1+n]...)
		at += 1 + n
	}
	return data, min(at+1, len(b))
}

func (r *reader) webp(b []byte) {
	for len(b) >= 8 {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		data := b[8:]
		if n < 0 || n > len(data) {
			n = len(data)
		}
		switch string(b[:4]) {
		case "EXIF":
			r.tiff(bytes.TrimPrefix(data[:n], []byte("Exif\x00\x00")))
		case "XMP ":
			r.xmp(data[:n])
		}
		b = data[min(len(data), n+n&1):]
	}
}

// xmp gives out the texts and attributes of a packet.
func (r *reader) xmp(b []byte) {
	var out strings.Builder
	for len(b) > 0 {
		open := bytes.IndexByte(b, '<')
		if open < 0 {
			open = len(b)
		}
		if t := bytes.TrimSpace(b[:open]); len(t) > 0 {
			out.WriteString(html.UnescapeString(string(t)) + "\n")
		}
		if b = b[open:]; len(b) == 0 {
			break
		}
		end := bytes.IndexByte(b, '>')
		if end < 0 {
			end = len(b) - 1
		}
		attributes(b[:end+1], &out)
		b = b[end+1:]
	}
	r.text("xmp", []byte(out.String()))
}

// attributes writes the values of a tag's attributes, but for namespaces.
func attributes(tag []byte, out *strings.Builder) {
	for {
		at := bytes.IndexAny(tag, `"'`)
		if at < 0 {
			return
		}
		end := bytes.IndexByte(tag[at+1:], tag[at])
		if end < 0 {
			return
		}
		value := tag[at+1 : at+1+end]
		if !bytes.Contains(tag[:at], []byte("xmlns")) && len(bytes.TrimSpace(value)) > 0 {
			out.WriteString(html.UnescapeString(string(value)) + "\n")
		}
		tag = tag[at+2+end:]
	}
}

// fromUTF16 decodes two octets a character.
func fromUTF16(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units)))
}
