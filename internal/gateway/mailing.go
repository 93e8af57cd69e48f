package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/tenant"
)

// dispatch is a mail of our own that belongs to no message in custody, as it
// waits in the store.
type dispatch struct {
	Kind notice.Kind `json:"kind"`
	// Items are what a digest lists, All how many there are.
	Items []bundled `json:"items,omitempty"`
	// All is the number of a digest or of what was counted.
	All int `json:"all,omitempty"`
	// Kept are what a digest of kept-back mail lists, Languages its reader's.
	Kept      []keptBack `json:"kept,omitempty"`
	Languages []string   `json:"languages,omitempty"`
	// Code names the code that it brings.
	Code int64 `json:"code,omitempty"`
	// Answer is what an answer by mail came to.
	Answer *answered `json:"answer,omitempty"`
	// What is what happened, Since and Until when.
	What  string    `json:"what,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Ref   string    `json:"ref,omitempty"`
	// InReplyTo and Thread are ids of mails before.
	InReplyTo string   `json:"in_reply_to,omitempty"`
	Thread    []string `json:"thread,omitempty"`
}

// Mailing hands on the mails that belong to no message in custody, and makes
// the digests. It returns when ctx does.
func (g *Gateway) Mailing(ctx context.Context, wake <-chan struct{}) {
	for {
		wait := g.mailOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(wait):
		}
	}
}

// mailAtOnce is how many mails are handed on side by side.
const mailAtOnce = 8

func (g *Gateway) mailOnce(ctx context.Context) time.Duration {
	now := time.Now()
	var daily time.Time
	if !g.Calm() {
		for g.bundle(ctx, now) && ctx.Err() == nil {
		}
		daily = g.digests(ctx, now)
	}
	var list []post.Out
	var next time.Time
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = post.Waiting(tx, now, mailAtOnce); err == nil {
			next, err = post.Next(tx)
		}
		return err
	})
	if err != nil {
		return longestWait
	}
	var all sync.WaitGroup
	for _, o := range list {
		all.Go(func() { g.handOut(ctx, o) })
	}
	all.Wait()
	if next.IsZero() || !daily.IsZero() && daily.Before(next) {
		next = daily
	}
	switch {
	case len(list) > 0:
		return time.Millisecond
	case next.IsZero():
		return longestWait
	}
	return min(max(time.Until(next), time.Second), longestWait)
}

// bundle makes the mail of one digest, or of one thing that was counted, if one
// is due.
func (g *Gateway) bundle(ctx context.Context, now time.Time) (made bool) {
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		made = false
		b, found, err := post.Due(tx, now)
		if err != nil {
			return err
		}
		if found {
			made = true
			if err := post.Take(tx, b, now); err != nil || b.All == 0 {
				return err
			}
			d := dispatch{Kind: notice.HeldDigest, All: b.All, Ref: refOf(store.NewID(now))}
			for _, text := range b.Items {
				var k bundled
				if json.Unmarshal(text, &k) == nil {
					d.Items = append(d.Items, k)
				}
			}
			return g.send(tx, b.Tenant, b.To, d, now)
		}
		y, found, err := post.TakeTally(tx, now)
		if err != nil || !found {
			return err
		}
		made = true
		return g.sendTally(tx, y, now)
	})
	return err == nil && made
}

// send keeps a mail until it is handed on.
func (g *Gateway) send(tx *store.Tx, id string, to mail.Address, d dispatch, now time.Time) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	tx.OnCommit(g.Wake)
	return post.Send(tx, post.Out{Tenant: id, To: to, Data: data}, now)
}

// When a mail that was not taken is tried again, by its age, and given up.
const (
	mailGiveUp  = 24 * time.Hour
	mailSoon    = time.Minute
	mailLater   = 10 * time.Minute
	mailPatient = time.Hour // from which age on it is tried seldom
)

// handOut makes one attempt at a mail and writes what it came to.
func (g *Gateway) handOut(ctx context.Context, o post.Out) {
	now := time.Now()
	outcome, kind := g.tryOut(ctx, o, now)
	if ctx.Err() != nil {
		return
	}
	if outcome == nil { // nothing is left of what it was to tell
		g.keepOut(ctx, func(tx *store.Tx) error { return post.Done(tx, o.ID) })
		return
	}
	state, _, host := stateOf(outcome)
	_, later := outcome.(task.Later)
	if later && now.Sub(o.Since) < mailGiveUp {
		wait := mailSoon
		if now.Sub(o.Since) > mailPatient {
			wait = mailLater
		}
		g.keepOut(ctx, func(tx *store.Tx) error { return post.PutOff(tx, o.ID, now.Add(wait)) })
		return
	}
	if state != audit.Delivered {
		g.Log.Error("a mail of our own was not taken", telemetry.KeyCode, problem.LetterRefused,
			telemetry.KeyTenant, o.Tenant, telemetry.KeyKind, string(kind), telemetry.KeyHost, host)
	}
	public, _ := json.Marshal(map[string]any{"notice": kind, "result": state})
	personal, _ := json.Marshal(map[string]any{"to": o.To})
	g.keepOut(ctx, func(tx *store.Tx) error {
		if err := post.Done(tx, o.ID); err != nil {
			return err
		}
		return g.Audit.Append(tx, audit.Event{
			Tenant: o.Tenant, Kind: "told", Actor: "gateway", At: now, Public: public, Personal: personal,
		})
	})
}

// keepOut writes what an attempt came to before the next one is looked for: it
// is written when the process goes on, and tried again after a crash.
func (g *Gateway) keepOut(ctx context.Context, fn func(tx *store.Tx) error) {
	for wait := time.Second; ; wait = min(2*wait, longestWait) {
		err := g.DB.Update(context.Background(), fn)
		if err == nil || errors.Is(err, store.ErrDead) || errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
			return
		}
		g.Log.Error("what became of a mail of our own could not be written", telemetry.KeyCode, problem.LateWrite,
			telemetry.KeyError, err)
		time.Sleep(wait)
	}
}

// tryOut makes one attempt; there is no outcome when there is nothing to say
// any more.
func (g *Gateway) tryOut(ctx context.Context, o post.Out, now time.Time) (task.Outcome, notice.Kind) {
	var d dispatch
	if err := json.Unmarshal(o.Data, &d); err != nil || o.Altered {
		g.Log.Error("a mail of our own was changed in the database", telemetry.KeyCode, problem.NoticeAltered,
			telemetry.KeyTenant, o.Tenant)
		return task.Failed{Why: "its row was changed"}, d.Kind
	}
	t := g.Tenants.Current().Find(o.Tenant)
	if t == nil {
		return task.Later{Why: "the tenant is not configured"}, d.Kind
	}
	text := g.dispatched(ctx, t, o, d, now)
	if text == nil {
		return nil, d.Kind
	}
	return g.handOwn(ctx, t, o.To, text), d.Kind
}

// handOwn hands a mail of our own to the tenant's Exchange, now.
func (g *Gateway) handOwn(ctx context.Context, t *tenant.Tenant, to mail.Address, text []byte) task.Outcome {
	env := mail.Envelope{To: []mail.Recipient{{Address: to, Notify: mail.NotifyNever}}}
	x, err := g.Door.Open(ctx, t.RouteOwn(to), env, &mail.Outgoing{Body: mail.Bytes(text)})
	if err != nil {
		var c *Closed
		if errors.As(err, &c) && c.Outcome != nil {
			return c.Outcome
		}
		return task.Later{Why: err.Error()}
	}
	if r := x.Rcpts()[0]; !r.Ok() {
		x.Reset()
		return x.Judge(r, true)
	}
	final := x.Send(ctx)
	if final.None() {
		return task.Later{Why: "no answer after the message: it may have been taken", Host: x.Host()}
	}
	return x.Judge(final, false)
}

// dispatched composes a mail that belongs to no message in custody; nil when
// there is nothing to say any more.
func (g *Gateway) dispatched(ctx context.Context, t *tenant.Tenant, o post.Out, d dispatch, now time.Time) []byte {
	a := notice.About{
		Languages: t.Languages, Zone: t.Zone, Contact: t.Contact, Organization: t.Name, Ref: d.Ref, Console: t.Console,
		Links: map[string]string{}, More: map[string]string{"tenant": t.ID}, Times: map[string]time.Time{},
	}
	if len(d.Languages) > 0 {
		a.Languages = d.Languages
	}
	a.More["n"] = strconv.Itoa(d.All)
	switch d.Kind {
	case notice.Code:
		if a.More["code"] = g.codeFor(ctx, t, o.To, d.Code, now); a.More["code"] == "" {
			return nil
		}
		a.More["what"] = t.Console
	case notice.Digest:
		if !g.keptLines(ctx, t, o.To, d, &a) {
			return nil
		}
		a.More["n"] = strconv.Itoa(len(a.Kept) + max(a.Further, 0))
		if t.Console != "" {
			a.Links["link"] = "https://" + t.Console + "/approve/my/" + t.ID
		}
	case notice.HeldDigest:
		a.Items = g.listed(ctx, t, d, now)
		a.Further = max(0, d.All-len(a.Items))
		if t.Console != "" {
			a.Links["link"] = "https://" + t.Console + "/approve/my/" + t.ID
		}
	case notice.Uninspected, notice.Loop:
		a.More["cause"], a.More["reason"] = d.What, d.What
		a.Times["since"] = d.Since
		if !d.Until.Equal(d.Since) {
			a.Times["until"] = d.Until
		}
	case notice.Decided, notice.Ignored:
		d.Answer.say(t, &a)
	}
	r := g.frame(t, t.Notices.Write(d.Kind, a), o.ID, now)
	r.To, r.InReplyTo, r.Thread = o.To, d.InReplyTo, d.Thread
	return g.signed(t, r.Notice(), now)
}

// listed are the lines of a digest: each is the subject that its mail would
// have, with its link.
func (g *Gateway) listed(ctx context.Context, t *tenant.Tenant, d dispatch, now time.Time) (list []notice.Item) {
	for _, k := range d.Items {
		kind, about := k.Letter.said(t, g.subjectFrom(ctx, t, k.Message), now)
		list = append(list, notice.Item{Text: t.Notices.Write(kind, about).Subject, Link: about.Links["link"]})
	}
	return list
}

// subjectFrom is the subject of a message that may still be in custody.
func (g *Gateway) subjectFrom(ctx context.Context, t *tenant.Tenant, id string) string {
	row, body, err := g.inCustody(ctx, id)
	if err != nil || row.Tenant != t.ID {
		return ""
	}
	defer body.Close()
	return subjectOf(mail.ParseHeader(body), t.Secrets())
}

// SendCode has a code sent to a mailbox that somebody says is his, by the row of
// the doors: the mail waits in the store like every other, and the code itself
// lies nowhere. languages are the reader's; none are those of the tenant.
func (g *Gateway) SendCode(tx *store.Tx, t *tenant.Tenant, to mail.Address, languages []string, at int64) error {
	now := time.Now()
	return g.send(tx, t.ID, to, dispatch{Kind: notice.Code, Code: at, Languages: languages, Ref: refOf(store.NewID(now))}, now)
}

// codeFor is the code that a mail brings; "" when it is not good any more.
func (g *Gateway) codeFor(ctx context.Context, t *tenant.Tenant, to mail.Address, at int64, now time.Time) (code string) {
	if g.Doors == nil {
		return ""
	}
	err := g.DB.View(ctx, func(tx *store.Tx) (err error) {
		var late bool
		if code, late, err = g.Doors.CodeAt(tx, t.ID, to, at, now); late {
			g.Log.Error("a code for the pages could not be sent in time", telemetry.KeyCode, problem.CodeNotSent, telemetry.KeyTenant, t.ID)
		}
		return err
	})
	if err != nil {
		return ""
	}
	return code
}
