package amend

import (
	"strings"

	"postern.dev/postern/internal/mail"
)

// nobody is the value of a To field that names nobody (RFC 5322 §3.4, a group
// without members).
const nobody = "undisclosed-recipients:;"

// named is a To or Cc field while it is changed.
type named struct {
	field   mail.Field
	keep    []string
	changed bool
}

// recipients changes To and Cc: hidden addresses are taken out, added ones are
// put in.
func (a *amendment) recipients(hidden func(mail.Address) bool, add []mail.Address) {
	there := map[string]bool{}
	for _, name := range []string{"To", "Cc"} {
		for _, addr := range a.h.Addresses(name) {
			there[addr.Fold()] = true
		}
	}
	var lacks []string
	for _, addr := range add {
		if !there[addr.Fold()] && (hidden == nil || !hidden(addr)) {
			there[addr.Fold()] = true
			lacks = append(lacks, string(addr))
		}
	}
	cc := a.h.All("Cc")
	list := make([]named, 0, 2)
	for _, f := range append(a.h.All("To"), cc...) {
		list = append(list, named{field: f})
	}
	if hidden != nil {
		a.hide(list, hidden)
	}
	if len(lacks) > 0 {
		a.changed("Cc: %d added", len(lacks))
		if len(cc) == 0 {
			a.Front = append(a.Front, "Cc: "+strings.Join(lacks, ",\r\n ")+"\r\n"...)
		} else {
			a.addCc(&list[len(list)-1], lacks)
		}
	}
	a.write(list, hidden != nil && len(lacks) == 0)
}

// hide takes out who must not be named.
func (a *amendment) hide(list []named, hidden func(mail.Address) bool) {
	n := 0
	for i := range list {
		x := &list[i]
		keep, out := split(a.h.Value(x.field), hidden)
		if x.field.Value.Len() > maxValue {
			keep, out = nil, out+1
		}
		x.keep, x.changed = keep, out > 0
		if n += out; out > 0 {
			a.original(x.field)
		}
	}
	if n > 0 {
		a.changed("To and Cc: %d hidden", n)
	}
}

// maxValue is how much of a field can be read.
const maxValue = 1 << 20

// write writes the changed fields anew. One that names nobody is left out; but
// where nobody is named any more, a To field says so.
func (a *amendment) write(list []named, mayBeEmpty bool) {
	someone := !mayBeEmpty
	for _, x := range list {
		someone = someone || len(x.keep) > 0
	}
	for _, x := range list {
		if !x.changed {
			continue
		}
		end := a.lineEnd(x.field)
		switch {
		case len(x.keep) > 0:
			a.put(x.field.Range, x.field.Name+": "+strings.Join(x.keep, ","+a.newline()+" ")+end)
		case someone:
			a.put(x.field.Range, "")
		default:
			someone = true
			a.put(x.field.Range, "To: "+nobody+end)
		}
	}
}

// addCc names further people in the last Cc field.
func (a *amendment) addCc(x *named, add []string) {
	if x.changed {
		x.keep = append(x.keep, add...)
		return
	}
	value := a.h.Value(x.field)
	a.original(x.field)
	glue := "," + a.newline() + " "
	all := mail.AddressList(value + glue + strings.Join(add, glue))
	before := mail.AddressList(value)
	if x.field.Value.Len() > maxValue || len(before) == 0 || len(all) != len(before)+len(add) || string(all[len(all)-1]) != add[len(add)-1] {
		x.keep, _ = split(value, func(mail.Address) bool { return false })
		x.keep, x.changed = append(x.keep, add...), true
		return
	}
	a.put(mail.Range{Start: x.field.Value.End, End: x.field.Value.End}, glue+strings.Join(add, glue))
}

// split takes an address list apart: keep are the mailboxes that may be named,
// as they stand there or, where a display name or comment could name somebody
// else, their addresses alone. The names of groups are dropped.
func split(value string, hidden func(mail.Address) bool) (keep []string, out int) {
	for _, item := range items(value) {
		list := mail.AddressList(item)
		if len(list) == 0 && strings.Contains(mail.DecodeWords(item), "@") {
			out++ // what nobody can read may still name somebody
			continue
		}
		for _, addr := range list {
			switch {
			case hidden(addr):
				out++
			case len(list) == 1 && strings.Count(mail.DecodeWords(item), "@") == 1 && closed(item, addr):
				keep = append(keep, item)
			case closed("<"+string(addr)+">", addr):
				keep = append(keep, "<"+string(addr)+">")
			default:
				out++
			}
		}
	}
	return keep, out
}

// closed reports whether an item is read as this address and nothing else, and
// what may follow it as another one: no quote or comment is open at its end.
func closed(item string, addr mail.Address) bool {
	if strings.ContainsFunc(item, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return false
	}
	all := mail.AddressList(item + ",\r\n x@y.example")
	return len(all) == 2 && all[0] == addr && all[1] == "x@y.example"
}

// items cuts an address list at its commas, and opens groups.
func items(s string) (list []string) {
	start := 0
	angle := false
	end := func(i int) {
		if item := strings.TrimSpace(s[start:i]); item != "" {
			list = append(list, item)
		}
		start = i + 1
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = skip(s, i, '"', '"')
		case '(':
			i = skip(s, i, '(', ')')
		case '<':
			angle = true
		case '>':
			angle = false
		case ',', ';':
			if !angle {
				end(i)
			}
		case ':':
			if !angle {
				start = i + 1
			}
		}
	}
	if start < len(s) {
		end(len(s))
	}
	return list
}

// skip is the place of what closes a quoted string or a comment that opens at
// i; comments nest.
func skip(s string, i int, open, closes byte) int {
	depth := 0
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == closes && depth > 0:
			if depth--; depth == 0 {
				return i
			}
		case c == open:
			depth++
		}
	}
	return len(s)
}
