package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"unicode/utf8"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
)

// Limits of a list in JSON.
const (
	apiPage    = 100
	apiMaxPage = 500
	// apiText is how much of a text a list holds; the message itself holds
	// all of it.
	apiText = 1000
)

// apiFault is every answer of the API that is not what was asked for.
type apiFault struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
	// At is the offset in the query, in octets.
	At *int `json:"at,omitempty"`
	// Code is a problem of docs/reference/problems.md, Impact what it does to
	// mail, Why the kind of a refusal.
	Code   problem.Code   `json:"code,omitempty"`
	Impact string         `json:"impact,omitempty"`
	Why    quarantine.Why `json:"why,omitempty"`
	// Over says who decided before, what and when.
	Over *quarantine.Ending `json:"over,omitempty"`
}

type apiMessages struct {
	Messages []audit.Message `json:"messages"`
	// Next is the address of the next page; absent on the last one.
	Next string `json:"next,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, `{"error":"this answer could not be made"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client is gone: nothing to do
}

// apiList is GET /api/v1/messages.
func (c *Console) apiList(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	limit := apiPage
	if s := values.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > apiMaxPage {
			c.fail(w, r, http.StatusBadRequest, fault{Sentence: "limit is a number from 1 to 500."})
			return
		}
		limit = n
	}
	text := values.Get("q")
	found, err := c.search(r.Context(), text, values.Get("behind"), limit)
	var q *audit.QueryError
	switch {
	case errors.As(err, &q):
		c.fail(w, r, http.StatusBadRequest, fault{Sentence: q.Why, Hint: q.Hint, At: &q.At})
		return
	case err != nil:
		c.unreadable(w, r, err)
		return
	}
	out := apiMessages{Messages: []audit.Message{}}
	for _, m := range found.list {
		m.Subject, m.MessageID = cut(m.Subject), cut(m.MessageID)
		out.Messages = append(out.Messages, m)
	}
	if found.next != "" {
		v := found.params(text)
		if values.Has("limit") {
			v.Set("limit", strconv.Itoa(limit))
		}
		out.Next = "/api/v1/messages?" + v.Encode()
	}
	writeJSON(w, http.StatusOK, out)
}

// apiMessage is GET /api/v1/messages/{id}.
func (c *Console) apiMessage(w http.ResponseWriter, r *http.Request) {
	m, err := c.record(r.Context(), r.PathValue("id"))
	var several severalError
	switch {
	case errors.As(err, &several):
		c.fail(w, r, http.StatusConflict, fault{
			Sentence: "Several messages have this reference.",
			Hint:     "search for ref:" + string(several) + " and use the id",
		})
	case errors.Is(err, audit.ErrNotFound):
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: "There is no such message.", Hint: "the id is ours, or a reference",
		})
	case err != nil:
		c.unreadable(w, r, err)
	default:
		writeJSON(w, http.StatusOK, m)
	}
}

// cut keeps a list of a hundred messages from being a hundred megabytes.
func cut(s string) string {
	if len(s) <= apiText {
		return s
	}
	at := apiText
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}
