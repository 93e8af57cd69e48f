package fakeexchange

import (
	"bytes"
	"mime"
	"net/mail"
	"slices"
	"strings"
)

// field is one header field of a raw message, by offsets.
type field struct {
	name       string
	start, end int // the whole field with its line ends
	value      int // where the value begins, behind the colon
}

// fieldsOf lists the header fields of raw and says where the body begins.
// Lines may end in CR LF or in a bare LF.
func fieldsOf(raw []byte) (list []field, body int) {
	for at := 0; at < len(raw); {
		end := len(raw)
		if i := bytes.IndexByte(raw[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := bytes.TrimRight(raw[at:end], "\r\n")
		switch {
		case len(line) == 0:
			return list, end
		case (line[0] == ' ' || line[0] == '\t') && len(list) > 0:
			list[len(list)-1].end = end
		default:
			colon := bytes.IndexByte(line, ':')
			name := ""
			if colon > 0 {
				name = string(bytes.TrimRight(line[:colon], " \t"))
			}
			if name == "" || strings.ContainsAny(name, " \t") {
				return list, at // no header any more: the empty line is missing
			}
			list = append(list, field{name: name, start: at, end: end, value: at + colon + 1})
		}
		at = end
	}
	return list, len(raw)
}

// values lists the values of the fields with that name, unfolded and decoded.
func values(raw []byte, name string) []string {
	var list []string
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if strings.EqualFold(f.name, name) {
			list = append(list, decodeHeader(string(raw[f.value:f.end])))
		}
	}
	return list
}

// value is the first of values, or "".
func value(raw []byte, name string) string {
	if list := values(raw, name); len(list) > 0 {
		return list[0]
	}
	return ""
}

func decodeHeader(s string) string {
	s = strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
	if text, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return text
	}
	return s
}

// addresses lists the addr-specs of the fields with that name.
func addresses(raw []byte, name string) []string {
	var list []string
	for _, v := range values(raw, name) {
		parsed, err := mail.ParseAddressList(v)
		if err != nil {
			// One bad address must not hide the others.
			for _, one := range strings.Split(v, ",") {
				if a, err := mail.ParseAddress(one); err == nil {
					parsed = append(parsed, a)
				}
			}
		}
		for _, a := range parsed {
			list = append(list, a.Address)
		}
	}
	return list
}

// prepend puts a field in front; nothing behind it moves within itself.
func prepend(raw []byte, name, text string) []byte {
	return slices.Concat([]byte(name+": "+text+"\r\n"), raw)
}

// without returns raw without the fields that drop chooses.
func without(raw []byte, drop func(name string) bool) []byte {
	var out []byte
	at := 0
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if drop(f.name) {
			out = append(out, raw[at:f.start]...)
			at = f.end
		}
	}
	if at == 0 {
		return raw
	}
	return append(out, raw[at:]...)
}

// renamed gives fields a new name where rename says so.
func renamed(raw []byte, rename func(name string) (string, bool)) []byte {
	var out []byte
	at := 0
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if to, ok := rename(f.name); ok {
			out = append(append(out, raw[at:f.start]...), to...)
			at = f.value - 1
		}
	}
	if at == 0 && out == nil {
		return raw
	}
	return append(out, raw[at:]...)
}

// setHeader replaces every field of that name by one in front.
func setHeader(raw []byte, name, text string) []byte {
	raw = without(raw, func(n string) bool { return strings.EqualFold(n, name) })
	return prepend(raw, name, text)
}

// removeHeader takes out all fields of that name, or only the first.
func removeHeader(raw []byte, name string, all bool) []byte {
	done := false
	return without(raw, func(n string) bool {
		hit := strings.EqualFold(n, name) && (all || !done)
		done = done || hit
		return hit
	})
}

// prependSubject writes text in front of the subject where it stands.
func prependSubject(raw []byte, text string) []byte {
	all, _ := fieldsOf(raw)
	for _, f := range all {
		if strings.EqualFold(f.name, "Subject") {
			old := bytes.TrimLeft(raw[f.value:f.end], " \t")
			return slices.Concat(raw[:f.value], []byte(" "+text), old, raw[f.end:])
		}
	}
	return prepend(raw, "Subject", text)
}

// bareLF reports whether raw has a CR or LF outside a CR LF pair.
func bareLF(raw []byte) bool {
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') || c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n') {
			return true
		}
	}
	return false
}

func eightBit(raw []byte) bool {
	return bytes.ContainsFunc(raw, func(c rune) bool { return c > 0x7f })
}

// CRLF turns every line end of a text into CR LF, for messages that were
// written in an editor.
func CRLF(text string) []byte {
	return []byte(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n"))
}
