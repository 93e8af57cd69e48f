package mail

import "bytes"

// uuDecoder decodes uuencoded files. Lines that belong to no file are passed
// on as they stand: a part that is only called uuencoded hides nothing.
type uuDecoder struct{ inside bool }

func (d *uuDecoder) clone() machine { c := *d; return &c }

// maxUULine is longer than a line of 45 octets with its check character.
const maxUULine = 180

func (d *uuDecoder) step(dst, src []byte, eof bool) (written, taken int) {
	for taken < len(src) && len(dst)-written >= maxUULine+1 {
		rest := src[taken:]
		i := bytes.IndexByte(rest, '\n')
		if i < 0 && len(rest) < maxUULine && !eof {
			return written, taken
		}
		size := i + 1
		if i < 0 || size > maxUULine {
			size = min(len(rest), maxUULine)
		}
		text := bytes.TrimRight(rest[:size], "\r\n")
		taken += size
		switch {
		case !d.inside && uuBegin(text) != "":
			d.inside = true
		case d.inside && string(bytes.TrimSpace(text)) == "end":
			d.inside = false
		case d.inside && uuLine(text):
			written += uuDecode(dst[written:], text)
		case len(text) > 0:
			written += copy(dst[written:], rest[:size])
		}
	}
	return written, taken
}

// uuBegin returns the name of "begin 644 name", "" if the line is another.
func uuBegin(text []byte) string {
	rest, ok := bytes.CutPrefix(text, []byte("begin "))
	if !ok || len(text) > prefixSize {
		return ""
	}
	mode, name, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(mode) < 3 || len(mode) > 5 || len(bytes.Trim(mode, "01234567")) > 0 {
		return ""
	}
	return string(bytes.TrimSpace(name))
}

// uuLine reports whether text can be a line of a file: its first character
// says how many octets follow. Spaces at the end may have been cut off on
// the way, and some programs add a check character.
func uuLine(text []byte) bool {
	if len(text) == 0 || text[0] < ' ' || text[0] > '`' {
		return false
	}
	n := int(text[0]-' ') & 0x3f
	want := (n + 2) / 3 * 4
	return len(text)-1 <= want+2 && (n > 0 || len(text) <= 3)
}

func uuDecode(dst, text []byte) int {
	n := int(text[0]-' ') & 0x3f
	at := func(i int) byte {
		if i < len(text) {
			return (text[i] - ' ') & 0x3f
		}
		return 0
	}
	written := 0
	for i := 1; written < n; i += 4 {
		a, b, c, e := at(i), at(i+1), at(i+2), at(i+3)
		for _, v := range [3]byte{a<<2 | b>>4, b<<4 | c>>2, c<<6 | e} {
			if written < n {
				dst[written] = v
				written++
			}
		}
	}
	return written
}
