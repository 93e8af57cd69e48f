package quarantine

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"postern.dev/postern/internal/mail"
)

// Reply is what a mail to the address of a request says.
type Reply struct {
	Approve bool
	Comment string
}

// mostReply is how much of a reply's text is read, in octets.
const mostReply = 64 << 10

// ParseReply reads the text part of a reply: its first word is APPROVE or
// REJECT, in any case; what follows up to the quoted original is the comment.
// Anything else is no decision: ok is false, and nothing is guessed.
func ParseReply(text string) (a Reply, ok bool) {
	if len(text) > mostReply {
		text = text[:mostReply]
	}
	text = strings.ToValidUTF8(strings.TrimPrefix(text, "\ufeff"), "")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimFunc(line, invisible)
		if quoted(line) {
			break
		}
		if line == "" && len(lines) == 0 {
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return a, false
	}
	word, rest := lines[0], ""
	if i := strings.IndexFunc(lines[0], func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word, rest = lines[0][:i], lines[0][i:]
	}
	switch strings.ToUpper(word) {
	case "APPROVE":
		a.Approve = true
	case "REJECT":
	default:
		return a, false
	}
	if unclear(rest) {
		return Reply{}, false
	}
	rest = strings.TrimLeft(rest, " .,:;!-–—")
	body := strings.Join(append([]string{rest}, lines[1:]...), "\n")
	a.Comment = strings.TrimSpace(cut(plain(body), mostComment))
	return a, true
}

// unclear reports whether what follows the word takes it back: a question, or
// our own words, sent back unquoted.
func unclear(rest string) bool {
	rest = strings.ToUpper(strings.TrimLeft(rest, " /|"))
	if strings.HasPrefix(rest, "?") {
		return true
	}
	rest = strings.TrimPrefix(rest, "OR ")
	return strings.HasPrefix(rest, "REJECT") || strings.HasPrefix(rest, "APPROVE")
}

// invisible is white space, and what mail programs put around a reply.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' || unicode.Is(unicode.Bidi_Control, r)
}

// quoted reports whether the original begins with a line.
func quoted(line string) bool {
	lower := strings.ToLower(line)
	switch {
	case strings.HasPrefix(line, ">"), strings.HasPrefix(line, "|"):
		return true
	case strings.HasPrefix(line, "-----") && strings.HasSuffix(line, "-----"):
		return true
	case strings.HasPrefix(line, "_____"), line == "--":
		return true
	case strings.HasSuffix(lower, " wrote:"), strings.HasSuffix(lower, " schrieb:"),
		strings.HasSuffix(lower, " schreef:"), strings.HasSuffix(lower, "a écrit :"), strings.HasSuffix(lower, "a écrit:"):
		return true
	}
	for _, head := range []string{"from: ", "von: ", "van: ", "de : ", "de: "} {
		if strings.HasPrefix(lower, head) {
			return true
		}
	}
	return false
}

// Arrived is what is known of a mail that came to the address of a request.
// Every field is what we have found out ourselves: nothing of it may be taken
// from the mail's word.
type Arrived struct {
	// Tenant is as whose mail the arrival was identified: peer, certificate,
	// headers and secret agreed. "" when it was not.
	Tenant string
	// Internal is set when Exchange says that a sender of this tenant was
	// authenticated (AuthAs Internal) and the identification vouches for it.
	Internal bool
	// MailFrom is the envelope's sender, From what all From fields hold, and
	// FromFields how many there are.
	MailFrom   mail.Address
	From       []mail.Address
	FromFields int
	// Automatic is set for any kind of automatic mail.
	Automatic bool
	// Signers are the domains of DKIM signatures that are verified and cover
	// From, Subject and the whole body.
	Signers []string
}

// AcceptReply says who a reply comes from, or with a *Refusal why it decides
// nothing. t is what the token in its address stands for.
//
// The rule: the token was made for this decision, for this person and is not
// over; MAIL FROM, the only From and the person are the same; the mail is not
// automatic; and either the tenant's Exchange has authenticated the person, or
// a verified signature of the person's own domain covers the mail.
func AcceptReply(a Arrived, t Token, p People, now time.Time) (Person, error) {
	if p == nil {
		p = Nobody{}
	}
	switch {
	case t.Purpose != ToDecide || t.Tenant == "" || t.Address == "" || t.Message == "":
		return Person{}, refuse(NotIdentified, "the address that it was sent to is not one of a request")
	case !now.Before(t.Until):
		return Person{}, refuse(OverAlready, "the request is over")
	case a.Automatic || a.MailFrom.Null():
		return Person{}, refuse(NotIdentified, "automatic mail decides nothing")
	case a.FromFields != 1 || len(a.From) != 1:
		return Person{}, refuse(NotIdentified, "it has not exactly one author")
	case keyOf(a.From[0]) != keyOf(a.MailFrom):
		return Person{}, refuse(NotIdentified, "its From is not the envelope's sender")
	case !same(p.Addresses(t.Address), a.From[0]):
		return Person{}, refuse(NotYours, "somebody else was asked")
	}
	own := a.Internal && a.Tenant != "" && a.Tenant == t.Tenant
	signed := slices.ContainsFunc(a.Signers, func(d string) bool {
		return d != "" && strings.EqualFold(strings.TrimSuffix(d, "."), a.From[0].Domain())
	})
	if !own && !signed {
		return Person{}, refuse(NotIdentified, "nobody vouches that %s wrote it", a.From[0])
	}
	return Person{Tenant: t.Tenant, Address: t.Address, By: ByReply}, nil
}
