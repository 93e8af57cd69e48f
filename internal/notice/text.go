package notice

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Text is a mail's subject and plain text.
type Text struct{ Subject, Body string }

// About is what every text may need.
type About struct {
	// Subject is that of the original; "" leaves it out.
	Subject string
	// All is the number of recipients of the original.
	All int
	// List are the recipients that the text is about.
	List []mail.Address
	// Why is what was found, in words without values: "3 card numbers in
	// plan.docx".
	Why string
	// Rule is the policy's name.
	Rule string
	// Advice is the policy author's own sentence; may be "".
	Advice string
	// Contact is whom to ask; Organization is the tenant's name.
	Contact, Organization string
	// Ref is the 8-character reference.
	Ref string
}

// NotSent is T1: a policy stopped the message, for a sender of the tenant.
func NotSent(a About) Text {
	var b body
	b.para("Your message was not sent to %s.%s", a.share(), a.others())
	b.para("Why: it contains %s. The rule %q does not let this leave the organisation.", orUnnamed(a.Why), a.Rule)
	if a.Advice != "" {
		b.para("%s", a.Advice)
	}
	b.list("Not delivered to:", a.List)
	b.para("What you can do: take out what the rule names and send again, or ask whether it may leave.")
	b.end(a)
	return Text{subject("Not sent", a.Subject), b.String()}
}

// Stopped is T2: for an outside sender, who is told no reason.
func Stopped(a About) Text {
	var b body
	b.para("Your message was not delivered because of the receiving organisation's mail rules."+
		" Nothing is wrong with the %s.", plural(len(a.List), "address", "addresses"))
	b.list("Not delivered to:", a.List)
	b.para("If it matters, contact the person in another way and mention the reference.")
	b.para("ref: %s", a.Ref)
	return Text{"Your message could not be delivered", b.String()}
}

// Declined is T7: a person decided against sending.
func Declined(a About, who, comment string) Text {
	var b body
	b.para("%s decided not to send your message to %s.", orSomebody(who), a.names())
	if comment = strings.TrimSpace(comment); comment == "" {
		b.para("No comment was given.")
	} else {
		b.para("Comment: %q", comment)
	}
	b.para("Nothing left the organisation for them. Your text is still in your Sent Items; change it and send again, or talk to %s.",
		orSomebody(who))
	b.end(a)
	return Text{subject("Not sent", a.Subject) + " (declined)", b.String()}
}

// Expired is T8: nobody decided in time.
func Expired(a About, waited time.Duration) Text {
	var b body
	b.para("Nobody decided within %s, so your message was not sent to %s.", Duration(waited), a.names())
	b.para("It waited because it contains %s (rule %q).", orUnnamed(a.Why), a.Rule)
	b.para("Nothing left the organisation for them. Your text is still in your Sent Items; send it again, or in another way.")
	b.end(a)
	return Text{subject("Not sent: no decision on", a.Subject), b.String()}
}

// Undelivered is for a message that the next hop refused, or that could not
// be handed over in time.
func Undelivered(a About, reply mail.Reply, host string) Text {
	var b body
	b.para("Your message was not delivered to %s.", a.share())
	switch {
	case reply.None():
		b.para("Why: the mail system that should take it did not answer until the time was over.")
	case reply.Temporary():
		b.para("Why: the mail system that should take it put it off until the time was over. Its last answer: %s", reply)
	default:
		b.para("Why: the mail system that should take it refused it: %s", reply)
	}
	if host != "" {
		b.para("It was asked at %s.", host)
	}
	b.list("Not delivered to:", a.List)
	b.end(a)
	return Text{subject("Not delivered", a.Subject), b.String()}
}

// Relayed is for a sender who asked for a report of success, when the next
// hop does not give one (RFC 3461 §5.2.2).
func Relayed(a About, host string) Text {
	var b body
	b.para("Your message was handed on to %s, for %s. That system gives no reports of delivery; you will get no further one.", host, a.names())
	b.end(a)
	return Text{subject("Handed on", a.Subject), b.String()}
}

// Noted is T12: the message was sent, and a policy has something to say.
func Noted(a About) Text {
	var b body
	b.para("Your message was sent. It contains %s; the rule %q asks you to take care with this.", orUnnamed(a.Why), a.Rule)
	if a.Advice != "" {
		b.para("%s", a.Advice)
	}
	b.end(a)
	return Text{subject("A note on", a.Subject), b.String()}
}

// Waiting is T3: held for a person's decision.
func Waiting(a About, approver string, due time.Time, end string) Text {
	var b body
	b.para("Your message has not left yet for %s. %s has to look at it, because it contains %s (rule %q).",
		a.names(), orSomebody(approver), orUnnamed(a.Why), a.Rule)
	if !due.IsZero() {
		b.para("A decision is due by %s. If there is none by then, %s.", due.UTC().Format("Mon 2 Jan 2006 15:04 MST"), endWords(end))
	}
	b.end(a)
	return Text{subject("Waiting for approval", a.Subject), b.String()}
}

func endWords(end string) string {
	switch end {
	case "release":
		return "it is sent"
	case "release-encrypted":
		return "it is sent as a secure message"
	}
	return "it is not sent, and you are told"
}

// Short is the one line that stands in an SMTP reply and in the report's
// diagnostic code.
func Short(rule, why, ref string) string {
	why = strings.Join(strings.FieldsFunc(orUnnamed(why), func(r rune) bool { return r == '\r' || r == '\n' }), " ")
	return fmt.Sprintf("Stopped by your organisation's rule %q: %s. ref %s", rule, why, ref)
}

type body struct{ strings.Builder }

func (b *body) para(form string, args ...any) {
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(wrap(fmt.Sprintf(form, args...)) + "\n")
}

func (b *body) list(title string, addresses []mail.Address) {
	b.WriteString("\n" + title + "\n")
	for i, a := range addresses {
		if i == maxListed {
			fmt.Fprintf(b, "  and %d more\n", len(addresses)-i)
			break
		}
		fmt.Fprintf(b, "  %s\n", a)
	}
}

// maxListed keeps a report about a thousand recipients readable; the
// machine-readable part lists them all.
const maxListed = 50

func (b *body) end(a About) {
	who := a.Contact
	if who == "" {
		who = "the mail administrators of " + a.Organization
	}
	b.para("Questions: %s. ref: %s", who, a.Ref)
}

func (a About) share() string {
	if len(a.List) == a.All {
		return plural(a.All, "its recipient", fmt.Sprintf("any of its %d recipients", a.All))
	}
	return fmt.Sprintf("%d of %d people", len(a.List), a.All)
}

func (a About) others() string {
	if len(a.List) < a.All {
		return " The others are not affected."
	}
	return ""
}

func (a About) names() string {
	if len(a.List) <= 3 {
		var names []string
		for _, x := range a.List {
			names = append(names, string(x))
		}
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more people", a.List[0], len(a.List)-1)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func orUnnamed(why string) string {
	if why == "" {
		return "something that a rule names"
	}
	return why
}

func orSomebody(who string) string {
	if who == "" {
		return "The responsible person"
	}
	return who
}

func subject(what, original string) string {
	if original == "" {
		return what
	}
	const most = 120
	if r := []rune(original); len(r) > most {
		original = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%s: \"%s\"", what, original)
}

// Duration says a time span in words.
func Duration(d time.Duration) string {
	switch h := int(d.Hours()); {
	case h >= 48 && h%24 == 0:
		return fmt.Sprintf("%d days", h/24)
	case h >= 2:
		return fmt.Sprintf("%d hours", h)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return "a moment"
}

// wrap breaks a paragraph at 76 characters.
func wrap(s string) string {
	var b strings.Builder
	width := 0
	for i, w := range strings.Fields(s) {
		n := len([]rune(w))
		switch {
		case i == 0:
		case width+1+n > 76:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(w)
		width += n
	}
	return b.String()
}
