package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
)

// Explained is why a message had its verdict.
type Explained struct {
	// Why explains the verdicts, those that are alike once; WhyNot says why a
	// chosen policy did not decide.
	Why    []explain.Why    `json:"why"`
	WhyNot []explain.WhyNot `json:"why_not,omitempty"`
	// Left counts recipients that are not explained.
	Left int `json:"left,omitempty"`
	// Policy is the version in force; Same is set when it decided then.
	Policy string `json:"policy"`
	Same   bool   `json:"same"`
	// Unknown lists facts that were not kept.
	Unknown []string `json:"unknown,omitempty"`
	// Rules are all policies, Recipients all recipients, to choose from.
	Rules      []RuleName     `json:"rules"`
	Recipients []mail.Address `json:"recipients"`
}

// RuleName is a policy to choose.
type RuleName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// reasons is what the template of the page shows.
type reasons struct {
	Explained
	Message audit.Message
	To      string
	Rule    string
	API     string
}

// explained asks for an explanation; ok is false when an answer was given.
func (c *Console) explained(w http.ResponseWriter, r *http.Request) (m audit.Message, e Explained, ok bool) {
	m, err := c.record(r.Context(), r.PathValue("id"))
	if err == nil && c.Explain == nil {
		err = audit.ErrNotFound
	}
	if err == nil {
		e, err = c.Explain(r.Context(), m, mail.Address(r.FormValue("to")), strings.TrimSpace(r.FormValue("rule")))
	}
	var several severalError
	switch {
	case err == nil:
		return m, e, true
	case errors.As(err, &several):
		c.fail(w, r, http.StatusConflict, fault{
			Sentence: "Several messages have this reference.", Next: "Choose one from the list.",
			Hint: "search for ref:" + string(several) + " and use the id",
		})
	case errors.Is(err, audit.ErrNotFound):
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: "What this message was decided by is not here any more.",
			Next:     "The record itself stays longer than the facts behind it: go back to the message.",
		})
	default:
		c.fail(w, r, http.StatusBadRequest, fault{
			Sentence: "This cannot be explained: " + flat(strings.TrimPrefix(err.Error(), "explain: "), 200) + ".",
			Next:     "Go back to the message and choose again.",
		})
	}
	return m, e, false
}

// why is the page "/m/{id}/why".
func (c *Console) why(w http.ResponseWriter, r *http.Request) {
	m, e, ok := c.explained(w, r)
	if !ok {
		return
	}
	data := reasons{Explained: e, Message: m, To: r.FormValue("to"), Rule: r.FormValue("rule"),
		API: "/api/v1/messages/" + url.PathEscape(m.ID) + "/why"}
	c.show(w, r, http.StatusOK, "why", page{Title: "Why: " + first(flat(m.Subject, 60), "(no subject)"), Inside: true, Data: data})
}

// apiWhy is GET /api/v1/messages/{id}/why.
func (c *Console) apiWhy(w http.ResponseWriter, r *http.Request) {
	if _, e, ok := c.explained(w, r); ok {
		writeJSON(w, http.StatusOK, e)
	}
}

// truth is the answer of a part of a condition.
func truth(t policy.Truth) badge {
	switch t {
	case policy.True:
		return badge{Icon: "check", Word: "yes", Tone: "good"}
	case policy.False:
		return badge{Icon: "dash", Word: "no", Tone: "calm"}
	case policy.Unknown:
		return badge{Icon: "ask", Word: "cannot know", Tone: "warn"}
	}
	return badge{Icon: "none", Word: "not evaluated", Tone: "calm"}
}

// part is a part of a condition in words.
func part(n *policy.Node) string {
	text := n.Text
	switch {
	case n.Op == "and" && len(n.Parts) > 0:
		text = "all of these"
	case n.Op == "or" && len(n.Parts) > 0:
		text = "one of these"
	}
	if n.Element != "" {
		text = n.Element + ": " + text
	}
	if len(n.Parts) > 0 {
		return text
	}
	var list []string
	for _, v := range n.Values {
		if v.Text != n.Text {
			list = append(list, v.Text+" is "+v.Value)
		}
	}
	if n.Why != "" {
		list = append(list, n.Why)
	}
	if len(list) == 0 {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, strings.Join(list, ", "))
}
