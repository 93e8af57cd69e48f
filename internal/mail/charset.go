package mail

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// sniffSize is how much of a text is looked at to check its label.
const sniffSize = 4 << 10

// Decode reads r as UTF-8. The label is believed except where the octets
// contradict it as mail programs see it: a byte order mark or the zeros of
// UTF-16 win. A text with an unknown label is guessed. The cause is "" or
// Unsupported, when the label names a charset that cannot be read and whose
// text had to be guessed.
func Decode(r io.Reader, charset string) (io.Reader, Cause) {
	if b, ok := r.(*bufio.Reader); ok && b.Size() >= sniffSize {
		if head, err := b.Peek(sniffSize); err == nil || err == io.EOF {
			return decode(b, cleanLabel(charset), head, err != nil)
		}
	}
	head := make([]byte, sniffSize)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	var all io.Reader = bytes.NewReader(head)
	if err == nil {
		all = io.MultiReader(all, r)
	} else if err != io.EOF && err != io.ErrUnexpectedEOF {
		all = io.MultiReader(all, failed{err})
	}
	return decode(all, cleanLabel(charset), head, err != nil)
}

// decode reads a text that begins with head.
func decode(all io.Reader, label string, head []byte, whole bool) (io.Reader, Cause) {
	t, cause := decoderFor(label, head, whole)
	if _, is := t.(utf8Text); is {
		return &utf8Reader{r: all}, cause
	}
	return transform.NewReader(all, ended{t}), cause
}

// ended reads a character that is cut off at the end of a text as U+FFFD.
// Some decoders of x/text give an error for it, and the error would take the
// whole text away.
type ended struct{ transform.Transformer }

// Transform implements transform.Transformer.
func (e ended) Transform(dst, src []byte, atEOF bool) (int, int, error) {
	n, used, err := e.Transformer.Transform(dst, src, atEOF)
	if !atEOF || err != transform.ErrShortSrc {
		return n, used, err
	}
	if len(dst)-n < utf8.UTFMax {
		return n, used, transform.ErrShortDst
	}
	return n + utf8.EncodeRune(dst[n:], utf8.RuneError), len(src), nil
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// cleanLabel is a label without the decorations that occur.
func cleanLabel(s string) string {
	s = strings.ToLower(strings.Trim(s, " \t\r\n\"'"))
	s, _, _ = strings.Cut(s, " ")
	s = strings.TrimPrefix(s, "charset=")
	return strings.Trim(s, "\"'")
}

// decoderFor chooses how to decode a text that begins with head. whole says that head is all of it.
func decoderFor(label string, head []byte, whole bool) (transform.Transformer, Cause) {
	if t := wide(label, head); t != nil {
		return t, ""
	}
	switch label {
	case "utf-7", "unicode-1-1-utf-7", "utf7", "x-unicode-2-0-utf-7", "unicode-2-0-utf-7", "csunicode11utf7":
		return &utf7Decoder{}, ""
	case "iso-2022-kr", "csiso2022kr":
		return transform.Chain(&shiftDecoder{}, korean.EUCKR.NewDecoder()), ""
	case "iso-2022-cn", "iso-2022-cn-ext":
		return transform.Chain(&shiftDecoder{}, simplifiedchinese.GBK.NewDecoder()), ""
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312.NewDecoder(), ""
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "utf-8", "utf8", "unicode-1-1-utf-8":
		if looksUTF8(head, whole) || strings.HasPrefix(label, "u") && label != "us-ascii" {
			return newUTF8Text(), ""
		}
		if label == "" {
			return guess(head).NewDecoder(), ""
		}
		return charmap.Windows1252.NewDecoder(), ""
	}
	if e := byLabel(label); e != nil {
		return e.NewDecoder(), ""
	}
	if bytes.Contains(head, []byte("\x1b$")) || bytes.Contains(head, []byte("\x1b(")) {
		return japanese.ISO2022JP.NewDecoder(), ""
	}
	if looksUTF8(head, whole) {
		return newUTF8Text(), ""
	}
	return guess(head).NewDecoder(), Unsupported
}

// byLabel finds a charset by the names of browsers, then by those of IANA.
func byLabel(label string) encoding.Encoding {
	label = strings.TrimPrefix(label, "x-")
	for _, name := range []string{label, "x-" + label, strings.ReplaceAll(label, "_", "-"), alias(label)} {
		e, err := htmlindex.Get(name)
		if err == nil && e != encoding.Replacement {
			return e
		}
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e
	}
	if e, err := ianaindex.IANA.Encoding(label); err == nil && e != nil {
		return e
	}
	return nil
}

// alias knows labels of real mail that neither index has.
func alias(label string) string {
	if n, ok := strings.CutPrefix(label, "cp"); ok {
		switch {
		case strings.HasPrefix(n, "125"):
			return "windows-" + n
		case n == "932":
			return "shift_jis"
		case n == "936":
			return "gbk"
		case n == "949":
			return "euc-kr"
		case n == "950":
			return "big5"
		}
	}
	if strings.HasPrefix(label, "iso-2022-jp") || strings.HasPrefix(label, "iso2022jp") {
		return "iso-2022-jp"
	}
	if n, ok := strings.CutPrefix(label, "win-"); ok {
		return "windows-" + n
	}
	if n, ok := strings.CutPrefix(label, "iso8859"); ok {
		return "iso-8859-" + strings.Trim(n, "-_")
	}
	if n, ok := strings.CutPrefix(label, "iso-"); ok && strings.HasPrefix(n, "8859") && !strings.HasPrefix(n, "8859-") {
		return "iso-8859-" + strings.Trim(n[4:], "-_")
	}
	return label
}

// wide recognises UTF-16 and UTF-32 by label, byte order mark, or the zeros
// that text in them has.
func wide(label string, head []byte) transform.Transformer {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}) && len(head)%4 == 0:
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	}
	var zeros [4]int
	if first := bytes.IndexByte(head, 0); first >= 0 {
		for i, c := range head[first:] {
			if c == 0 {
				zeros[(first+i)%4]++
			}
		}
	}
	quarter := len(head) / 4
	even, odd := zeros[0]+zeros[2], zeros[1]+zeros[3]
	most := quarter * 2 * 6 / 10
	switch {
	case quarter < 1:
	case zeros[1]+zeros[2]+zeros[3] > quarter*25/10 && zeros[0] < quarter/4+1:
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM).NewDecoder()
	case zeros[0]+zeros[1]+zeros[2] > quarter*25/10 && zeros[3] < quarter/4+1:
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM).NewDecoder()
	case odd > most && odd > even*3:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case even > most && even > odd*3:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	}
	switch label {
	case "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case "utf-16", "utf-16be", "utf16", "ucs-2", "iso-10646-ucs-2":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder()
	case "utf-32", "utf-32be", "utf32":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder()
	}
	return nil
}

// looksUTF8 reports whether p is UTF-8; a character cut off at its end does
// not count unless p is whole.
func looksUTF8(p []byte, whole bool) bool {
	for i := 0; !whole && i < utf8.UTFMax && len(p) > 0; i++ {
		if r, size := utf8.DecodeLastRune(p); r != utf8.RuneError || size > 1 {
			break
		}
		p = p[:len(p)-1]
	}
	return utf8.Valid(p)
}

// guess finds a charset by the statistics of the text.
func guess(head []byte) encoding.Encoding {
	if looksUTF8(head, false) {
		return unicode.UTF8
	}
	if e := byLabel(cleanLabel(chardet.Detect(head).Encoding)); e != nil {
		return e
	}
	return charmap.Windows1252
}

// decodeLabelled decodes a short text; octets that the charset does not have
// become the replacement character.
func decodeLabelled(charset, s string) string {
	if charset == "" && utf8.ValidString(s) {
		return s
	}
	r, _ := Decode(strings.NewReader(s), charset)
	p, _ := io.ReadAll(r)
	return strings.ToValidUTF8(string(p), "\uFFFD")
}
