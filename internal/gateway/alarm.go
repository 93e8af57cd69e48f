package gateway

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/notice"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/post"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// What administrators are told of, as it is counted. Behind the colon stands
// the cause.
const (
	countLoop        = "loop"
	countUninspected = "uninspected:"
)

// How long is waited for more of the same, before administrators are told.
const (
	waitLoop        = time.Minute
	waitUninspected = 15 * time.Minute
)

// counted is the first of what was counted.
type counted struct {
	Message string `json:"message"`
	Why     string `json:"why,omitempty"`
	// N is how often a message came back.
	N int `json:"n,omitempty"`
}

// count counts something that the administrators of a tenant are told of, when
// it has named some.
func (g *Gateway) count(t *tenant.Tenant, what string, c counted, wait time.Duration) {
	if t == nil || len(t.Administrators) == 0 {
		return
	}
	data, _ := json.Marshal(c)
	g.write("count for administrators", func(tx *store.Tx) error {
		tx.OnCommit(g.Wake)
		return post.Count(tx, t.ID, what, data, wait, time.Now())
	})
}

// countOpen counts a message that goes out although not all of it was looked
// at: once for each cause whose gate is open.
func (g *Gateway) countOpen(m matter) {
	v := m.judgment.verdict
	goes := slices.ContainsFunc(v.Recipients, func(r policy.RecipientVerdict) bool { return wouldWord(r.Action) == wouldGo })
	if v.Defer || !goes || m.monitor || watchedOnly(m.kind) || len(m.tenant.Administrators) == 0 {
		return
	}
	var told []mail.Cause
	for _, u := range v.Unseen {
		if m.tenant.Gates.Of(u.Reason) == policy.Open && !slices.Contains(told, u.Reason) {
			told = append(told, u.Reason)
			g.count(m.tenant, countUninspected+string(u.Reason), counted{Message: m.arrival.Trace}, waitUninspected)
		}
	}
}

// sendTally writes to the administrators what was counted.
func (g *Gateway) sendTally(tx *store.Tx, y post.Tally, now time.Time) error {
	t := g.Tenants.Current().Find(y.Tenant)
	if t == nil {
		return nil
	}
	var c counted
	if err := json.Unmarshal(y.Data, &c); err != nil {
		return nil // its row was changed: the log has told it
	}
	d := dispatch{Kind: notice.Loop, All: c.N, What: c.Why, Since: y.Since, Until: y.Until, Ref: refOf(c.Message)}
	if cause, ok := strings.CutPrefix(y.What, countUninspected); ok {
		d.Kind, d.What, d.All = notice.Uninspected, cause, y.N
	}
	var errs []error
	for _, to := range t.Administrators {
		errs = append(errs, g.send(tx, t.ID, to, d, now))
	}
	return errors.Join(errs...)
}
