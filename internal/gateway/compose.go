package gateway

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// write composes the letter. body is the original in custody.
func (l letter) write(g *Gateway, t *tenant.Tenant, row spool.Message, body mail.Body, id string, now time.Time) []byte {
	h, secrets := mail.ParseHeader(body), t.Secrets()
	kind, about := l.said(t, subjectOf(h, secrets), now)
	text := t.Notices.Write(kind, about)
	r := g.frame(t, text, id, now)
	r.To = row.Envelope.From
	r.InReplyTo, r.Arrival, r.EnvID = cleanID(scrub(row.MessageID, secrets)), row.Received, row.Envelope.EnvID
	if l.To != "" {
		r.To, r.InReplyTo = l.To, g.thread(row.ID, l.To)
	}
	if l.Reply != "" && t.Console != "" {
		r.ReplyTo = replyAddress(t, l.Reply)
	}
	if !l.Kind.form().report {
		return g.signed(t, r.Notice(), now)
	}
	r.Original = dsn.Headers(h, body, t.Reserved, secrets)
	for _, x := range l.About {
		r.Recipients = append(r.Recipients, dsn.Recipient{
			Address: x.Address, ORcpt: x.ORcpt, Action: l.action(), Reply: x.Reply, Remote: x.Host, Last: now,
		})
	}
	return g.signed(t, r.Bytes(), now)
}

// frame is what all mails of our own have in common.
func (g *Gateway) frame(t *tenant.Tenant, text notice.Text, id string, now time.Time) dsn.Report {
	r := dsn.Report{
		Hostname: g.Hostname, FromName: t.Name + " mail gateway", From: t.Postmaster(),
		MessageID: strings.ToLower(id) + "@" + g.Hostname, Date: now,
		Subject: text.Subject, Text: text.Body, HTML: text.HTML,
	}
	if t.MarkName() != "" {
		r.Extra = append(r.Extra, dsn.Field{Name: t.MarkName(), Value: t.MarkValue()})
	}
	return r
}

// signed puts a signature of the tenant's in front, when there is a key. What
// cannot be signed leaves without: Exchange may sign it.
func (g *Gateway) signed(t *tenant.Tenant, text []byte, now time.Time) []byte {
	if t.Signer == nil {
		return text
	}
	field, err := t.Signer.Sign(bytes.NewReader(text), now)
	if err != nil {
		g.Log.Error("a mail of our own could not be signed", telemetry.KeyCode, problem.NotSigned,
			telemetry.KeyTenant, t.ID, telemetry.KeyError, err)
		return text
	}
	return slices.Concat(field, text)
}

// thread is what all that somebody gets about one held message answers to. No
// mail has this id: which of them comes first is not known before.
func (g *Gateway) thread(message string, who mail.Address) string {
	sum := sha256.Sum256([]byte(who.Key()))
	return fmt.Sprintf("<held.%s.%s@%s>", strings.ToLower(message), hex.EncodeToString(sum[:4]), g.Hostname)
}

// subjectOf is the subject of the original; "" when it holds a secret.
func subjectOf(h *mail.Header, secrets []string) string {
	s := h.Text("Subject")
	if scrub(s, secrets) != s {
		return ""
	}
	return s
}

func (l letter) action() dsn.Action {
	if l.Kind == letterRelayed {
		return dsn.Relayed
	}
	return dsn.Failed
}

// said names the text and puts in what is known.
func (l letter) said(t *tenant.Tenant, subject string, now time.Time) (notice.Kind, notice.About) {
	a := notice.About{
		All: l.All, Why: l.Why, Rule: l.Rule, Advice: l.Advice, Contact: t.Contact, Organization: t.Name, Ref: l.Ref,
		Subject: subject, Zone: t.Zone, Console: t.Console, Links: map[string]string{},
		Who: l.Who, Waited: l.Waited, Due: l.Due, End: string(l.End), Role: l.Role,
		More:  map[string]string{"comment": l.Comment, "sender": string(l.Sender)},
		Times: map[string]time.Time{},
	}
	if !l.Outside { // a stranger reads English
		a.Languages = t.Languages
	}
	for _, x := range l.About {
		a.List = append(a.List, x.Address)
	}
	if len(l.About) > 0 {
		a.Reply, a.Host = l.About[0].Reply, l.About[0].Host
	}
	if !l.At.IsZero() {
		a.Times["at"] = l.At
	}
	if l.See != "" && t.Console != "" {
		a.Links["link"] = seeLink(t, l.See)
	}
	kind := l.Kind.form().notice
	switch l.Kind {
	case letterBlocked, letterDeclined, letterExpired:
		if l.Outside {
			kind = notice.NotSentOutside
		}
		a.More["told"] = names(l.Asked)
		if l.Days > 0 && a.Links["link"] != "" {
			a.Links["link_again"], a.More["days"] = a.Links["link"], strconv.Itoa(l.Days)
		}
	case letterDecide:
		a.List = outsideFirst(t, a.List)
		a.More["outside"], a.More["reason"] = short(a.List), l.Text
		a.More["by_mail"], a.Links["link_pass"] = l.Reply, a.Links["link"]
		a.Before = l.Before
	case letterReminder:
		a.Left = l.Due.Sub(now)
		if l.Own {
			a.More["own"] = "yes"
		}
	case letterQuestion:
		a.More["question"] = l.Text
	case letterAnswer:
		a.More["answer"], a.More["by_mail"] = l.Text, l.Reply
	case letterOverridden:
		a.More["reason"] = l.Text
	}
	a.Why = inWords(t, kind, a.Languages, l.Why)
	if l.Kind == letterKeptBack {
		a.More["reason"] = cmp.Or(l.Text, a.Why)
	}
	return kind, a
}

// inWords says what was found in the language in which a text will be.
func inWords(t *tenant.Tenant, kind notice.Kind, languages []string, why string) string {
	texts := t.Notices
	if texts == nil {
		texts = notice.Default()
	}
	_, lang, _ := texts.Source(kind, languages...)
	why, _ = policy.SentenceIn(lang, why)
	return why
}

// outsideFirst puts those outside of the tenant in front.
func outsideFirst(t *tenant.Tenant, list []mail.Address) []mail.Address {
	slices.SortStableFunc(list, func(a, b mail.Address) int {
		switch x, y := t.Owns(a), t.Owns(b); {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	})
	return list
}

// short is a list of recipients for a subject: the domain of the first, and how
// many more there are.
func short(list []mail.Address) string {
	if len(list) == 0 {
		return ""
	}
	if len(list) == 1 {
		return list[0].Domain()
	}
	return fmt.Sprintf("%s +%d", list[0].Domain(), len(list)-1)
}

// names is a list of people in a line.
func names(list []mail.Address) string {
	var b strings.Builder
	for i, a := range list {
		if i == 5 {
			fmt.Fprintf(&b, " +%d", len(list)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(a))
	}
	return b.String()
}

// seeLink is the page of a message for whoever got the token.
func seeLink(t *tenant.Tenant, token string) string {
	return "https://" + t.Console + "/approve/" + token
}

// The local parts of our own addresses.
const (
	replyName = "approve"
	checkName = "check"
)

// replyAddress is where an answer that decides goes.
func replyAddress(t *tenant.Tenant, token string) mail.Address {
	return mail.Address(replyName + "+" + token + "@" + t.Console)
}

// cleanID keeps a Message-ID that can stand in In-Reply-To.
func cleanID(id string) string {
	if strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") && len(id) < 500 && !strings.ContainsAny(id, " \t\r\n") {
		return id
	}
	return ""
}
