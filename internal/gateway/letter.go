package gateway

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/tenant"
)

// letter is a mail of our own that is still to be written: the text is made
// when it is sent, from the original that is in custody until then, so that
// nothing of the original lies in the database.
type letter struct {
	Kind    letterKind    `json:"kind"`
	About   []reported    `json:"about"`
	All     int           `json:"all"`
	Rule    string        `json:"rule,omitempty"`
	Why     string        `json:"why,omitempty"`
	Advice  string        `json:"advice,omitempty"`
	Ref     string        `json:"ref"`
	Outside bool          `json:"outside,omitempty"`
	Who     string        `json:"who,omitempty"`
	Comment string        `json:"comment,omitempty"`
	Waited  time.Duration `json:"waited,omitempty"`
	Due     time.Time     `json:"due,omitzero"`
	End     policy.End    `json:"end,omitempty"`
}

// reported is a recipient in a letter.
type reported struct {
	Address mail.Address `json:"address"`
	ORcpt   string       `json:"orcpt,omitempty"`
	Reply   mail.Reply   `json:"reply"`
	Host    string       `json:"host,omitempty"`
}

type letterKind string

const (
	letterBlocked     letterKind = "blocked"
	letterDeclined    letterKind = "declined"
	letterExpired     letterKind = "expired"
	letterUndelivered letterKind = "undelivered"
	letterRelayed     letterKind = "relayed"
	letterNote        letterKind = "note"
	letterWaiting     letterKind = "waiting"
)

func blockedLetter(list []fate, x extra, all int) letter {
	v := list[0].verdict
	l := letter{
		Kind: letterBlocked, All: all, Rule: ruleName(v), Why: foundWords(v.Because), Advice: v.Text,
		Ref: x.Ref, Outside: x.Outside,
	}
	reply := mail.NewReply(550, "5.7.1", notice.Short(l.Rule, l.Why, l.Ref))
	if x.Outside {
		reply = mail.NewReply(550, "5.7.1", "Stopped by the receiving organisation's mail rules. ref "+l.Ref)
	}
	l.about(list, reply, "")
	return l
}

func noteLetter(list []fate, x extra, all int) letter {
	v := list[0].verdict
	l := letter{Kind: letterNote, All: all, Rule: noteRule(v), Why: foundWords(v.Because), Advice: v.Text, Ref: x.Ref}
	l.about(list, mail.Reply{}, "")
	return l
}

func waitingLetter(list []fate, x extra, all int, now time.Time) letter {
	v := list[0].verdict
	l := letter{Kind: letterWaiting, All: all, Rule: ruleName(v), Why: foundWords(v.Because), Advice: v.Text, Ref: x.Ref}
	if h := v.Hold; h != nil {
		l.End = h.Then
		if h.For > 0 {
			l.Due = now.Add(h.For)
		}
		l.Who = approverWords(h.Approvers)
	}
	l.about(list, mail.Reply{}, "")
	return l
}

func (l *letter) about(list []fate, r mail.Reply, host string) {
	for _, f := range list {
		l.About = append(l.About, reported{Address: f.to.Address, ORcpt: f.to.ORcpt, Reply: r, Host: host})
	}
}

func only(list []reported, keep []mail.Address) []reported {
	var out []reported
	for _, r := range list {
		for _, a := range keep {
			if r.Address == a {
				out = append(out, r)
				break
			}
		}
	}
	return out
}

func ruleName(v policy.RecipientVerdict) string {
	if len(v.Won) > 0 {
		if v.Won[0].Name != "" {
			return v.Won[0].Name
		}
		return v.Won[0].Rule
	}
	if v.Hold != nil && len(v.Hold.Causes) > 0 {
		return "mail that could not be looked at: " + string(v.Hold.Causes[0])
	}
	return first(v.Rules)
}

// noteRule is the name of the rule that asked for the notice.
func noteRule(v policy.RecipientVerdict) string {
	for _, w := range append(append([]policy.Match(nil), v.Won...), v.Lost...) {
		if w.Action == policy.Notify || w.Would != "" {
			if w.Name != "" {
				return w.Name
			}
			return w.Rule
		}
	}
	return ruleName(v)
}

// foundWords takes the finding out of the verdict's sentence: "3 card
// numbers (high) in plan.docx go outside" becomes "3 card numbers (high) in
// plan.docx".
func foundWords(because string) string {
	for _, cut := range []string{" go ", " goes ", " stay ", " stays ", " come ", " comes "} {
		if i := strings.LastIndex(because, cut); i > 0 {
			return because[:i]
		}
	}
	return because
}

func approverWords(list []string) string {
	switch {
	case len(list) == 0:
		return "administrator"
	case len(list) == 1 && list[0] == "manager":
		return "manager"
	}
	return joinWords(list)
}

func joinWords(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// shortReason is the one line of a refusal in the session.
func (g *Gateway) shortReason(tr *trail, m matter) string {
	v := m.plan.blocked[0].verdict
	if !m.ownSender() {
		return "Stopped by the receiving organisation's mail rules. ref " + refOf(tr.trace)
	}
	return notice.Short(ruleName(v), foundWords(v.Because), refOf(tr.trace))
}

// refOf is the 8-character reference of a message: short enough to be said
// on the phone, made of the random end of its id.
func refOf(trace string) string {
	if len(trace) < 8 {
		return strings.ToUpper(trace)
	}
	r := strings.ToUpper(trace[len(trace)-8:])
	return r[:4] + "-" + r[4:]
}

// write composes the letter. body is the original in custody.
func (l letter) write(g *Gateway, t *tenant.Tenant, row spool.Message, body mail.Body, id string, now time.Time) []byte {
	h := mail.ParseHeader(body)
	about := notice.About{
		All: l.All, Why: l.Why, Rule: l.Rule, Advice: l.Advice, Contact: t.Contact, Organization: t.Name, Ref: l.Ref,
		Subject: h.Text("Subject"), Zone: t.Zone,
	}
	if !l.Outside { // a stranger reads English
		about.Languages = t.Languages
	}
	var secrets = t.Secrets()
	if scrub(about.Subject, secrets) != about.Subject {
		about.Subject = ""
	}
	r := dsn.Report{
		Hostname: g.Hostname, FromName: t.Name + " mail gateway", From: t.Postmaster(), To: row.Envelope.From,
		MessageID: strings.ToLower(id) + "@" + g.Hostname, InReplyTo: cleanID(scrub(row.MessageID, secrets)), Date: now, Arrival: row.Received,
		EnvID: row.Envelope.EnvID, Original: dsn.Headers(h, body, t.Reserved, secrets),
	}
	if t.MarkName() != "" {
		r.Extra = append(r.Extra, dsn.Field{Name: t.MarkName(), Value: t.MarkValue()})
	}
	for _, x := range l.About {
		about.List = append(about.List, x.Address)
		r.Recipients = append(r.Recipients, dsn.Recipient{
			Address: x.Address, ORcpt: x.ORcpt, Action: l.action(), Reply: x.Reply, Remote: x.Host, Last: now,
		})
	}
	kind, about := l.text(about)
	text := t.Notices.Write(kind, about)
	r.Subject, r.Text, r.HTML = text.Subject, text.Body, text.HTML
	if l.Kind == letterNote || l.Kind == letterWaiting {
		return plainMail(r)
	}
	return r.Bytes()
}

func (l letter) action() dsn.Action {
	if l.Kind == letterRelayed {
		return dsn.Relayed
	}
	return dsn.Failed
}

// text names the text and puts in what only this kind knows.
func (l letter) text(a notice.About) (notice.Kind, notice.About) {
	if len(l.About) > 0 {
		a.Reply, a.Host = l.About[0].Reply, l.About[0].Host
	}
	a.Who, a.Waited, a.Due, a.End = l.Who, l.Waited, l.Due, string(l.End)
	a.More = map[string]string{"comment": l.Comment}
	switch {
	case l.Kind == letterUndelivered:
		return notice.Undelivered, a
	case l.Kind == letterRelayed:
		return notice.Relayed, a
	case l.Outside:
		return notice.NotSentOutside, a
	case l.Kind == letterDeclined:
		return notice.Declined, a
	case l.Kind == letterExpired:
		return notice.Expired, a
	case l.Kind == letterNote:
		return notice.Note, a
	case l.Kind == letterWaiting:
		return notice.Waiting, a
	}
	return notice.NotSent, a
}

// plainMail is a notice: the same head as a report, and the text twice.
func plainMail(r dsn.Report) []byte {
	r.Recipients, r.Original = nil, nil
	return bytes.Clone(r.Notice())
}

// cleanID keeps a Message-ID that can stand in In-Reply-To.
func cleanID(id string) string {
	if strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") && len(id) < 500 && !strings.ContainsAny(id, " \t\r\n") {
		return id
	}
	return ""
}

// relayedLetter answers NOTIFY=SUCCESS where the next hop gives no reports.
func relayedLetter(list []mail.Address, host string, x extra, all int) letter {
	l := letter{Kind: letterRelayed, All: all, Ref: x.Ref}
	for _, a := range list {
		l.About = append(l.About, reported{Address: a, Host: host,
			Reply: mail.NewReply(250, "2.0.0", fmt.Sprintf("handed on to %s, which gives no reports", host))})
	}
	return l
}
