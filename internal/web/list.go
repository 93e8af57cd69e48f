package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/telemetry"
)

// pageSize is how many messages a page of the list has.
const pageSize = 50

// listing is what the list's template shows.
type listing struct {
	Overview overview
	// Mistake is set when the query could not be read.
	Mistake *mistake
	Rows    []row
	// Older leads to the next page, Newest back to the first.
	Older, Newest string
	// Empty is set when no message was ever seen.
	Empty   bool
	Tenants []string
	Keys    [][2]string
	// API and Command show the same list elsewhere.
	API, Command string
}

// mistake is a query's, split where it is.
type mistake struct {
	Before, At, After string
	Why, Hint         string
}

// row is a message in the list.
type row struct {
	ID, Ref    string
	Received   time.Time
	From       mail.Address
	To         mail.Address
	More       int // recipients besides To
	Subject    string
	Verdicts   []badge
	Deliveries []badge
	Inspected  badge
	Way        string
	Took       string
	Erased     bool
}

// list is the page "/".
func (c *Console) list(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("q")
	data := listing{Overview: c.overview(r.Context()), Tenants: c.Tenants(), Keys: audit.Keys()}
	if c.Held != nil {
		if _, all := c.Held.Tenants(caller(r)); !all {
			data.Overview.Held = nil // whose role does not see it
		}
	}
	status := http.StatusOK
	found, err := c.search(r.Context(), text, r.URL.Query().Get("behind"), pageSize)
	var q *audit.QueryError
	switch {
	case errors.As(err, &q):
		status, data.Mistake = http.StatusBadRequest, mistakeOf(text, q)
	case err != nil:
		c.unreadable(w, r, err)
		return
	}
	for _, m := range found.list {
		data.Rows = append(data.Rows, c.row(m))
	}
	if found.next != "" {
		data.Older = "/?" + found.params(text).Encode()
	}
	if r.URL.Query().Has("behind") {
		data.Newest = "/?" + url.Values{"q": {text}}.Encode()
	}
	data.Empty = text == "" && data.Newest == "" && len(data.Rows) == 0
	data.API = "/api/v1/messages?" + url.Values{"q": {text}}.Encode()
	data.Command = "postern audit search " + quoted(text)
	title := "Messages"
	if text != "" {
		title = "Search: " + flat(text, 60)
	}
	c.show(w, r, status, "list", page{Title: title, Inside: true, List: true, Query: text, Data: data})
}

// results is one page of records.
type results struct {
	list []audit.Message
	next string // the place behind the last one; "" at the end
}

func (f results) params(text string) url.Values {
	v := url.Values{"behind": {f.next}}
	if text != "" {
		v.Set("q", text)
	}
	return v
}

func (c *Console) search(ctx context.Context, text, behind string, limit int) (results, error) {
	q, err := audit.ParseQuery(text, time.Now().In(c.zone))
	if err != nil {
		return results{}, err
	}
	q.Limit = limit + 1
	q.Behind = placeOf(behind)
	list, err := c.find(ctx, q)
	if err != nil {
		return results{}, err
	}
	f := results{list: list}
	if len(list) > limit {
		f.list = list[:limit]
		last := f.list[limit-1]
		f.next = strconv.FormatInt(last.Received.UnixNano(), 10) + "." + last.ID
	}
	return f, nil
}

// referenceForm is what a report shows and people type.
var referenceForm = regexp.MustCompile(`^[0-9a-z]{4}-[0-9a-z]{4}$`)

// find searches; a reference that was typed alone is found without its key.
func (c *Console) find(ctx context.Context, q audit.Query) ([]audit.Message, error) {
	if len(q.Terms) == 1 && q.Terms[0].Key == "" && referenceForm.MatchString(q.Terms[0].Value) {
		ref := q
		ref.Terms = []audit.Term{{Key: "ref", Value: strings.ToUpper(q.Terms[0].Value)}}
		list, err := c.Audit.Search(ctx, ref)
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return c.Audit.Search(ctx, q)
}

// placeOf reads a place from an address; nonsense is the first page.
func placeOf(s string) audit.Place {
	at, id, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" || len(id) > 100 {
		return audit.Place{}
	}
	return audit.Place{Received: time.Unix(0, n), ID: id}
}

func mistakeOf(text string, q *audit.QueryError) *mistake {
	at := min(max(q.At, 0), len(text))
	end := len(text)
	if i := strings.IndexAny(text[at:], " \t\r\n"); i > 0 {
		end = at + i
	}
	return &mistake{Before: text[:at], At: text[at:end], After: text[end:], Why: q.Why, Hint: q.Hint}
}

func (c *Console) row(m audit.Message) row {
	x := row{
		ID: m.ID, Ref: m.Ref, Received: m.Received, From: m.From, Subject: m.Subject,
		Inspected: inspected(m.Inspected), Way: string(m.Way), Took: took(m), Erased: m.Erased,
	}
	if len(m.Recipients) > 0 {
		x.To, x.More = m.Recipients[0].Address, len(m.Recipients)-1
	}
	byDelivery, byVerdict := map[audit.Delivery]int{}, map[string]int{}
	for _, r := range m.Recipients {
		byDelivery[r.Delivery]++
		byVerdict[r.Verdict]++
	}
	for _, d := range append(audit.Deliveries(), "") {
		if n := byDelivery[d]; n > 0 {
			b := delivery(d)
			b.N = n
			x.Deliveries = append(x.Deliveries, b)
		}
	}
	for _, v := range verdicts() {
		if n := byVerdict[v]; n > 0 {
			b := verdict(v)
			b.N = n
			x.Verdicts = append(x.Verdicts, b)
		}
	}
	return x
}

// took is how long the client waited for our answer; "" when the record does
// not say.
func took(m audit.Message) string {
	var from, to time.Time
	for _, s := range m.Steps {
		switch s.Name {
		case "received":
			from = s.At
		case "answered":
			to = s.At
		case "next hop answered", "in custody", "committed":
			if to.IsZero() {
				to = s.At
			}
		}
	}
	if from.IsZero() || to.Before(from) {
		return ""
	}
	return span(to.Sub(from))
}

// quoted is a text as one word of a shell.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(flat(s, 2000), "'", `'\''`) + "'"
}

// unreadable answers when the store fails.
func (c *Console) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	c.Log.Error("the record cannot be read", telemetry.KeyRoom, "web", telemetry.KeyError, err)
	c.fail(w, r, http.StatusServiceUnavailable, fault{
		Sentence: "The record cannot be read: the store does not answer.",
		Next:     "Look at /readyz and at the log.",
	})
}
