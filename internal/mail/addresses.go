package mail

import (
	"slices"
	"strings"
)

// MaxAddresses bounds what Addresses returns.
const MaxAddresses = 10_000

// Addresses lists the addr-specs of an address field (RFC 5322 §3.4), with
// groups opened, display names, comments and routes dropped. It is tolerant:
// what cannot be an address is left out, and what comes after MaxAddresses.
// The list is read once, and all who ask share it.
func (h *Header) Addresses(name string) []Address {
	h.asking.Lock()
	defer h.asking.Unlock()
	for _, known := range h.addresses {
		if known.name == name {
			return known.list
		}
	}
	var list []Address
	for f := range h.Named(name) {
		list = appendAddresses(list, h.Value(f))
	}
	list = slices.Clip(list)
	if len(h.addresses) < askedFor {
		h.addresses = append(h.addresses, addressField{name, list})
	}
	return list
}

// addressField is what one address field lists.
type addressField struct {
	name string
	list []Address
}

// askedFor is how many address fields are remembered: as many as there are.
const askedFor = 12

// AddressList is Addresses for the value of one field.
func AddressList(value string) []Address { return appendAddresses(nil, value) }

// appendAddresses walks over an address list. text collects what stands
// outside angle brackets, spec what stands inside.
func appendAddresses(list []Address, s string) []Address {
	var text, spec strings.Builder
	angle, seen := false, false
	end := func() {
		addr := text.String()
		if seen {
			addr = spec.String()
		}
		if a := addrSpec(addr); a != "" && len(list) < MaxAddresses {
			list = append(list, a)
		}
		text.Reset()
		spec.Reset()
		angle, seen = false, false
	}
	to := func() *strings.Builder {
		if angle {
			return &spec
		}
		return &text
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"':
			n := quotedLen(s[i:])
			to().WriteString(s[i : i+n])
			i += n
			continue
		case c == '(':
			p := paramReader{s: s, at: i}
			p.comment()
			i = p.at
			continue
		case c == '<':
			angle, seen = true, true
			spec.Reset()
		case c == '>':
			angle = false
		case c == ',' && angle && strings.HasPrefix(strings.TrimLeft(spec.String(), " \t"), "@"):
			spec.WriteByte(c) // a list of hosts in a route
		case c == ',' || c == ';':
			end()
		case c == ':' && !angle:
			text.Reset() // the name of a group
		default:
			to().WriteByte(c)
		}
		i++
	}
	end()
	return list
}

// quotedLen is the length of the quoted string at the start of s.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// addrSpec makes an address of what stands between angle brackets.
func addrSpec(s string) Address {
	s = strings.Trim(s, " \t\r\n")
	if strings.HasPrefix(s, "@") { // source route (RFC 5321 §4.1.2)
		if i := strings.IndexByte(s, ':'); i >= 0 {
			s = s[i+1:]
		}
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return ""
	}
	local, domain := s[:at], s[at+1:]
	if local[0] != '"' { // obs-local-part: white space around dots
		local = strings.Join(strings.Fields(local), "")
	}
	domain = strings.Join(strings.Fields(domain), "")
	a := Address(local + "@" + domain)
	if strings.ContainsAny(string(a), "\x00\r\n") || domain == "" || local == "" {
		return ""
	}
	return a
}
