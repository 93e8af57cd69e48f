package pdf

import (
	"strings"

	textenc "golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// legacy is a predefined CMap whose codes are those of a known charset: the
// code itself says the character (ISO 32000-1 §9.7.5.2).
type legacy struct {
	prefix  string
	charset textenc.Encoding // nil for Unicode
	octets  int              // 0: one or two, by the charset
}

// legacies, the longer prefixes first.
func legacies() []legacy {
	gbk, big5, sjis, kr := simplifiedchinese.GBK, traditionalchinese.Big5, japanese.ShiftJIS, korean.EUCKR
	return []legacy{
		{"90ms-RKSJ", sjis, 0}, {"90msp-RKSJ", sjis, 0}, {"90pv-RKSJ", sjis, 0}, {"83pv-RKSJ", sjis, 0},
		{"Add-RKSJ", sjis, 0}, {"Ext-RKSJ", sjis, 0}, {"EUC-", japanese.EUCJP, 0},
		{"GBK2K", simplifiedchinese.GB18030, 0}, {"GBKp-EUC", gbk, 0}, {"GBK-EUC", gbk, 0}, {"GBpc-EUC", gbk, 0},
		{"GB-EUC", gbk, 0}, {"B5pc", big5, 0}, {"ETenms-B5", big5, 0}, {"ETen-B5", big5, 0}, {"HKscs-B5", big5, 0},
		{"KSCms-UHC", kr, 0}, {"KSC-EUC", kr, 0}, {"KSCpc-EUC", kr, 0},
	}
}

// unicodeCMap reports whether the codes of a predefined CMap are Unicode, and
// how many octets they have at least.
func unicodeCMap(n string) (octets int, ok bool) {
	if !strings.HasPrefix(n, "Uni") {
		return 0, false
	}
	switch {
	case strings.Contains(n, "UCS2"), strings.Contains(n, "UTF16"):
		return 2, true
	case strings.Contains(n, "UTF32"):
		return 4, true
	case strings.Contains(n, "UTF8"):
		return 1, true
	}
	return 0, false
}

// namedCMap gives what is known of a predefined CMap: how its codes are cut,
// and its direction.
func namedCMap(n name) *cmap {
	m := &cmap{}
	if strings.HasSuffix(string(n), "-V") || n == "V" {
		m.wmode = 1
	}
	if strings.HasPrefix(string(n), "Identity") {
		m.spaces = []codespace{{2, 0, 0xffff}}
		m.cids = []cidRange{{0, 0xffff, 0}}
		return m
	}
	if octets, ok := unicodeCMap(string(n)); ok {
		switch octets {
		case 2:
			m.spaces = []codespace{{2, 0, 0xd7ff}, {4, 0xd800dc00, 0xdbffdfff}, {2, 0xe000, 0xffff}}
		case 4:
			m.spaces = []codespace{{4, 0, 0x0010ffff}}
		case 1:
			m.spaces = []codespace{{1, 0, 0x7f}, {2, 0xc080, 0xdfbf}, {3, 0xe08080, 0xefbfbf}, {4, 0xf0808080, 0xf7bfbfbf}}
		}
		return m
	}
	switch s := string(n); {
	case strings.Contains(s, "RKSJ"):
		m.spaces = []codespace{{1, 0, 0x80}, {2, 0x8140, 0x9ffc}, {1, 0xa0, 0xdf}, {2, 0xe040, 0xfcfc}, {1, 0xfd, 0xff}}
	case strings.HasPrefix(s, "GBK2K"):
		m.spaces = []codespace{{1, 0, 0x7f}, {4, 0x81308130, 0xfe39fe39}, {2, 0x8140, 0xfefe}}
	case s == "H" || s == "V" || strings.HasPrefix(s, "GB-") && !strings.Contains(s, "EUC"):
		m.spaces = []codespace{{2, 0x2121, 0x7e7e}}
	default:
		m.spaces = []codespace{{1, 0, 0x80}, {2, 0x8140, 0xfefe}, {1, 0xff, 0xff}}
	}
	return m
}

// legacyText is the text of a code of a predefined CMap; "" when not known.
func legacyText(n string, code []byte) string {
	if octets, ok := unicodeCMap(n); ok {
		switch octets {
		case 1:
			return string(code)
		case 2:
			return fromUTF16(code, true)
		}
		return string(rune(codeOf(code)))
	}
	if n == "H" || n == "V" {
		// JIS X 0208 with seven bits: EUC has the high ones set.
		up := make([]byte, len(code))
		for i, c := range code {
			up[i] = c | 0x80
		}
		return decoded(japanese.EUCJP, up)
	}
	for _, l := range legacies() {
		if strings.HasPrefix(n, l.prefix) {
			return decoded(l.charset, code)
		}
	}
	return ""
}

func decoded(e textenc.Encoding, b []byte) string {
	s, err := e.NewDecoder().Bytes(b)
	if err != nil || strings.ContainsRune(string(s), '\uFFFD') {
		return ""
	}
	return string(s)
}

// collectionText is what is known of the glyphs of Adobe's character
// collections without their tables: the Latin letters and digits stand in the
// order of ASCII.
func collectionText(ordering string, cid int) string {
	ascii := func(first int) string {
		if cid >= first && cid < first+95 {
			return string(rune(' ' + cid - first))
		}
		return ""
	}
	wide := func(first int, r rune, n int) string {
		if cid >= first && cid < first+n {
			return string(r + rune(cid-first))
		}
		return ""
	}
	firstOf := func(list ...string) string {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
		return ""
	}
	switch ordering {
	case "Japan1":
		return firstOf(ascii(1), ascii(231), wide(780, '０', 10), wide(790, 'Ａ', 26), wide(816, 'ａ', 26),
			wide(842, 'ぁ', 83), wide(925, 'ァ', 86))
	case "GB1":
		return firstOf(ascii(1), ascii(814))
	case "CNS1":
		return firstOf(ascii(1), ascii(13648))
	case "Korea1":
		return firstOf(ascii(1), ascii(8094))
	}
	return ""
}
