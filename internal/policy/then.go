package policy

import (
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"postern.dev/postern/internal/mail"
)

// Step is one thing that a policy does: an action with its parameters.
type Step struct {
	Action Action `json:"action"`
	// Text is the author's text for the person who is told.
	Text string `json:"text,omitempty"`
	// Headers are set by header.
	Headers []Header `json:"headers,omitempty"`
	// To are the addresses of copy and redirect.
	To []mail.Address `json:"to,omitempty"`
	// Approvers are those who decide about a hold: "manager" or addresses;
	// empty means the administrators.
	Approvers []string `json:"approvers,omitempty"`
	// For is how long a hold or override waits, and End what then happens.
	For time.Duration `json:"for,omitempty"`
	End End           `json:"then,omitempty"`
}

// End is what happens to a held message when its time is over.
type End string

// The ends of a hold.
const (
	// EndRefuse does not send the message and tells the sender.
	EndRefuse End = "refuse"
	// EndRelease sends it.
	EndRelease End = "release"
	// EndReleaseEncrypted sends it by secure delivery.
	EndReleaseEncrypted End = "release-encrypted"
)

// The defaults of a hold.
const (
	defaultHold = 48 * time.Hour
	maxHold     = 30 * 24 * time.Hour
)

// Header is a header field that a policy sets.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Exists says what to do when the message has such a field.
	Exists Exists `json:"exists"`
}

// Exists is what to do with a header field that is there already.
type Exists string

// The ways to treat a header field that is there already.
const (
	// Replace removes all of that name: the message is marked as modified.
	Replace Exists = "replace"
	// Append leaves them and puts ours in front.
	Append Exists = "append"
	// Fail adds nothing and holds the message for an administrator.
	Fail Exists = "fail"
)

// then reads the "then" of a policy: the name of an action, or a mapping of
// actions to their parameters.
func (r *reader) then(n ast.Node) (steps []Step) {
	if name, ok := text(n); ok {
		if !r.knownAction(n, name) {
			return nil
		}
		return r.step(nil, n, Action(name))
	}
	m, ok := r.mapping(n, "then", actionNames()...)
	if !ok {
		return nil
	}
	for _, a := range Actions() {
		if at, there := m.at[string(a)]; there {
			steps = append(steps, r.step(m.keys[string(a)], at, a)...)
		}
	}
	if len(m.at) == 0 {
		r.wrong(n, "then names no action")
	}
	return steps
}

func (r *reader) knownAction(n ast.Node, name string) bool {
	if contains(actionNames(), name) {
		return true
	}
	r.wrong(n, "%q is not an action%s", name, didYouMean(name, actionNames()))
	return false
}

func actionNames() []string {
	var names []string
	for _, a := range Actions() {
		names = append(names, string(a))
	}
	return names
}

// step reads the parameters of one action. at is the place of its name.
func (r *reader) step(params, at ast.Node, a Action) []Step {
	s := Step{Action: a}
	if params == nil || params.Type() == ast.NullType {
		params = nil
	}
	switch a {
	case Deliver, LogOnly, Secure:
		if params != nil && !emptyMapping(params) {
			r.wrong(params, "%s has no parameters", a)
		}
	case SetHeader:
		s.Headers = r.headers(params, at)
	case Notify, Block:
		s.Text = r.optional(params, string(a), "text").text("text")
	case Copy, Redirect:
		s.To = r.targets(params, at, a)
	case Override, HoldFor:
		r.hold(params, &s)
	}
	return []Step{s}
}

func emptyMapping(n ast.Node) bool {
	values, ok := pairs(n)
	return ok && len(values) == 0
}

// optional is a mapping that may be absent.
func (r *reader) optional(n ast.Node, what string, known ...string) mapping {
	if n == nil {
		return mapping{r: r, keys: map[string]ast.Node{}}
	}
	m, _ := r.mapping(n, what, known...)
	return m
}

func (r *reader) hold(n ast.Node, s *Step) {
	known := []string{"for", "then", "text"}
	if s.Action == HoldFor {
		known = append(known, "approver")
	}
	m := r.optional(n, string(s.Action), known...)
	for _, p := range m.texts("approver") {
		if p.text != "manager" {
			if _, err := mail.ParseAddress(p.text); err != nil {
				r.wrong(p.node, "an approver is manager or an address; %q is neither%s", p.text,
					didYouMean(p.text, []string{"manager"}))
			}
		}
		s.Approvers = append(s.Approvers, p.text)
	}
	s.Text = m.text("text")
	s.For = m.duration("for", defaultHold)
	if s.For > maxHold {
		r.wrong(m.keys["for"], "a hold lasts 30 days at most")
	}
	s.End = EndRefuse
	if m.has("then") {
		ends := []string{string(EndRefuse), string(EndRelease), string(EndReleaseEncrypted)}
		end := m.text("then")
		if !contains(ends, end) {
			r.wrong(m.keys["then"], "%q is not an end of a hold (refuse, release, release-encrypted)%s", end,
				didYouMean(end, ends))
			return
		}
		s.End = End(end)
	}
}

func (r *reader) targets(n, at ast.Node, a Action) (list []mail.Address) {
	m := r.optional(n, string(a), "to")
	if !m.has("to") {
		r.wrong(at, "%s needs the addresses to send to (%s: { to: [ann@example.com] })", a, a)
		return nil
	}
	for _, p := range m.texts("to") {
		addr, err := mail.ParseAddress(p.text)
		if err != nil {
			r.wrong(p.node, "%q is not an address", p.text)
			continue
		}
		list = append(list, addr)
	}
	if len(list) > 10 {
		r.wrong(m.keys["to"], "%s goes to 10 addresses at most", a)
	}
	return list
}

// headers reads { set: {Name: value}, replace: …, append: …, fail: … }. set
// is replace: afterwards exactly one such field is there.
func (r *reader) headers(n, at ast.Node) (list []Header) {
	m := r.optional(n, "header", "set", "replace", "append", "fail")
	for _, how := range []struct {
		key    string
		exists Exists
	}{{"set", Replace}, {"replace", Replace}, {"append", Append}, {"fail", Fail}} {
		if !m.has(how.key) {
			continue
		}
		fields, ok := r.mapping(m.keys[how.key], "header."+how.key)
		if !ok {
			continue
		}
		for _, name := range keys(fields.keys) {
			h := Header{Name: name, Exists: how.exists}
			h.Value, ok = text(fields.keys[name])
			if !ok {
				r.wrong(fields.keys[name], "the value of a header field must be a text")
			}
			if wrong := badHeader(h); wrong != "" {
				r.wrong(fields.at[name], "%s", wrong)
			}
			if slices.ContainsFunc(list, func(o Header) bool { return strings.EqualFold(o.Name, name) }) {
				r.wrong(fields.at[name], "the header field %q is set twice", name)
			}
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		r.wrong(at, "header sets nothing (header: { set: { X-Postern-Action: Quarantine } })")
	}
	return list
}

// badHeader says what is wrong with a header field that a policy wants to
// set; "" when nothing is.
func badHeader(h Header) string {
	switch {
	case !fieldName(h.Name):
		return quoted(h.Name) + " is not the name of a header field: letters, digits and hyphens, at most 64"
	case Protected(h.Name):
		return "the header field " + quoted(h.Name) + " is protected: a policy cannot set it"
	case len(h.Value) > 900:
		return "the value is longer than 900 characters"
	case strings.ContainsFunc(h.Value, func(c rune) bool { return c < ' ' || c > '~' }):
		return "the value may hold printable ASCII characters only, no line breaks"
	case strings.TrimSpace(h.Value) == "":
		return "the value is empty"
	}
	return ""
}

// fieldName reports whether s can name a header field. RFC 5322 §3.6.8 would
// allow more than letters, digits, hyphens and underscores; no honest field
// needs it.
func fieldName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// Protected reports whether a policy must not set the header field: those
// that say who wrote what to whom and when, those that carry a signature or a
// verdict of others, and the marks of Postern and of its presets.
func Protected(name string) bool {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	for _, prefix := range []string{"X-Ms-Exchange-", "X-Microsoft-Antispam", "X-Forefront-Antispam", "Arc-", "Content-",
		"Resent-", "Dkim-", "List-", "Received"} {
		if strings.HasPrefix(canonical, prefix) {
			return true
		}
	}
	switch canonical {
	case "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Message-Id", "In-Reply-To", "References",
		"Return-Path", "Mime-Version", "Authentication-Results", "Domainkey-Signature", "Auto-Submitted",
		"X-Postern-Tenant", "X-Postern-Checked", "X-Postern-Ooo", "X-Postern-Inspected",
		"X-St-Checked-Casb", "X-Netskope-Inspected", "X-Mdces-Data", "X-Cloud-Sec-Av-Info", "X-Secumail-Id",
		"X-Secumailer-Ooo":
		return true
	}
	return false
}

// secretHeader reports whether a field may carry a tenant's secret or mark.
// Nothing may look at its value: what rules look at is kept with the record.
func secretHeader(name string) bool {
	for _, s := range []string{"X-Postern-Tenant", "X-Postern-Checked", "X-MDCES-Data", "X-CLOUD-SEC-AV-Info",
		"X-Secumail-Id"} {
		if strings.EqualFold(s, name) {
			return true
		}
	}
	return false
}
