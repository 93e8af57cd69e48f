package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/telemetry"
)

// overview answers "is mail flowing and safe right now".
type overview struct {
	// Sentence is the answer, Next what to do about it if anything.
	Sentence, Next string
	Tone, Icon     string
	// Lately counts the messages of the last 24 hours, Deliveries and
	// Verdicts the copies of their recipients. A calendar day would say
	// nothing at one in the morning.
	Lately               int
	Deliveries, Verdicts []tally
	// Sum is the balance; Out and Told are sums of it.
	Sum        *task.Sum
	Out, Told  int
	Difference int
	// Lines name what does not add up.
	Lines []string
	Stuck []stuck
	// Held is what waits for a decision; nil where the page does not say.
	Held *heldTile
}

// heldTile is the number that leads to the list of held mail.
type heldTile struct {
	Waiting, Nobody quarantine.Count
	// Next is when the first of it is due, in words.
	Next string
}

// tally is a number that opens as a list.
type tally struct {
	Badge badge
	Href  string
}

// stuck are tasks that a person must help.
type stuck struct {
	problem.Problem
	N int
}

// overviews keeps the last overview for as long as a page is read, ten times
// as long as it took: balancing reads every message in custody.
type overviews struct {
	mu    sync.Mutex
	until time.Time
	kept  overview
}

func (c *Console) overview(ctx context.Context) overview {
	o := &c.overviews
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	if began.Before(o.until) {
		return o.kept
	}
	o.kept = c.look(ctx, began)
	if ctx.Err() == nil {
		o.until = time.Now().Add(10 * time.Since(began))
	}
	return o.kept
}

func (c *Console) look(ctx context.Context, now time.Time) overview {
	o := overview{}
	counts, err := c.count(ctx, now.Add(-24*time.Hour))
	if err != nil {
		return c.blind(ctx, "count", err)
	}
	o.Lately, o.Stuck = counts.messages, counts.stuck
	for _, d := range append(audit.Deliveries(), "") {
		if n := counts.deliveries[d]; n > 0 {
			o.Deliveries = append(o.Deliveries, tallyOf(delivery(d), n, "delivery:"+string(d), d != ""))
		}
	}
	for _, v := range verdicts() {
		if n := counts.verdicts[v]; n > 0 {
			o.Verdicts = append(o.Verdicts, tallyOf(verdict(v), n, "verdict:"+v, v != ""))
		}
	}
	if c.Balance != nil {
		sum, lines, err := c.Balance(ctx)
		if err != nil {
			return c.blind(ctx, "balance", err)
		}
		o.Sum, o.Lines = &sum, lines
		o.Out, o.Told = sum.Delivered+sum.Redirected, sum.Refused+sum.Failed
		o.Difference = sum.In - o.Out - sum.Held - sum.Open - o.Told
	}
	if c.Held != nil {
		if o.Held, err = c.heldTile(ctx, now); err != nil {
			return c.blind(ctx, "held", err)
		}
	}
	o.answer(len(c.Tenants()), counts)
	return o
}

// heldTile counts what waits as far as that is cheap.
func (c *Console) heldTile(ctx context.Context, now time.Time) (*heldTile, error) {
	t := &heldTile{}
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		if t.Waiting, err = quarantine.CountAll(tx, quarantine.Filter{}); err != nil {
			return err
		}
		if t.Nobody, err = quarantine.CountAll(tx, quarantine.Filter{Approver: "-"}); err != nil {
			return err
		}
		first, _, err := quarantine.List(tx, quarantine.Filter{}, quarantine.Cursor{}, 1)
		if err == nil && len(first) > 0 && !first[0].Until.IsZero() {
			t.Next = nextWords(first[0].Until, now)
		}
		return err
	})
	return t, err
}

// blind is the overview when the store does not answer.
func (c *Console) blind(ctx context.Context, what string, err error) overview {
	if ctx.Err() == nil {
		c.Log.Error("the overview cannot be made",
			telemetry.KeyRoom, "web", telemetry.KeyKind, what, telemetry.KeyError, err)
	}
	return overview{
		Sentence: "Whether mail flows cannot be said: the store does not answer.", Tone: "bad", Icon: "cross",
		Next: "Look at /readyz and at the log; run postern check.",
	}
}

func tallyOf(b badge, n int, query string, opens bool) tally {
	b.N = n
	t := tally{Badge: b}
	if opens {
		t.Href = "/?q=" + url.QueryEscape(query+" after:24h")
	}
	return t
}

// answer is the first line of the page. The worst comes first.
func (o *overview) answer(tenants int, n counts) {
	held, open, ever := 0, 0, n.ever
	lost := n.deliveries[audit.Failed] + n.deliveries[audit.Deferred]
	if o.Sum != nil {
		held, open = o.Sum.Held, o.Sum.Open
	}
	switch {
	case o.Difference != 0 || len(o.Lines) > 0:
		o.Tone, o.Icon = "bad", "cross"
		o.Sentence = "The mail balance does not add up: somebody's message may be lost or doubled."
		o.Next = "The lines below name the messages. Do not delete anything; run postern audit verify."
	case len(o.Stuck) > 0:
		tasks := 0
		for _, s := range o.Stuck {
			tasks += s.N
		}
		o.Tone, o.Icon = "warn", "pause"
		o.Sentence = fmt.Sprintf("Mail waits for you: %s cannot go on until somebody acts. Nothing is lost.",
			many(tasks, "task"))
	case lost > 0 && n.deliveries[audit.Delivered]+n.deliveries[audit.Redirected] == 0:
		o.Tone, o.Icon = "warn", "cross"
		o.Sentence = fmt.Sprintf("Mail does not flow: in 24 hours nothing was delivered, and %s failed or had to come again.",
			many(lost, "copy"))
		o.Next = "Open the failed and the deferred ones below: the answer of the next hop says why."
	case tenants == 0 && !ever:
		o.Tone, o.Icon, o.Sentence = "calm", "dash", "No tenant is configured yet, so no mail is taken."
	case !ever:
		o.Tone, o.Icon, o.Sentence = "calm", "dash", "Ready, but no mail was seen yet."
	case o.Lately == 0:
		o.Tone, o.Icon, o.Sentence = "calm", "dash", "No mail came in the last 24 hours. "+restOf(held, open, o.Sum != nil)
	default:
		o.Tone, o.Icon = "good", "check"
		o.Sentence = fmt.Sprintf("Mail flows: %s in 24 hours. %s",
			many(o.Lately, "message"), restOf(held, open, o.Sum != nil))
	}
}

func restOf(held, open int, balanced bool) string {
	var list []string
	switch {
	case held == 1:
		list = append(list, "1 copy waits for a person")
	case held > 1:
		list = append(list, many(held, "copy")+" wait for a person")
	}
	switch {
	case open == 1:
		list = append(list, "1 copy is on its way")
	case open > 1:
		list = append(list, many(open, "copy")+" are on their way")
	}
	s := "Nothing waits."
	if len(list) > 0 {
		s = strings.Join(list, ", ") + "."
	}
	if balanced {
		return s + " Every copy is accounted for."
	}
	return s
}

// verdicts lists the actions as the page counts them, strongest first.
func verdicts() []string {
	return []string{"block", "hold", "override", "secure", "redirect", "copy", "notify", "header", "log", "deliver", ""}
}

type counts struct {
	messages   int
	deliveries map[audit.Delivery]int
	verdicts   map[string]int
	stuck      []stuck
	ever       bool
}

// count asks the store for numbers. It reads the record's index tables
// itself: the log answers with whole records, and a day may have a million.
func (c *Console) count(ctx context.Context, since time.Time) (n counts, err error) {
	n.deliveries, n.verdicts = map[audit.Delivery]int{}, map[string]int{}
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		var ever int
		err := tx.QueryRow("SELECT COUNT(*) FROM (SELECT id FROM audit_message LIMIT 1) AS x").Scan(&ever)
		if err != nil {
			return err
		}
		n.ever = ever > 0
		err = tx.QueryRow("SELECT COUNT(*) FROM audit_message WHERE received >= ?", since.UnixNano()).Scan(&n.messages)
		if err != nil {
			return err
		}
		rows, err := tx.Query(`SELECT r.delivery, r.verdict, COUNT(*) FROM audit_message m
			JOIN audit_recipient r ON r.message = m.id WHERE m.received >= ? GROUP BY r.delivery, r.verdict`, since.UnixNano())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d, v string
			var k int
			if err := rows.Scan(&d, &v, &k); err != nil {
				return err
			}
			n.deliveries[audit.Delivery(d)] += k
			n.verdicts[v] += k
		}
		if err := rows.Err(); err != nil {
			return err
		}
		n.stuck, err = stuckTasks(tx)
		return err
	})
	return n, err
}

func stuckTasks(tx *store.Tx) ([]stuck, error) {
	tasks, err := task.List(tx, task.Filter{Stuck: true, Limit: 1000})
	if err != nil {
		return nil, err
	}
	var list []stuck
	place := map[problem.Code]int{}
	for _, t := range tasks {
		i, known := place[t.Stuck]
		if !known {
			i = len(list)
			place[t.Stuck] = i
			list = append(list, stuck{Problem: described(t.Stuck)})
		}
		list[i].N++
	}
	return list, nil
}

// described is a problem's text; a code that is not in the catalogue is
// shown all the same.
func described(code problem.Code) problem.Problem {
	p, ok := problem.Find(code)
	if !ok {
		p = problem.Problem{Code: code, Title: "A problem that this version does not know", Action: "Look for it in the log"}
	}
	return p
}
