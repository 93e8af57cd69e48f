package policy

import (
	"net/textproto"
	"slices"
	"strings"
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

// headers reads { set: {Name: value}, replace: …, append: …, fail: … }. set
// is replace: afterwards exactly one such field is there.
func (r *reader) headers(m mapping) (list []Header) {
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
		if len(fields.keys) == 0 {
			r.wrong(m.at[how.key], "header sets nothing (header: { set: { X-Postern-Action: Quarantine } })")
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
	if strings.HasPrefix(canonical, "X-Postern-") {
		return canonical != "X-Postern-Action" && canonical != "X-Postern-Spam"
	}
	switch canonical {
	case "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Message-Id", "In-Reply-To", "References",
		"Return-Path", "Mime-Version", "Authentication-Results", "Domainkey-Signature", "Auto-Submitted",
		"X-St-Checked-Casb", "X-Netskope-Inspected", "X-Mdces-Data", "X-Cloud-Sec-Av-Info", "X-Secumail-Id",
		"X-Secumailer-Ooo", "X-Secumailer-Nta7516":
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
