package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// The pages of held mail: what waits, one message, and decisions about many.
// What a visitor may see and do is asked of the desk alone; a page puts it into
// words. Everything that changes something is a press on a page that has said
// before what will happen to whom.

// heldPages adds the pages to those of the console.
func (c *Console) heldPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /held", c.inside(c.heldList))
	mux.HandleFunc("GET /held/{id}", c.inside(c.heldMessage))
	mux.HandleFunc("GET /held/{id}/{act}", c.inside(c.heldConfirm))
	mux.HandleFunc("POST /held/{id}/{act}", c.inside(c.heldDo))
	mux.HandleFunc("GET /held/bulk", c.inside(c.bulkList))
	mux.HandleFunc("POST /held/bulk", c.inside(c.bulkBegin))
	mux.HandleFunc("GET /held/bulk/new", c.inside(c.bulkPreview))
	mux.HandleFunc("GET /held/bulk/{id}", c.inside(c.bulkShow))
	mux.HandleFunc("POST /held/bulk/{id}/stop", c.inside(c.bulkStop))
}

// notAllowed answers what the desk has refused, and a store that fails.
func (c *Console) notAllowed(w http.ResponseWriter, r *http.Request, err error) {
	switch quarantine.WhyOf(err) {
	case "":
		c.unreadable(w, r, err)
	case quarantine.NeedsRight, quarantine.NotYours:
		c.fail(w, r, http.StatusForbidden, fault{
			Sentence: "You may not do this: " + flat(err.Error(), 300) + ".", Why: quarantine.NeedsRight,
			Next: "The roles of this installation are in its configuration (roles); who keeps it can give you one.",
		})
	case quarantine.NoSuch:
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: "There is no such thing, or your role does not see it.", Next: "Go back to the list and look again.",
		})
	default:
		c.fail(w, r, http.StatusConflict, fault{
			Sentence: "This is not possible: " + flat(err.Error(), 300) + ".", Next: "Go back to the list and look again.",
		})
	}
}

// waiting reads the holds of the message of a request. Nothing is one answer
// for a message that is not held and for one of somebody else's.
func (c *Console) waiting(w http.ResponseWriter, r *http.Request) (list []quarantine.Hold, ok bool) {
	id, ok := c.heldID(w, r)
	if !ok {
		return nil, false
	}
	list, err := c.Held.Show(r.Context(), caller(r), id)
	switch {
	case err != nil && quarantine.WhyOf(err) != quarantine.NoSuch:
		c.notAllowed(w, r, err)
		return nil, false
	case err != nil || len(list) == 0:
		c.fail(w, r, http.StatusNotFound, fault{
			Sentence: "There is no such held message, or your role does not see it.",
			Next:     "Look at the list of what waits; a message that was never held is found under Messages.",
		})
		return nil, false
	}
	slices.SortStableFunc(list, func(a, b quarantine.Hold) int { // what waits first
		return strings.Compare(over(a)+string(a.Recipient), over(b)+string(b.Recipient))
	})
	return list, true
}

func over(h quarantine.Hold) string {
	if h.Ended != nil {
		return "1"
	}
	return "0"
}

// form reads what a page has sent; ok is false when an answer was given.
func (c *Console) form(w http.ResponseWriter, r *http.Request) (ok bool) {
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		c.fail(w, r, http.StatusRequestEntityTooLarge, fault{Sentence: "This is too long; nothing was done.", Next: "Go back and shorten it."})
	case err != nil:
		c.fail(w, r, http.StatusBadRequest, fault{Sentence: "This form cannot be read; nothing was done.", Next: "Go back and send it again."})
	}
	return err == nil
}

// recipients are those of a form or an address; none is all that wait.
func recipients(r *http.Request) (list []mail.Address) {
	for _, s := range r.Form["to"] {
		if a := mail.Address(s); s != "" && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}
