package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// Of a message with very many rows the page shows the first; the API has all.
const maxRows = 200

// entity is what the template of one message shows.
type entity struct {
	audit.Message
	// Sentence answers "where is this mail, and why".
	Sentence   string
	Tone, Icon string
	// Because and Rule are why the worst of it happened.
	Because, Rule string
	To            []destiny
	Timeline      []beat
	Problem       *problem.Problem
	Took          string
	// Hidden counts rows that are not shown.
	Hidden hidden
	API    string
	// Explains is set when there is a page that says why.
	Explains bool
}

type hidden struct{ To, Timeline, Findings, Unseen, Parts, Labels int }

// destiny is what was decided for a recipient and what became of it.
type destiny struct {
	audit.Recipient
	State    badge
	Verdict  badge
	Sentence string
	Tries    []attempt
}

// attempt is the next try of an open task.
type attempt struct {
	Due      time.Time
	Attempts int
	Last     string
	Stuck    *problem.Problem
	Held     bool
}

// beat is a step of the timeline with the time since the one before.
type beat struct {
	Name, Words, Detail, Since string
	At                         time.Time
	NewDay                     bool
}

// message is the page "/m/{id}"; id is ours or a reference.
func (c *Console) message(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	m, err := c.record(r.Context(), id)
	var several severalError
	switch {
	case errors.As(err, &several):
		http.Redirect(w, r, "/?"+url.Values{"q": {"ref:" + string(several)}}.Encode(), http.StatusSeeOther)
		return
	case errors.Is(err, audit.ErrNotFound):
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: fmt.Sprintf("There is no message %q.", flat(id, 60)),
			Next: "Compare it with the report: a reference has two groups of four characters. " +
				"Or search for the sender, the recipient or the subject.",
		})
		return
	case err != nil:
		c.unreadable(w, r, err)
		return
	}
	tasks, err := c.tasks(r.Context(), m.ID)
	if err != nil {
		c.unreadable(w, r, err)
		return
	}
	data := c.describe(m, tasks)
	title := first(flat(m.Subject, 60), "(no subject)")
	c.show(w, r, http.StatusOK, "message", page{Title: title, Inside: true, Data: data})
}

// severalError says that a reference stands for more than one message.
type severalError string

func (e severalError) Error() string { return "web: several messages have the reference " + string(e) }

var anyReference = regexp.MustCompile(`^([0-9A-Z]{4})-?([0-9A-Z]{4})$`)

// record finds a message by our id or by its reference.
func (c *Console) record(ctx context.Context, id string) (m audit.Message, err error) {
	if len(id) > 100 {
		return m, audit.ErrNotFound
	}
	err = c.DB.View(ctx, func(tx *store.Tx) (err error) {
		m, err = c.Audit.Get(tx, id)
		return err
	})
	groups := anyReference.FindStringSubmatch(strings.ToUpper(id))
	if !errors.Is(err, audit.ErrNotFound) || groups == nil {
		return m, err
	}
	ref := groups[1] + "-" + groups[2]
	list, err := c.Audit.Search(ctx, audit.Query{Terms: []audit.Term{{Key: "ref", Value: ref}}, Limit: 2})
	switch {
	case err != nil:
		return m, err
	case len(list) == 0:
		return m, audit.ErrNotFound
	case len(list) > 1:
		return m, severalError(ref)
	}
	return list[0], nil
}

func (c *Console) tasks(ctx context.Context, id string) (list []task.Task, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = task.Of(tx, id)
		return err
	})
	return list, err
}

// describe puts a record into sentences.
func (c *Console) describe(m audit.Message, tasks []task.Task) entity {
	e := entity{Message: m, Took: took(m), Timeline: c.timeline(m.Steps), API: "/api/v1/messages/" + url.PathEscape(m.ID)}
	if m.Problem != "" {
		p := described(problem.Code(m.Problem))
		e.Problem = &p
	}
	e.Explains = c.Explain != nil && m.Policy != "" && !m.Erased
	e.Sentence, e.Tone, e.Icon = standing(m)
	e.Because, e.Rule = because(m)
	for _, r := range m.Recipients {
		e.To = append(e.To, destiny{
			Recipient: r, State: delivery(r.Delivery), Verdict: verdict(r.Verdict),
			Sentence: outcome(m, r), Tries: triesOf(r, tasks),
		})
	}
	e.To, e.Hidden.To = head(e.To)
	e.Timeline, e.Hidden.Timeline = head(e.Timeline)
	e.Findings, e.Hidden.Findings = head(e.Findings)
	e.Unseen, e.Hidden.Unseen = head(e.Unseen)
	e.Parts, e.Hidden.Parts = head(e.Parts)
	e.Labels, e.Hidden.Labels = head(e.Labels)
	return e
}

func head[T any](list []T) (shown []T, hidden int) {
	if len(list) <= maxRows {
		return list, 0
	}
	return list[:maxRows], len(list) - maxRows
}

func triesOf(r audit.Recipient, tasks []task.Task) []attempt {
	var list []attempt
	for _, t := range tasks {
		if !t.Kind.Accounts() {
			continue
		}
		for _, x := range t.Recipients {
			if x.Address != r.Address {
				continue
			}
			a := attempt{Due: t.Due, Attempts: t.Attempts, Last: t.Last, Held: t.Held}
			if t.Stuck != "" {
				p := described(t.Stuck)
				a.Stuck = &p
			}
			list = append(list, a)
		}
	}
	return list
}

func (c *Console) timeline(steps []audit.Step) []beat {
	var list []beat
	for i, s := range steps {
		b := beat{Name: s.Name, Words: stepWords(s.Name), Detail: s.Detail, At: s.At, NewDay: true}
		if i > 0 {
			before := steps[i-1].At
			b.Since = "+" + span(max(s.At.Sub(before), 0))
			b.NewDay = before.In(c.zone).Format(time.DateOnly) != s.At.In(c.zone).Format(time.DateOnly)
		}
		list = append(list, b)
	}
	return list
}

// standing is the first line of the page.
func standing(m audit.Message) (sentence, tone, icon string) {
	n := map[audit.Delivery]int{}
	for _, r := range m.Recipients {
		n[r.Delivery]++
	}
	all := len(m.Recipients)
	if all == 0 {
		return "This message had no recipient left when it was answered.", "calm", "dash"
	}
	for _, d := range audit.Deliveries() {
		if n[d] == all {
			b := delivery(d)
			return wholeOf(d, all), b.Tone, b.Icon
		}
	}
	var states []badge
	for _, d := range append(audit.Deliveries(), "") {
		if n[d] > 0 {
			b := delivery(d)
			b.N = n[d]
			states = append(states, b)
		}
	}
	if len(states) == 0 {
		return "It is known under a state that this version does not know.", "calm", "ask"
	}
	slices.SortStableFunc(states, func(a, b badge) int { return rank(b.Tone) - rank(a.Tone) })
	var list []string
	for _, b := range states {
		list = append(list, fmt.Sprintf("%s for %s", b.Word, grouped(b.N)))
	}
	s := strings.Join(list, ", ")
	return fmt.Sprintf("%s%s, of %d recipients.", strings.ToUpper(s[:1]), s[1:], all), states[0].Tone, states[0].Icon
}

// because is why the worst of it happened: in the policy's words, else in
// those of the answer that ended it.
func because(m audit.Message) (why, rule string) {
	worst := -1
	for _, r := range m.Recipients {
		if severity := rank(verdict(r.Verdict).Tone); r.Because != "" && severity > worst {
			worst, why, rule = severity, r.Because, ""
			if len(r.Rules) > 0 {
				rule = r.Rules[0]
			}
		}
	}
	if why != "" {
		return why, rule
	}
	worst = rank("good")
	for _, r := range m.Recipients {
		if severity := rank(delivery(r.Delivery).Tone); severity > worst && !r.Reply.None() && !r.Reply.Ok() {
			worst, why = severity, r.Reply.String()
		}
	}
	return why, ""
}

func rank(tone string) int {
	return map[string]int{"calm": 0, "good": 1, "busy": 2, "warn": 3, "bad": 4}[tone]
}

func wholeOf(d audit.Delivery, all int) string {
	who := "its recipient"
	switch {
	case all == 2:
		who = "both recipients"
	case all > 2:
		who = fmt.Sprintf("all %s recipients", grouped(all))
	}
	switch d {
	case audit.Delivered:
		return "Delivered to " + who + "."
	case audit.Waiting:
		return "On its way to " + who + "; the next try comes by itself."
	case audit.Held:
		return "Held for " + who + ": a person or a deadline decides."
	case audit.Refused:
		return "Refused for " + who + ": nobody got it."
	case audit.Failed:
		return "Failed for " + who + ": the next hop did not take it."
	case audit.Redirected:
		return "Redirected: somebody else got it instead of " + who + "."
	case audit.Deferred:
		return "Not taken yet: the client was asked to come again."
	}
	return "Delivered, or Exchange sends it again: the answer was lost on the way."
}

// outcome says what became of one recipient's copy and who tells whom.
func outcome(m audit.Message, r audit.Recipient) string {
	switch r.Delivery {
	case audit.Delivered:
		if r.Host == "" {
			return "Taken by the next hop."
		}
		return "Taken by " + flat(r.Host, 120) + "."
	case audit.Waiting:
		return "In our custody, on its way to the next hop."
	case audit.Held:
		return "In our custody. A person decides, or the deadline does."
	case audit.Refused:
		if m.Way == audit.Rejected {
			return "Refused in the session, so the sending server tells the sender. We keep no copy of it."
		}
		return "This recipient does not get it. The sender gets a report where one is allowed."
	case audit.Failed:
		if m.Way == audit.CutThrough {
			return "The next hop refused it while the client waited, so the sending server tells the sender."
		}
		return "The next hop refused it or we gave up. The sender gets a report where one is allowed."
	case audit.Redirected:
		return "The policy sent it to somebody else instead."
	case audit.Deferred:
		return "Answered \"not now\". The message stays with the client, which comes again."
	case audit.Unknown:
		return "All octets were handed over and the answer was lost: delivered, or the client sends it again."
	}
	return "Nothing is known yet."
}
