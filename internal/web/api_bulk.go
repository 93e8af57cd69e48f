package web

import (
	"net/http"
	"regexp"
	"time"

	"postern.dev/postern/internal/quarantine"
)

// apiBulkCall is a decision about everything that a filter finds.
type apiBulkCall struct {
	// ID names it; the same name again is the same decision. Absent, one is
	// made.
	ID string `json:"id"`
	// Decision is approve or reject.
	Decision string `json:"decision"`
	Filter   choice `json:"filter"`
	Comment  string `json:"comment"`
	// Total is what the preview has counted. When more wait now, nothing is
	// begun.
	Total int `json:"total"`
}

// apiBulkPreview is the effect of a bulk decision before it is made.
type apiBulkPreview struct {
	// Total is to be given back.
	Total   int                `json:"total"`
	Numbers quarantine.Numbers `json:"numbers"`
}

// apiBulkList lists those that go on, and the last of the others.
type apiBulkList struct {
	Bulks []quarantine.Bulk `json:"bulks"`
}

// bulkName is what a caller may call a bulk decision.
var bulkName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{7,63}$`)

// bulkCall reads a bulk decision. It is false when an answer was given.
func (c *Console) bulkCall(w http.ResponseWriter, r *http.Request) (b apiBulkCall, f quarantine.Filter, ok bool) {
	if !c.sent(w, r, &b) {
		return b, f, false
	}
	if !isDecision(b.Decision) {
		c.noDecision(w, r)
		return b, f, false
	}
	f, wrong := b.Filter.filter(time.Now())
	if wrong != "" {
		c.fail(w, r, http.StatusUnprocessableEntity, fault{Sentence: wrong, Impact: unchanged})
		return b, f, false
	}
	return b, f, true
}

// apiPreview is POST /api/v1/held/bulk/preview. It changes nothing.
func (c *Console) apiPreview(w http.ResponseWriter, r *http.Request) {
	b, f, ok := c.bulkCall(w, r)
	if !ok {
		return
	}
	n, err := c.Held.Preview(r.Context(), caller(r), f, b.Decision == "approve")
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, apiBulkPreview{n.Holds, n})
}

// apiBegin is POST /api/v1/held/bulk.
func (c *Console) apiBegin(w http.ResponseWriter, r *http.Request) {
	b, f, ok := c.bulkCall(w, r)
	if !ok {
		return
	}
	wrong := ""
	switch {
	case b.Total < 1:
		wrong = "total must be what the preview has counted: nobody decides about more than was shown."
	case b.ID == "":
		b.ID = newBulkID()
	case !bulkName.MatchString(b.ID):
		wrong = "id has 8 to 64 letters, digits and hyphens, in lower case."
	}
	if wrong != "" {
		c.fail(w, r, http.StatusUnprocessableEntity, fault{
			Sentence: wrong, Hint: "POST /api/v1/held/bulk/preview", Impact: unchanged,
		})
		return
	}
	begun, err := c.Held.Begin(r.Context(), caller(r), b.ID, f, b.Decision == "approve", b.Comment, b.Total)
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	writeJSON(w, http.StatusAccepted, begun)
}

// apiBulks is GET /api/v1/held/bulk.
func (c *Console) apiBulks(w http.ResponseWriter, r *http.Request) {
	list, err := c.Held.Bulks(r.Context(), caller(r))
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, apiBulkList{append([]quarantine.Bulk{}, list...)})
}

// apiBulk is GET /api/v1/held/bulk/{id}: how far it is.
func (c *Console) apiBulk(w http.ResponseWriter, r *http.Request) {
	b, err := c.Held.Bulk(r.Context(), caller(r), r.PathValue("id"))
	c.bulkOr(w, r, b, err)
}

// apiStop is POST /api/v1/held/bulk/{id}/stop. What is decided stays so.
func (c *Console) apiStop(w http.ResponseWriter, r *http.Request) {
	var none struct{}
	if !c.sent(w, r, &none) {
		return
	}
	b, err := c.Held.Stop(r.Context(), caller(r), r.PathValue("id"))
	c.bulkOr(w, r, b, err)
}

func (c *Console) bulkOr(w http.ResponseWriter, r *http.Request, b quarantine.Bulk, err error) {
	if err != nil {
		c.turnedDown(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, b)
}
