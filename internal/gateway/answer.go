package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// incoming is a mail to an address of ours, and as whose it was identified.
type incoming struct {
	arrival    *mail.Arrival
	header     *mail.Header
	id         tenant.Identity
	identified bool
}

// answered is what an answer by mail came to.
type answered struct {
	Sender mail.Address   `json:"sender,omitempty"`
	To     []mail.Address `json:"to,omitempty"`
	// Approve is what was said, Missing how many must still agree, Rest
	// whether others of the message still wait.
	Approve bool   `json:"approve,omitempty"`
	Missing int    `json:"missing,omitempty"`
	Rest    bool   `json:"rest,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Why is why it decided nothing, Ended how it ended before, by Who and At.
	Why   quarantine.Why `json:"why,omitempty"`
	Ended quarantine.How `json:"ended,omitempty"`
	Who   string         `json:"who,omitempty"`
	At    time.Time      `json:"at,omitzero"`
	// See is the token of a link.
	See string `json:"see,omitempty"`
}

// Reasons of this room why an answer decides nothing.
const (
	whyUnread quarantine.Why = "unread"
	whyGone   quarantine.Why = "gone"
)

// say puts an answer into what a notice says.
func (x *answered) say(t *tenant.Tenant, a *notice.About) {
	if x == nil {
		return
	}
	a.List, a.Who, a.Times["at"] = x.To, x.Who, x.At
	a.More["sender"], a.More["comment"] = string(x.Sender), x.Comment
	a.Refused, a.Ended = string(x.Why), string(x.Ended)
	set := func(name string, is bool) {
		if is {
			a.More[name] = "yes"
		}
	}
	set("open", x.Missing > 0)
	set("approved", x.Missing == 0 && x.Approve)
	set("rejected", x.Missing == 0 && !x.Approve)
	set("rest", x.Rest)
	set("by_mail", x.Why == whyUnread || x.Why == quarantine.NotIdentified || x.Why == quarantine.NotYours)
	a.More["missing"] = strconv.Itoa(x.Missing)
	if x.See != "" {
		a.Links["link"] = seeLink(t, x.See)
	}
}

// answerByMail takes a mail to the address of a request. Whatever becomes of
// it, it ends here. Who is proven to have written it is told what it did, or
// why it did nothing; nobody else is.
func (g *Gateway) answerByMail(ctx context.Context, in incoming, token string) mail.Reply {
	now := time.Now()
	t, err := g.tokenOf(ctx, token)
	if err != nil {
		return replyStoreDown()
	}
	owner := g.Tenants.Current().Find(t.Tenant)
	switch {
	case t.Message == "":
		return replyNoSuchAddress()
	case owner == nil || owner.Disabled:
		return mail.NewReply(451, "4.7.1", "The tenant is switched off here; try again")
	}
	from, proven, later := g.arrivedFrom(ctx, in, now)
	if later {
		return mail.NewReply(451, "4.7.5", "The signature could not be verified just now; try again")
	}
	x := answered{}
	person, err := quarantine.AcceptReply(from, t, g.People(t.Tenant, now), now)
	if err == nil {
		x, err = g.decideBy(ctx, in, t, person, now)
	}
	var no *quarantine.Refusal
	switch {
	case errors.As(err, &no):
		x.Why = no.Code
	case err != nil:
		return replyStoreDown()
	}
	if x.Why == quarantine.OverAlready {
		g.howEnded(ctx, t, &x)
	}
	if err := g.tellAnswered(ctx, in, t, x, proven && !from.Automatic, now); err != nil {
		return replyStoreDown()
	}
	if !in.identified && !proven { // the server that brought it tells its own user
		return mail.NewReply(550, "5.7.1", "Refused ("+string(problem.AnswerIgnored)+"): nothing proves who wrote this; no valid "+
			"DKIM signature of the author's domain covers From, To, Subject and the whole body")
	}
	return replyTaken(in.arrival.Trace)
}

// arrivedFrom is what is known of who wrote a mail. proven says that its author
// is who From says; later that nobody can know it just now.
func (g *Gateway) arrivedFrom(ctx context.Context, in incoming, now time.Time) (from quarantine.Arrived, proven, later bool) {
	h, env := in.header, in.arrival.Envelope
	from = quarantine.Arrived{
		MailFrom: env.From, From: h.Addresses("From"), FromFields: len(h.All("From")),
		Automatic: dsn.Classify(env.From, h).Automatic,
	}
	if in.identified {
		from.Tenant, from.Internal = in.id.Tenant.ID, in.id.Internal
	}
	single := from.FromFields == 1 && len(from.From) == 1 && from.From[0].Key() == env.From.Key()
	if from.Internal || !single {
		return from, from.Internal && single, false
	}
	to := env.To[0].Address.Key()
	addressed := slices.ContainsFunc(h.Addresses("To"), func(a mail.Address) bool { return a.Key() == to })
	for _, s := range g.Auth.Verify(ctx, in.arrival.Body, senderauth.Wanted{DKIM: true}, now).Signatures {
		later = later || s.Result == senderauth.TempError
		// To is covered too: a mail of his to somebody else cannot be sent here.
		if addressed && s.Covers("from", "subject", "to") {
			from.Signers = append(from.Signers, s.Domain)
			proven = proven || s.Domain == from.From[0].Domain()
		}
	}
	return from, proven, later && !proven
}

// decideBy reads what a person says and does it.
func (g *Gateway) decideBy(
	ctx context.Context, in incoming, t quarantine.Token, who quarantine.Person, now time.Time,
) (x answered, err error) {
	said, ok := quarantine.ParseReply(firstText(in.arrival.Body, g.Limits))
	if !ok {
		return x, &quarantine.Refusal{Code: whyUnread, Text: "the first word is neither APPROVE nor REJECT"}
	}
	before, err := g.holdsOf(ctx, t.Message)
	if err != nil {
		return x, err
	}
	done, err := g.Decide(ctx, Decision{Message: t.Message, Release: said.Approve, Comment: said.Comment, Person: who})
	switch {
	case errors.Is(err, spool.ErrNotFound) && len(before) > 0:
		return x, &quarantine.Refusal{Code: quarantine.OverAlready, Text: "it is over"}
	case errors.Is(err, spool.ErrNotFound), errors.Is(err, spool.ErrGone):
		return x, &quarantine.Refusal{Code: whyGone, Text: "the message is not here any more"}
	case err != nil:
		return x, err
	}
	after, err := g.holdsOf(ctx, t.Message)
	x = answered{Approve: said.Approve, Missing: done.Missing, Comment: said.Comment}
	for i, h := range after {
		x.Sender = h.Sender
		mine := slices.ContainsFunc(h.Votes, func(v quarantine.Vote) bool { return v.By == who.Key() && !v.At.Before(now) })
		switch {
		case mine:
			x.To = append(x.To, h.Recipient)
		case i < len(before) && before[i].Ended == nil && h.Ended == nil:
			x.Rest = true
		}
	}
	return x, err
}

func (g *Gateway) holdsOf(ctx context.Context, message string) (list []quarantine.Hold, err error) {
	err = g.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = quarantine.Of(tx, message)
		return err
	})
	return list, err
}

// howEnded finds how it ended that somebody decides about too late.
func (g *Gateway) howEnded(ctx context.Context, t quarantine.Token, x *answered) {
	list, err := g.holdsOf(ctx, t.Message)
	if err != nil {
		return // the notice says less then
	}
	for _, h := range list {
		if h.Ended != nil {
			x.Ended, x.Who, x.At = h.Ended.How, h.Ended.By, h.Ended.At
		}
	}
}

// mostAnswers is how many mails about answers somebody gets within an hour.
const mostAnswers = 20

// tellAnswered writes the event, and the mail to who wrote.
func (g *Gateway) tellAnswered(ctx context.Context, in incoming, t quarantine.Token, x answered, tell bool, now time.Time) error {
	kind, result := notice.Decided, "decided"
	if x.Why != "" {
		kind, result = notice.Ignored, string(x.Why)
		g.Log.Warn("an answer by mail decided nothing", telemetry.KeyCode, problem.AnswerIgnored, telemetry.KeyMessage, t.Message,
			telemetry.KeyTenant, t.Tenant, telemetry.KeyCause, string(x.Why), telemetry.KeyPeer, in.arrival.Peer.Addr.Addr())
	}
	g.Metrics.Count("mail_answers", 1, "tenant", t.Tenant, "result", result)
	to := in.arrival.Envelope.From
	d := dispatch{
		Kind: kind, Answer: &x, Ref: refOf(t.Message), Thread: []string{g.thread(t.Message, t.Address)},
		InReplyTo: cleanID(in.header.Get("Message-ID")),
	}
	public, _ := json.Marshal(map[string]any{"result": result})
	personal, _ := json.Marshal(map[string]any{"from": to, "asked": t.Address})
	return g.DB.Update(ctx, func(tx *store.Tx) error {
		err := g.Audit.Append(tx, audit.Event{
			Tenant: t.Tenant, Message: t.Message, Kind: "answer by mail", Actor: "gateway", At: now, Public: public, Personal: personal,
		})
		if err != nil || !tell || to.Null() {
			return err
		}
		may, err := post.May(tx, t.Tenant, to, "answer", mostAnswers, now)
		if err != nil || !may {
			return err
		}
		e := enacting{g: g, tx: tx, row: spool.Message{ID: t.Message, Tenant: t.Tenant}, now: now}
		over := x.Why == "" || x.Why == quarantine.OverAlready || x.Why == whyGone
		if !over && to.Key() == t.Address.Key() {
			d.Answer.See = e.token(quarantine.ToSee, t.Address, t.Until.Add(-tokenAfter))
		}
		if e.err != nil {
			return e.err
		}
		return g.send(tx, t.Tenant, to, d, now)
	})
}
