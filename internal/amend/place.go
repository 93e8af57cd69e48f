package amend

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"postern.dev/postern/internal/mail"
)

// insert says how octets come to stand at a place of the decoded text.
func (t *text) insert(at int, octets []byte, html bool) (mail.Put, bool) {
	switch t.encoding {
	case "quoted-printable":
		if at >= len(t.at) {
			return mail.Put{}, false
		}
		where := t.at[at]
		return mail.Put{Range: mail.Range{Start: where, End: where}, With: t.quoted(octets, at == 0)}, true
	case "base64":
		return t.insertBase64(at, octets, html)
	}
	where := t.at[0] + int64(at)
	return mail.Put{Range: mail.Range{Start: where, End: where}, With: octets}, true
}

// quoted writes octets in quoted-printable between two soft line breaks, so
// that what stands before and behind them stays on lines that are short
// enough. Hyphens are encoded too: no line can be taken for a delimiter.
func (t *text) quoted(octets []byte, begins bool) []byte {
	var b strings.Builder
	if !begins {
		b.WriteString("=" + t.newline)
	}
	width := 0
	for i, c := range octets {
		if c == '\r' && i+1 < len(octets) && octets[i+1] == '\n' {
			continue
		}
		if c == '\n' {
			b.WriteString(t.newline)
			width = 0
			continue
		}
		unit := string(c)
		if c == '=' || c == '-' || c < ' ' || c > '~' || c == ' ' && (i+1 == len(octets) || octets[i+1] == '\r' || octets[i+1] == '\n') {
			unit = fmt.Sprintf("=%02X", c)
		}
		if width+len(unit) > 75 {
			b.WriteString("=" + t.newline)
			width = 0
		}
		b.WriteString(unit)
		width += len(unit)
	}
	if width > 0 {
		b.WriteString("=" + t.newline)
	}
	return []byte(b.String())
}

// insertBase64 puts octets between two groups, or into the group that the
// place is in: that one group is written anew, with what is new in its middle.
func (t *text) insertBase64(at int, octets []byte, html bool) (mail.Put, bool) {
	group, in := at/3, at%3
	if group >= len(t.at) || in > 0 && group+1 >= len(t.at) {
		return mail.Put{}, false
	}
	old := t.plain[min(3*group, len(t.plain)):min(3*group+3, len(t.plain))]
	where := mail.Range{Start: t.at[group], End: t.at[group]}
	if in == 0 {
		old = nil
	} else {
		where.End = t.at[group+1]
		if len(old) < 3 { // the last group, which padding ends
			octets = append(append(bytes.Clone(old[:in]), octets...), old[in:]...)
			return mail.Put{Range: where, With: t.base64(octets)}, true
		}
	}
	pad := (3 - (len(octets)+len(old))%3) % 3
	octets = t.padded(octets, pad, html)
	if in > 0 {
		octets = append(append(bytes.Clone(old[:in]), octets...), old[in:]...)
	}
	return mail.Put{Range: where, With: t.base64(octets)}, true
}

// padded adds spaces that nobody sees: in HTML at the end, in text in the empty
// line behind the banner.
func (t *text) padded(octets []byte, n int, html bool) []byte {
	pad := strings.Repeat(" ", n)
	if html {
		return append(bytes.Clone(octets), pad...)
	}
	return []byte(strings.TrimSuffix(string(octets), t.newline) + pad + t.newline)
}

// base64 writes octets on lines of their own.
func (t *text) base64(octets []byte) []byte {
	all := base64.StdEncoding.EncodeToString(octets)
	var b strings.Builder
	b.WriteString(t.newline)
	for len(all) > 0 {
		n := min(len(all), 76)
		b.WriteString(all[:n])
		b.WriteString(t.newline)
		all = all[n:]
	}
	return []byte(b.String())
}

// quotedText decodes quoted-printable and says where each octet stands. It
// stops at what is no quoted-printable.
func quotedText(raw []byte, start int64, whole bool) (plain []byte, at []int64, all bool) {
	i := 0
	for i < len(raw) {
		if raw[i] != '=' {
			plain, at = append(plain, raw[i]), append(at, start+int64(i))
			i++
			continue
		}
		rest := raw[i+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			i += 3
			continue
		case bytes.HasPrefix(rest, []byte("\n")):
			i += 2
			continue
		}
		if len(rest) < 2 || hex(rest[0]) < 0 || hex(rest[1]) < 0 {
			return plain, at, false
		}
		plain, at = append(plain, byte(hex(rest[0])<<4|hex(rest[1]))), append(at, start+int64(i))
		i += 3
	}
	if whole {
		at = append(at, start+int64(len(raw)))
	}
	return plain, at, whole
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// base64Text decodes base64 and says where each group begins, and where the
// last one ends. ok is false when it holds anything but groups and line ends.
func base64Text(raw []byte, start int64, whole bool) (plain []byte, at []int64, ok bool) {
	var group [4]byte
	n, pads := 0, 0
	var first, end int64
	for i, c := range raw {
		switch c {
		case '\r', '\n', ' ', '\t':
			continue
		case '=':
			if pads++; n+pads > 4 || n < 2 {
				return nil, nil, false
			}
			end = start + int64(i) + 1
			if n+pads == 4 {
				at = append(at, first)
				v := group[0]<<2 | group[1]>>4
				plain = append(plain, v)
				if n == 3 {
					plain = append(plain, group[1]<<4|group[2]>>2)
				}
			}
			continue
		}
		v := digit(c)
		if v < 0 || pads > 0 {
			return nil, nil, false
		}
		if n == 0 {
			first = start + int64(i)
		}
		group[n] = byte(v)
		if n++; n == 4 {
			at = append(at, first)
			plain = append(plain, group[0]<<2|group[1]>>4, group[1]<<4|group[2]>>2, group[2]<<6|group[3])
			end = start + int64(i) + 1
			n = 0
		}
	}
	if whole && (n > 0 && n+pads != 4) {
		return nil, nil, false
	}
	if len(at) == 0 {
		end = start
	}
	return plain, append(at, end), true
}

func digit(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// topOf is the place in HTML where the text begins: behind the body tag; where
// there is none, behind the head, the html tag or the doctype.
func topOf(html []byte) (at int, found bool) {
	best := 0
	for i := 0; i < len(html); {
		if html[i] != '<' {
			i++
			continue
		}
		if bytes.HasPrefix(html[i:], []byte("<!--")) {
			n := bytes.Index(html[i+4:], []byte("-->"))
			if n < 0 {
				return best, false
			}
			i += 4 + n + 3
			continue
		}
		name, end := tag(html[i:])
		if end == 0 {
			return best, false
		}
		switch name {
		case "body":
			return i + end, true
		case "!doctype", "html", "/head":
			best = i + end
		case "style", "script", "title", "xmp", "noscript", "textarea":
			n := bytes.Index(bytes.ToLower(html[i+end:]), []byte("</"+name))
			if n < 0 {
				return best, false
			}
			i += end + n
			continue
		}
		i += end
	}
	return best, false
}

// tag reads the tag at the start of s: its name in lower case, and where it
// ends. Quotes hide what stands in them.
func tag(s []byte) (name string, end int) {
	n := 1
	for n < len(s) && n < 20 && s[n] != '>' && s[n] > ' ' && (s[n] != '/' || n == 1) {
		n++
	}
	name = strings.ToLower(string(s[1:n]))
	if name == "" || !(name[0] == '!' || name[0] == '/' || name[0] >= 'a' && name[0] <= 'z') {
		return "", 1 // a less-than sign in the text
	}
	quote := byte(0)
	for i := n; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return name, i + 1
		}
	}
	return name, 0
}
