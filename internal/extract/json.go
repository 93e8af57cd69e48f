package extract

import (
	"bufio"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"postern.dev/postern/internal/buffers"
)

func isJSON(k Kind) bool {
	return k.Text && (k.Type == "application/json" || k.Type == "application/x-ndjson" ||
		len(k.Type) > 5 && k.Type[len(k.Type)-5:] == "+json")
}

// readJSON gives JSON out with the escapes in its strings undone (RFC 8259
// §7): what they stand for is what every program shows.
func readJSON(d *Document) error {
	in, out := buffers.Reader(d.decoded()), buffers.Writer(d)
	defer buffers.PutReader(in)
	defer buffers.PutWriter(out)
	for {
		c, err := in.ReadByte()
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		if c == '\\' {
			err = unescape(in, out)
		} else {
			err = out.WriteByte(c)
		}
		if err != nil {
			return err
		}
	}
}

// unescape writes what the escape that follows stands for, or the backslash
// when none follows.
func unescape(in *bufio.Reader, out *bufio.Writer) error {
	next, _ := in.Peek(11) // "u0034" and, for a pair, "\u0034" behind it
	if len(next) == 0 {
		return out.WriteByte('\\')
	}
	if r, ok := unit(next); ok {
		size := 5
		if utf16.IsSurrogate(r) && len(next) > 5 && next[5] == '\\' {
			low, _ := unit(next[6:])
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r, size = both, 11
			}
		}
		_, _ = in.Discard(size)
		_, err := out.WriteRune(r)
		return err
	}
	var to byte
	switch next[0] {
	case 'n', 'r', 'f':
		to = '\n'
	case 't':
		to = '\t'
	case 'b':
		to = ' '
	case '"', '/', '\\':
		to = next[0]
	default:
		return out.WriteByte('\\')
	}
	_, _ = in.Discard(1)
	return out.WriteByte(to)
}

// unit reads "u" and four hexadecimal digits.
func unit(b []byte) (rune, bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[1:5]), 16, 16)
	return rune(n), err == nil
}
