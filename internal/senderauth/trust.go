package senderauth

import (
	"net/netip"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Trust says whose results in the header of a message count.
type Trust struct {
	// Exchange is set for a message that Exchange Online brought, that it took
	// from outside (X-MS-Exchange-CrossTenant-AuthAs: Anonymous), and whose
	// tenant is proven. Then what Exchange itself stamped when it took it counts.
	Exchange bool
	// Services are the authserv-ids of the tenant's own servers, lower case.
	// One counts when the server that handed the message to us stamped it: when
	// it stands above the first Received field, and that names the service.
	Services []string
}

// Trusted are the results of others that count, and who they are from:
// "exchange", the authserv-id, or "" for none.
//
// A sender can write any field, but only below the Received field with which
// the first server that is not his took the message. So the header is read
// from the top, and at that field it ends. RFC 8601 §5 asks a border server to
// remove what is forged below; this does not rely on it.
func Trusted(h *mail.Header, t Trust) (Results, string) {
	if t.Exchange {
		if r, ok := ofExchange(h); ok {
			return r, "exchange"
		}
		return Results{}, ""
	}
	var above []Results
	for _, f := range h.Fields() {
		switch strings.ToLower(f.Name) {
		case "authentication-results":
			if r, err := ParseResults(h.Value(f)); err == nil {
				above = append(above, r)
			}
		case "received":
			by := parseReceived(h.Value(f)).by
			if !slices.Contains(t.Services, by) {
				return Results{}, ""
			}
			return merge(above, func(r Results) bool { return r.Service == by }), by
		}
	}
	return Results{}, ""
}

// ofExchange are the results that Exchange Online stamped when it took a
// message from outside: above the Received field of the border, below which
// everything is the sender's.
func ofExchange(h *mail.Header) (Results, bool) {
	var above []Results
	for _, f := range h.Fields() {
		switch strings.ToLower(f.Name) {
		case "authentication-results":
			r, err := ParseResults(h.Value(f))
			if err != nil || !ofEOP(r) {
				continue
			}
			above = append(above, r)
		case "received":
			hop := parseReceived(h.Value(f))
			switch {
			case !exchangeHost(hop.by):
				return Results{}, false
			case hop.inside():
				continue
			}
			if len(above) == 0 {
				return Results{}, false
			}
			return above[len(above)-1], true // the nearest to the border
		}
	}
	return Results{}, false
}

// ofEOP reports whether results can be those of Exchange Online: it writes
// no authserv-id, or one of its own names.
func ofEOP(r Results) bool {
	return r.Service == "" || exchangeHost(r.Service)
}

// merge puts the methods of several fields of one server together.
func merge(list []Results, of func(Results) bool) Results {
	var out Results
	for _, r := range list {
		if of(r) && len(out.Methods)+len(r.Methods) <= maxResults {
			out.Service = r.Service
			out.Methods = append(out.Methods, r.Methods...)
		}
	}
	return out
}

// received is what a Received field says of a hop (RFC 5321 §4.4).
type received struct {
	from, by string // lower case
	addr     netip.Addr
}

// parseReceived reads the beginning of a Received field: "from NAME (ADDRESS)
// by NAME". The name after "from" is the client's word; the address in the
// comment is what the server saw.
func parseReceived(value string) (r received) {
	words := strings.Fields(value)
	for i := 0; i+1 < len(words); i++ {
		switch strings.ToLower(words[i]) {
		case "from":
			if i != 0 {
				return r
			}
			r.from = host(words[1])
			if i+2 < len(words) {
				text := strings.Trim(words[2], "()[]")
				text = strings.TrimPrefix(strings.TrimPrefix(text, "IPv6:"), "[")
				r.addr, _ = netip.ParseAddr(text)
			}
		case "by":
			r.by = host(words[i+1])
			return r
		case "with", "id", "for", "via":
			return r
		}
	}
	return r
}

func host(s string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimRight(s, ";"), "."))
}

// exchangeHost reports whether a name is one of Exchange Online's servers.
func exchangeHost(name string) bool {
	return slices.ContainsFunc([]string{
		".prod.outlook.com", ".prod.exchangelabs.com", ".outlook.office365.com", ".protection.outlook.com", ".mx.microsoft",
	}, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// inside reports whether a hop is from one server of Exchange Online to
// another. The servers that take mail from outside are those of
// protection.outlook.com and mx.microsoft; between the others the client's
// address is private or Microsoft's, whatever name it gave itself.
func (r received) inside() bool {
	border := strings.HasSuffix(r.by, ".protection.outlook.com") || strings.HasSuffix(r.by, ".mx.microsoft")
	return !border && exchangeHost(r.by) && exchangeHost(r.from) && internalAddr(r.addr)
}

// internalAddr reports whether an address is one that the servers of Exchange
// Online use among themselves: private ones, and Microsoft's IPv6 networks.
func internalAddr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return false
	}
	return a.IsPrivate() || netip.MustParsePrefix("2603:1000::/24").Contains(a) ||
		netip.MustParsePrefix("2a01:111::/32").Contains(a)
}
