// Package codepage turns the octets of old Windows and Macintosh programs
// into UTF-8: by the number of a code page, the charset of a font or the
// language of a document.
//
// It upholds one law: every octet becomes a character. What a code page does
// not have is U+FFFD, and an unknown code page is read as Windows-1252, so
// that digits and Latin letters are always seen.
//
// It knows no file format.
//
// Standards: MS-UCODEREF §2.2.1 (code pages), MS-LCID §2.2 (languages), Rich
// Text Format 1.9.1 (\fcharset), MS-WMF §2.1.1.5 (charsets of fonts).
package codepage

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Numbers of code pages that the readers name.
const (
	UTF16LE = 1200
	Windows = 1252
	Roman   = 10000
	UTF8    = 65001
)

// Append decodes p and appends it to dst as UTF-8.
func Append(dst []byte, page int, p []byte) []byte {
	switch page {
	case UTF16LE:
		return AppendUTF16(dst, p)
	case UTF8:
		return append(dst, toValid(p)...)
	}
	if ascii(p) {
		return append(dst, p...)
	}
	if m := single(page); m != nil {
		for _, c := range p {
			dst = utf8.AppendRune(dst, m.DecodeByte(c))
		}
		return dst
	}
	text, err := several(page).NewDecoder().Bytes(p)
	if err != nil && len(text) == 0 {
		for _, c := range p {
			dst = utf8.AppendRune(dst, charmap.Windows1252.DecodeByte(c))
		}
		return dst
	}
	return append(dst, text...)
}

// String decodes p.
func String(page int, p []byte) string { return string(Append(nil, page, p)) }

// AppendUTF16 decodes little-endian UTF-16 and appends it to dst as UTF-8. A
// half of a pair that stands alone is U+FFFD; an odd octet at the end is left
// out.
func AppendUTF16(dst, p []byte) []byte {
	for i := 0; i+1 < len(p); i += 2 {
		r := rune(p[i]) | rune(p[i+1])<<8
		if r < utf8.RuneSelf {
			dst = append(dst, byte(r))
			continue
		}
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(p) {
				low = rune(p[i+2]) | rune(p[i+3])<<8
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 2
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// UTF16 decodes little-endian UTF-16.
func UTF16(p []byte) string { return string(AppendUTF16(nil, p)) }

func ascii(p []byte) bool {
	for _, c := range p {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func toValid(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	return []byte(string([]rune(string(p))))
}

// several are the code pages whose characters take one octet or more.
func several(page int) encoding.Encoding {
	switch page {
	case 932, 943:
		return japanese.ShiftJIS
	case 936, 20936:
		return simplifiedchinese.GBK
	case 54936:
		return simplifiedchinese.GB18030
	case 949, 1361, 51949:
		return korean.EUCKR
	case 950, 10002:
		return traditionalchinese.Big5
	case 10001:
		return japanese.ShiftJIS
	case 10003:
		return korean.EUCKR
	case 10008:
		return simplifiedchinese.GBK
	case 51932:
		return japanese.EUCJP
	case 50220, 50221, 50222:
		return japanese.ISO2022JP
	case 52936:
		return simplifiedchinese.HZGB2312
	case 65000:
		if e, err := ianaindex.IANA.Encoding("utf-7"); err == nil && e != nil {
			return e
		}
	}
	return charmap.Windows1252
}

// single are the code pages of one octet; nil for the others.
func single(page int) *charmap.Charmap {
	for _, p := range pages {
		if p.number == page {
			return p.chars
		}
	}
	if several(page) == charmap.Windows1252 {
		return charmap.Windows1252
	}
	return nil
}

var pages = []struct {
	number int
	chars  *charmap.Charmap
}{
	{1252, charmap.Windows1252},
	{1250, charmap.Windows1250},
	{1251, charmap.Windows1251},
	{1253, charmap.Windows1253},
	{1254, charmap.Windows1254},
	{1255, charmap.Windows1255},
	{1256, charmap.Windows1256},
	{1257, charmap.Windows1257},
	{1258, charmap.Windows1258},
	{874, charmap.Windows874},
	{437, charmap.CodePage437},
	{850, charmap.CodePage850},
	{852, charmap.CodePage852},
	{855, charmap.CodePage855},
	{858, charmap.CodePage858},
	{860, charmap.CodePage860},
	{862, charmap.CodePage862},
	{863, charmap.CodePage863},
	{865, charmap.CodePage865},
	{866, charmap.CodePage866},
	{37, charmap.CodePage037},
	{1047, charmap.CodePage1047},
	{10000, charmap.Macintosh},
	{32768, charmap.Macintosh},
	{10007, charmap.MacintoshCyrillic},
	{10017, charmap.MacintoshCyrillic},
	{20866, charmap.KOI8R},
	{21866, charmap.KOI8U},
	{28591, charmap.ISO8859_1},
	{28592, charmap.ISO8859_2},
	{28593, charmap.ISO8859_3},
	{28594, charmap.ISO8859_4},
	{28595, charmap.ISO8859_5},
	{28596, charmap.ISO8859_6},
	{28597, charmap.ISO8859_7},
	{28598, charmap.ISO8859_8},
	{28599, charmap.ISO8859_9},
	{28603, charmap.ISO8859_13},
	{28605, charmap.ISO8859_15},
}

// OfCharset is the code page of the charset of a font; 0 when the charset
// does not say (the default charset, symbols).
func OfCharset(charset int) int {
	switch charset {
	case 0:
		return 1252
	case 77:
		return Roman
	case 78, 128:
		return 932
	case 79, 129, 130:
		return 949
	case 80, 134:
		return 936
	case 81, 136:
		return 950
	case 83, 161:
		return 1253
	case 84, 162:
		return 1254
	case 85, 177:
		return 1255
	case 86, 178:
		return 1256
	case 87, 222:
		return 874
	case 88, 238:
		return 1250
	case 89, 204:
		return 1251
	case 163:
		return 1258
	case 186:
		return 1257
	case 254:
		return 437
	case 255:
		return 850
	}
	return 0
}

// OfLanguage is the ANSI code page of a language (MS-LCID); 1252 when it has
// none of its own.
func OfLanguage(lcid int) int {
	switch lcid & 0x3FF {
	case 0x01, 0x20, 0x29: // Arabic, Urdu, Persian
		return 1256
	case 0x02, 0x19, 0x22, 0x23, 0x2F, 0x3F, 0x40, 0x44, 0x50: // Bulgarian, Russian, Ukrainian …
		return 1251
	case 0x05, 0x0E, 0x15, 0x18, 0x1B, 0x1C, 0x24: // Czech, Hungarian, Polish, Romanian, Slovak …
		return 1250
	case 0x1A: // Croatian and Serbian
		if lcid == 0x0C1A || lcid == 0x1C1A {
			return 1251
		}
		return 1250
	case 0x08:
		return 1253
	case 0x0D:
		return 1255
	case 0x1E:
		return 874
	case 0x1F, 0x2C:
		return 1254
	case 0x25, 0x26, 0x27:
		return 1257
	case 0x2A:
		return 1258
	case 0x11:
		return 932
	case 0x12:
		return 949
	case 0x04:
		if lcid == 0x0404 || lcid == 0x0C04 || lcid == 0x1404 {
			return 950
		}
		return 936
	}
	return 1252
}
