package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// The API of held mail. Who may do what is said by the desk alone; here stand
// the forms of questions and answers. GET changes nothing; what changes
// something is a POST of JSON, which a form of another site cannot send.

// heldRoutes are those of the API; openapi.json describes each.
func (c *Console) heldRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /api/v1/held":                 c.apiHeld,
		"GET /api/v1/held/{id}":            c.apiHeldMessage,
		"POST /api/v1/held/{id}/decide":    c.apiDecide,
		"POST /api/v1/held/{id}/ask":       c.apiDeed(quarantine.Ask),
		"POST /api/v1/held/{id}/hand-on":   c.apiDeed(quarantine.HandOn),
		"POST /api/v1/held/{id}/pin":       c.apiDeed(quarantine.PinIt),
		"POST /api/v1/held/{id}/unpin":     c.apiDeed(quarantine.UnpinIt),
		"GET /api/v1/held/bulk":            c.apiBulks,
		"POST /api/v1/held/bulk":           c.apiBegin,
		"POST /api/v1/held/bulk/preview":   c.apiPreview,
		"GET /api/v1/held/bulk/{id}":       c.apiBulk,
		"POST /api/v1/held/bulk/{id}/stop": c.apiStop,
	}
}

// heldAPI registers the routes. enter lets in whom it knows.
func (c *Console) heldAPI(mux *http.ServeMux, enter func(http.HandlerFunc) http.HandlerFunc) {
	for pattern, do := range c.heldRoutes() {
		mux.HandleFunc(pattern, enter(do))
	}
}

// HeldAPI serves /api/v1/held to callers whom somebody else has identified:
// the admin socket, by the user at its other end. No browser reaches that, so
// there is no host and no origin to check.
func (c *Console) HeldAPI(who func(*http.Request) (Visitor, bool)) http.Handler {
	mux := http.NewServeMux()
	enter := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			v, ok := who(r)
			if !ok {
				f := needsRight("No role is yours.")
				f.Impact = unchanged // and not in the chain, which a stranger would fill
				c.fail(w, r, http.StatusForbidden, f)
				return
			}
			next(w, entering(r, v))
		}
	}
	if c.Held != nil {
		c.heldAPI(mux, enter)
	}
	mux.HandleFunc("/", enter(func(w http.ResponseWriter, r *http.Request) {
		if allow := methods(mux, r); !slices.Contains(allow, r.Method) {
			c.fail(w, r, http.StatusMethodNotAllowed, fault{
				Sentence: "Only " + strings.Join(allow, " and ") + " works here.", Allow: strings.Join(allow, ", "),
			})
			return
		}
		c.fail(w, r, http.StatusNotFound, fault{Sentence: "There is no such page."})
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer c.recovered(w, r)
		bounded(mux).ServeHTTP(w, r)
	})
}

// needsRight is the fault of somebody whose roles do not reach so far.
func needsRight(sentence string) fault {
	p, _ := problem.Find(problem.RightMissing)
	return fault{Sentence: sentence, Code: p.Code, Impact: p.Impact, Hint: p.Action, Why: quarantine.NeedsRight}
}

// unchanged is the effect of every refusal on mail.
const unchanged = "None: nothing was done."

// turnedDown answers with what the desk has refused, or with a fault of the
// store.
func (c *Console) turnedDown(w http.ResponseWriter, r *http.Request, err error) {
	var no *quarantine.Refusal
	if !errors.As(err, &no) {
		c.unreadable(w, r, err)
		return
	}
	f := fault{Sentence: sentence(no.Text), Why: no.Code, Impact: unchanged}
	status := http.StatusConflict
	switch no.Code {
	case quarantine.NeedsRight:
		status, f = http.StatusForbidden, needsRight(f.Sentence)
	case quarantine.NoSuch:
		status, f.Sentence = http.StatusNotFound, "There is no such thing, or your roles do not reach it."
		f.Hint = "A message is named by our id or its reference; GET /api/v1/held lists what you may see."
	case quarantine.NotIdentified, quarantine.NotYours:
		status, f.Hint = http.StatusForbidden, "Somebody else must decide; the holds of the message say who is asked."
	case quarantine.OwnMail:
		status, f.Hint = http.StatusForbidden, "Let somebody else decide, or hand it on."
	case quarantine.NeedsReason:
		status, f.Hint = http.StatusUnprocessableEntity, "Send words in text."
	case quarantine.IsPinned:
		f.Hint = "Unpin it first."
	case quarantine.NotPossible, quarantine.WasAltered:
		f.Hint = "Look again: GET /api/v1/held and /api/v1/held/{id} say how it is now."
	}
	c.fail(w, r, status, f)
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

// apiHeldList is one page of those who wait, or whose wait is over.
type apiHeldList struct {
	Held []quarantine.Row `json:"held"`
	// Next is the address of the next page; absent on the last one.
	Next string `json:"next,omitempty"`
}

// apiHeld is GET /api/v1/held.
func (c *Console) apiHeld(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	x, behind, limit, wrong := listed(values)
	var f quarantine.Filter
	if wrong == "" {
		f, wrong = x.filter(time.Now())
	}
	if wrong != "" {
		c.fail(w, r, http.StatusBadRequest, fault{Sentence: wrong})
		return
	}
	page, err := c.Held.List(r.Context(), caller(r), f, behind, limit)
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	out := apiHeldList{Held: []quarantine.Row{}}
	for i := range page.Holds {
		row := page.Holds[i].Row()
		row.Because = cut(row.Because)
		out.Held = append(out.Held, row)
	}
	if next := page.Next.String(); next != "" {
		values.Set("behind", next)
		out.Next = "/api/v1/held?" + values.Encode()
	}
	writeJSON(w, http.StatusOK, out)
}

// apiHeldFile is all that is known of a held message, without its text.
type apiHeldFile struct {
	Message string `json:"message"`
	Tenant  string `json:"tenant"`
	// Holds are those of its recipients, whose wait is over among them.
	Holds []quarantine.Row `json:"holds"`
	// Findings have masked samples; Unseen could not be looked at.
	Findings []detect.Finding `json:"findings"`
	Unseen   []mail.Unseen    `json:"unseen"`
	// History is the timeline of the record, Looks who has looked into it.
	History []audit.Step `json:"history"`
	Looks   []Look       `json:"looks"`
	// May is what the caller may do now, for one recipient at least.
	May []quarantine.Act `json:"may"`
}

// apiHeldMessage is GET /api/v1/held/{id}.
func (c *Console) apiHeldMessage(w http.ResponseWriter, r *http.Request) {
	id, ok := c.heldID(w, r)
	if !ok {
		return
	}
	holds, err := c.Held.Show(r.Context(), caller(r), id)
	if err == nil && len(holds) == 0 {
		err = quarantine.NoHold()
	}
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	file := apiHeldFile{
		Message: id, Tenant: holds[0].Tenant, Findings: []detect.Finding{}, Unseen: []mail.Unseen{},
		History: []audit.Step{}, Looks: []Look{}, May: []quarantine.Act{},
	}
	for i := range holds {
		file.Holds = append(file.Holds, holds[i].Row())
	}
	person := c.Held.Person(caller(r), file.Tenant)
	for _, a := range quarantine.Acts() {
		if slices.ContainsFunc(holds, func(h quarantine.Hold) bool { return h.May(person, a) == nil }) {
			file.May = append(file.May, a)
		}
	}
	err = c.DB.View(r.Context(), func(tx *store.Tx) error {
		m, err := c.Audit.Get(tx, id)
		if err != nil && !errors.Is(err, audit.ErrNotFound) {
			return err
		}
		file.Findings = append(file.Findings, m.Findings...)
		file.Unseen, file.History = append(file.Unseen, m.Unseen...), append(file.History, m.Steps...)
		if c.Looks == nil {
			return nil
		}
		looks, err := c.Looks(tx, file.Tenant, id)
		file.Looks = append(file.Looks, looks...)
		return err
	})
	if err != nil {
		c.unreadable(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, file)
}

// heldID is the id of the message that a path names, by our id or its
// reference. Whether it may be seen is not asked here: a reference of several
// messages is none.
func (c *Console) heldID(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	name := r.PathValue("id")
	m, err := c.record(r.Context(), name)
	var several severalError
	switch {
	case err == nil:
		return m.ID, true
	case errors.As(err, &several), errors.Is(err, audit.ErrNotFound):
		return name, true
	}
	c.unreadable(w, r, err)
	return "", false
}

// sent reads the body of a request, which must say that it is JSON: no form of
// another site can. It is false when an answer was given.
func (c *Console) sent(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		c.fail(w, r, http.StatusUnsupportedMediaType, fault{
			Sentence: "The body must be JSON.", Hint: "send Content-Type: application/json", Impact: unchanged,
		})
		return false
	}
	in := json.NewDecoder(r.Body)
	in.DisallowUnknownFields()
	err := in.Decode(into)
	if err == nil {
		if _, more := in.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one document")
		}
	}
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		c.fail(w, r, http.StatusRequestEntityTooLarge, fault{
			Sentence: "The body is too long.", Hint: "it has " + strconv.Itoa(maxAPIBody) + " octets at most", Impact: unchanged,
		})
	default:
		text := strings.TrimPrefix(err.Error(), "json: ")
		c.fail(w, r, http.StatusBadRequest, fault{
			Sentence: "The body cannot be read: " + flat(text, 200) + ".", Hint: "see /api/v1/openapi.json", Impact: unchanged,
		})
	}
	return false
}

// addresses reads recipients. It is false when an answer was given.
func (c *Console) addresses(w http.ResponseWriter, r *http.Request, name string, texts ...string) (list []mail.Address, ok bool) {
	for _, s := range texts {
		a, err := mail.ParseAddress(s)
		if err != nil || a.Null() {
			c.fail(w, r, http.StatusUnprocessableEntity, fault{
				Sentence: name + " has what is not an address: " + flat(s, 100) + ".", Impact: unchanged,
			})
			return nil, false
		}
		list = append(list, a)
	}
	return list, true
}

// apiDecision is what somebody decides.
type apiDecision struct {
	// Decision is approve or reject.
	Decision string `json:"decision"`
	// To are the recipients; absent or empty for all that wait.
	To      []string `json:"to"`
	Comment string   `json:"comment"`
}

// apiDecided is what came of it.
type apiDecided struct {
	Message  string `json:"message"`
	Decision string `json:"decision"`
	// Done is for how many recipients it was carried out, Agreed for how many
	// it counts while Missing of Needed people must still agree.
	Done    int `json:"done"`
	Agreed  int `json:"agreed"`
	Needed  int `json:"needed,omitempty"`
	Missing int `json:"missing,omitempty"`
	// Left is why it was not carried out for others of the recipients.
	Left *apiLeft `json:"left,omitempty"`
	// Said is what the caller had said before, Over how it ended before: this
	// request has changed nothing then.
	Said *quarantine.Vote   `json:"said,omitempty"`
	Over *quarantine.Ending `json:"over,omitempty"`
}

// apiLeft is why some recipients still wait.
type apiLeft struct {
	Error string         `json:"error"`
	Why   quarantine.Why `json:"why"`
}

func isDecision(s string) bool { return s == "approve" || s == "reject" }

// noDecision answers a decision that is none.
func (c *Console) noDecision(w http.ResponseWriter, r *http.Request) {
	c.fail(w, r, http.StatusUnprocessableEntity, fault{Sentence: "decision is approve or reject.", Impact: unchanged})
}

// apiDecide is POST /api/v1/held/{id}/decide. Saying the same again is no
// fault; saying the opposite of what was decided is.
func (c *Console) apiDecide(w http.ResponseWriter, r *http.Request) {
	var d apiDecision
	if !c.sent(w, r, &d) {
		return
	}
	if !isDecision(d.Decision) {
		c.noDecision(w, r)
		return
	}
	to, ok := c.addresses(w, r, "to", d.To...)
	if !ok {
		return
	}
	id, ok := c.heldID(w, r)
	if !ok {
		return
	}
	approve := d.Decision == "approve"
	said, err := c.Held.Say(r.Context(), caller(r), quarantine.Saying{Message: id, To: to, Approve: approve, Text: d.Comment})
	out := apiDecided{
		Message: id, Decision: d.Decision, Done: said.Done, Agreed: said.Agreed, Needed: said.Needed, Missing: said.Missing,
		Said: said.Before, Over: said.Over,
	}
	if said.Left != nil {
		out.Left = &apiLeft{sentence(said.Left.Error()), quarantine.WhyOf(said.Left)}
	}
	switch {
	case quarantine.WhyOf(err) == quarantine.SaidAlready && said.Before != nil && said.Before.Approve == approve:
		writeJSON(w, http.StatusOK, out)
	case err != nil:
		c.turnedDown(w, r, err)
	case said.Over != nil && said.Over.How.Goes() != approve:
		c.fail(w, r, http.StatusConflict, fault{
			Sentence: "This was " + string(said.Over.How) + " by " + flat(said.Over.By, 100) + " before.", Why: quarantine.OverAlready,
			Impact: unchanged, Over: said.Over,
		})
	default:
		writeJSON(w, http.StatusOK, out)
	}
}

// apiAct is a deed that does not end a hold.
type apiAct struct {
	// To are the recipients; absent or empty for all that wait.
	To []string `json:"to"`
	// Text is the question, or why something is pinned.
	Text string `json:"text"`
	// Other is to whom somebody hands on.
	Other string `json:"other"`
}

// apiDone is for how many recipients a deed was carried out.
type apiDone struct {
	Message string         `json:"message"`
	Act     quarantine.Act `json:"act"`
	Done    int            `json:"done"`
}

// apiDeed is POST /api/v1/held/{id}/ask and its like.
func (c *Console) apiDeed(act quarantine.Act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var d apiAct
		if !c.sent(w, r, &d) {
			return
		}
		s := quarantine.Saying{Text: d.Text}
		var ok bool
		if s.To, ok = c.addresses(w, r, "to", d.To...); !ok {
			return
		}
		if act == quarantine.HandOn {
			other, ok := c.addresses(w, r, "other", d.Other)
			if !ok {
				return
			}
			s.Other = other[0]
		}
		if s.Message, ok = c.heldID(w, r); !ok {
			return
		}
		n, err := c.Held.Do(r.Context(), caller(r), act, s)
		if err != nil {
			c.turnedDown(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, apiDone{s.Message, act, n})
	}
}

// newBulkID names a bulk decision for which the caller has no name.
func newBulkID() string { return strings.ToLower(rand.Text()) }
