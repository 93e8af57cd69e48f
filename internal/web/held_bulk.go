package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/quarantine"
)

// bulkPlan is the page that says in numbers what a decision about many does.
type bulkPlan struct {
	heldChoice
	quarantine.Numbers
	Approve bool
	Title   string
	Finds   string
	// Sentence is the effect; Will is for how many recipients.
	Sentence string
	Will     int
	Octets   string
	Oldest   string
	Newest   string
	// Rules are the policies, Left those that stay as they are, by why.
	Rules, Left []tallyLine
	Fields      [][2]string
	ID          string
	Typed       string
	Mistake     string
	Back, Other string
	Command     string
}

// tallyLine is a count with its words.
type tallyLine struct {
	N     int
	Words string
}

// bulkPreview is the page "/held/bulk/new". It changes nothing.
func (c *Console) bulkPreview(w http.ResponseWriter, r *http.Request) {
	if c.form(w, r) {
		c.bulkPlan(w, r, http.StatusOK, "")
	}
}

// bulkPlan counts what a decision would do now.
func (c *Console) bulkPlan(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	now := time.Now()
	ch, wrong := heldChoiceOf(r.Form, now)
	ch = ch.fixed()
	ch.Over = false
	if wrong != "" {
		c.fail(w, r, http.StatusBadRequest, fault{Sentence: "This filter cannot be read: " + wrong, Next: "Go back to the list."})
		return
	}
	p := bulkPlan{
		heldChoice: ch, Approve: r.Form.Get("do") == "approve", Mistake: mistake, Typed: r.Form.Get("comment"), Finds: c.filterWords(ch.Filter),
		ID: newBulkID(), Back: ch.with("/held"),
	}
	n, err := c.Held.Preview(r.Context(), caller(r), ch.Filter, p.Approve)
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	p.Numbers, p.Octets = n, octets(n.Octets)
	word, other := "reject", "approve"
	if p.Approve {
		word, other = other, word
	}
	p.Title = strings.ToUpper(word[:1]) + word[1:] + " all of it?"
	p.Other = ch.with("/held/bulk/new", "do", other)
	p.Will = n.Holds - n.Votes
	for why, count := range n.Refused {
		p.Will -= count
		p.Left = append(p.Left, tallyLine{count, whyWords(why)})
	}
	slices.SortFunc(p.Left, func(a, b tallyLine) int {
		if a.N != b.N {
			return b.N - a.N
		}
		return strings.Compare(a.Words, b.Words)
	})
	for _, rule := range n.RuleNames() {
		p.Rules = append(p.Rules, tallyLine{n.Rules[rule], first(rule, "(no name)")})
	}
	p.Rules, _ = head(p.Rules)
	if n.Holds > 0 {
		p.Oldest, p.Newest = c.when(n.Oldest), c.when(n.Newest)
	}
	p.Sentence = p.effect()
	p.Fields = fieldsOf(ch.values())
	p.Command = strings.Replace(heldCommand(ch, now), "held find", "held bulk "+word, 1)
	c.show(w, r, status, "held-bulk-new", page{Title: p.Title, Inside: true, Held: true, Data: p})
}

// effect is the first line of the preview.
func (p *bulkPlan) effect() string {
	switch {
	case p.Holds == 0:
		return "Nothing that waits is like this: nothing would be done."
	case p.More:
		return fmt.Sprintf("More than %s wait: choose fewer.", many(p.Holds, "recipient"))
	case p.Will+p.Votes == 0:
		return fmt.Sprintf("You may decide about none of the %s: nothing would be done.", many(p.Holds, "recipient"))
	}
	what := "would not get their mail"
	if p.Approve {
		what = "would get their mail"
	}
	return fmt.Sprintf("%s %s: %s, of %s, by %s.", many(p.Will, "recipient"), what,
		many(p.Messages, "message"), many(p.Tenants, "tenant"), many(p.Senders, "sender"))
}

// fieldsOf are values as hidden fields of a form, in their order.
func fieldsOf(v url.Values) (list [][2]string) {
	for key := range v {
		list = append(list, [2]string{key, v.Get(key)})
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}

// bulkID is what a preview has made; pressing twice is one decision.
var bulkID = regexp.MustCompile(`^[a-z2-7]{26}$`)

// bulkBegin begins what a preview has shown.
func (c *Console) bulkBegin(w http.ResponseWriter, r *http.Request) {
	if !c.form(w, r) {
		return
	}
	ch, wrong := heldChoiceOf(r.PostForm, time.Now())
	total, err := parseCount(r.PostForm.Get("total"))
	id := r.PostForm.Get("id")
	if wrong != "" || err != nil || total < 1 || !bulkID.MatchString(id) {
		c.fail(w, r, http.StatusBadRequest, fault{
			Sentence: "This form is not whole; nothing was done.", Next: "Go back to the list and begin again.",
		})
		return
	}
	do := r.PostForm.Get("do")
	if !isDecision(do) {
		c.fail(w, r, http.StatusBadRequest, fault{Sentence: "This form says neither approve nor reject; nothing was done."})
		return
	}
	comment := strings.TrimSpace(r.PostForm.Get("comment"))
	b, err := c.Held.Begin(r.Context(), caller(r), id, ch.Filter, do == "approve", comment, total)
	switch why := quarantine.WhyOf(err); {
	case err == nil:
		http.Redirect(w, r, "/held/bulk/"+url.PathEscape(b.ID), http.StatusSeeOther)
	case why == quarantine.NotPossible || why == quarantine.NeedsReason:
		c.bulkPlan(w, r, http.StatusConflict, "Nothing was begun: "+flat(err.Error(), 200)+".")
	default:
		c.notAllowed(w, r, err)
	}
}

// bulkState is a bulk decision on a page.
type bulkState struct {
	quarantine.Bulk
	Finds, By    string
	Through      int
	Left         []tallyLine
	Going        bool
	Sentence     string
	Tone, Icon   string
	State        badge
	Still        bool // the page does not refresh itself
	MayStop      bool
	BegunAt      string
	EndedAt      string
	Took         string
	CommentShown string
}

func (c *Console) bulkWords(b quarantine.Bulk, now time.Time) bulkState {
	s := bulkState{
		Bulk: b, Finds: c.filterWords(b.Filter), By: whoWords(string(b.Address), b.By), Through: b.Done + b.Voted + b.Skipped,
		Going: b.Ended.IsZero(), BegunAt: c.when(b.Begun), Tone: "busy", Icon: "clock",
	}
	word := "rejected"
	if b.Approve {
		word = "approved"
	}
	switch {
	case s.Going:
		s.Sentence = fmt.Sprintf("Going on: %s of %s.", grouped(s.Through), many(b.Total, "recipient"))
		s.State = badge{Icon: "clock", Word: "going on", Tone: "busy"}
		s.Took = roughly(now.Sub(b.Begun))
	case b.Stopped:
		s.Sentence = fmt.Sprintf("Stopped after %s of %s. What is decided stays so.", grouped(s.Through), many(b.Total, "recipient"))
		s.Tone, s.Icon, s.State = "warn", "stop", badge{Icon: "stop", Word: "stopped", Tone: "warn"}
	default:
		s.Sentence = fmt.Sprintf("Done: %s %s.", many(b.Done, "recipient"), word)
		s.Tone, s.Icon, s.State = "good", "check", badge{Icon: "check", Word: "done", Tone: "good"}
	}
	if !s.Going {
		s.EndedAt, s.Took = c.when(b.Ended), roughly(b.Ended.Sub(b.Begun))
	}
	for why, n := range b.Whys {
		s.Left = append(s.Left, tallyLine{n, whyWords(why)})
	}
	slices.SortFunc(s.Left, func(a, b tallyLine) int { return strings.Compare(a.Words, b.Words) })
	return s
}

// bulkList is the page "/held/bulk".
func (c *Console) bulkList(w http.ResponseWriter, r *http.Request) {
	list, err := c.Held.Bulks(r.Context(), caller(r))
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	var rows []bulkState
	for _, b := range list {
		rows = append(rows, c.bulkWords(b, time.Now()))
	}
	c.show(w, r, http.StatusOK, "held-bulks", page{Title: "Decisions about many", Inside: true, Held: true, Data: rows})
}

// refreshEvery is how often the page of a decision that goes on loads itself.
const refreshEvery = 3 * time.Second

// bulkShow is the page "/held/bulk/{id}". While the decision goes on it loads
// itself again, which the visitor can stop (WCAG 2.2, 2.2.2).
func (c *Console) bulkShow(w http.ResponseWriter, r *http.Request) {
	b, err := c.Held.Bulk(r.Context(), caller(r), r.PathValue("id"))
	if quarantine.WhyOf(err) != "" {
		c.fail(w, r, http.StatusNotFound, fault{Sentence: "There is no such decision about many.", Next: "Look at their list."})
		return
	}
	if err != nil {
		c.unreadable(w, r, err)
		return
	}
	s := c.bulkWords(b, time.Now())
	s.Still = r.URL.Query().Has("still")
	s.MayStop = s.Going && c.Held.Person(caller(r), b.Tenant).Rights.Decide
	if s.Going && !s.Still {
		w.Header().Set("Refresh", strconv.Itoa(int(refreshEvery/time.Second)))
	}
	c.show(w, r, http.StatusOK, "held-bulk", page{Title: "Decision about many", Inside: true, Held: true, Data: s})
}

// bulkStop ends one before it is through.
func (c *Console) bulkStop(w http.ResponseWriter, r *http.Request) {
	b, err := c.Held.Stop(r.Context(), caller(r), r.PathValue("id"))
	if err != nil {
		c.notAllowed(w, r, err)
		return
	}
	http.Redirect(w, r, "/held/bulk/"+url.PathEscape(b.ID), http.StatusSeeOther)
}
