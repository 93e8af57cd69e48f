package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Clocks are how long things of a tenant are kept.
type Clocks struct {
	Tenant string `json:"tenant"`
	// Bytes is the longest that a message waits for a decision, Metadata how
	// long the personal part of records stays, Audit how long the chain does.
	Bytes    time.Duration `json:"bytes"`
	Metadata time.Duration `json:"metadata"`
	Audit    time.Duration `json:"audit"`
	// Own are those that the tenant's file says.
	Own []string `json:"own,omitempty"`
	// Oldest is when the oldest event of the chain happened.
	Oldest time.Time `json:"oldest,omitzero"`
}

// clocks are those of a tenant; nil stands for strangers and for tenants that
// are gone.
func (c *Config) clocks(id string, t *tenant.Tenant) Clocks {
	k := Clocks{Tenant: id, Bytes: c.Retention.Bytes, Metadata: min(c.Retention.Metadata, keepNobody), Audit: c.Retention.Audit}
	if t == nil {
		return k
	}
	k.Metadata = c.Retention.Metadata
	if t.KeepSaid {
		k.Metadata, k.Own = t.Keep, append(k.Own, "metadata")
	}
	if t.Retention.Bytes > 0 {
		k.Bytes, k.Own = t.Retention.Bytes, append(k.Own, "bytes")
	}
	if t.Retention.Audit > 0 {
		k.Audit, k.Own = t.Retention.Audit, append(k.Own, "audit")
	}
	return k
}

func (a *App) clocks(id string) Clocks { return a.Config.clocks(id, a.Tenants.Current().Find(id)) }

// nonsense says what cannot be meant.
func (k Clocks) nonsense() (list []string) {
	switch {
	case k.Bytes < time.Hour || k.Metadata < time.Hour || k.Audit < time.Hour:
		list = append(list, "bytes, metadata and audit are an hour at least; write for example 720h")
	case k.Audit < keepRows:
		list = append(list, fmt.Sprintf("audit (%s) is shorter than %s, for which finished mail is listed", k.Audit, keepRows))
	case k.Audit < k.Metadata:
		list = append(list, fmt.Sprintf("audit (%s) is shorter than metadata (%s): the chain would end before the records that it is about",
			k.Audit, k.Metadata))
	}
	if k.Metadata < k.Bytes {
		list = append(list, fmt.Sprintf("metadata (%s) is shorter than bytes (%s): mail would still wait when nobody can see any more "+
			"whose it is", k.Metadata, k.Bytes))
	}
	return list
}

// retention says which clocks are in force.
func (a *App) retention(ctx context.Context) (ans Answer, err error) {
	ids, err := a.Audit.Tenants(ctx)
	if err != nil {
		return ans, err
	}
	for _, t := range a.Tenants.Current().Tenants() {
		if !slices.Contains(ids, t.ID) {
			ids = append(ids, t.ID)
		}
	}
	slices.Sort(ids)
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			k := a.clocks(id)
			var err error
			if k.Oldest, err = audit.Oldest(tx, id); err != nil {
				return err
			}
			ans.Retention = append(ans.Retention, k)
		}
		return nil
	})
	return ans, err
}

// endKept gives up what nobody has asked for again in time.
func (a *App) endKept(ctx context.Context, now time.Time) error {
	_, err := a.Gateway.EndKept(ctx, now)
	return err
}

// endHolds ends what has waited for longer than octets are kept.
func (a *App) endHolds(ctx context.Context, now time.Time) (err error) {
	for _, t := range a.Tenants.Current().Tenants() {
		_, bad := a.Gateway.EndHolds(ctx, t.ID, now.Add(-a.clocks(t.ID).Bytes))
		err = errors.Join(err, bad)
	}
	return err
}

// forgetRecords erases the personal part of records whose time is over: of
// every tenant that ever had one, and of strangers. What is in custody, and
// what a copy is kept of, keeps its record.
func (a *App) forgetRecords(ctx context.Context, now time.Time) error {
	ids, err := a.Audit.Tenants(ctx)
	for _, id := range ids {
		before := now.Add(-a.clocks(id).Metadata)
		behind := audit.Place{}
		for n := few; err == nil && n == few; {
			err = a.DB.Update(ctx, func(tx *store.Tx) error {
				old, next, err := a.Audit.Erasable(tx, id, behind, before, few)
				n = len(old)
				for _, message := range old {
					var spare bool
					if err == nil {
						spare, err = gateway.Spare(tx, message, false)
					}
					if err == nil && !spare {
						_, err = a.Audit.Erase(tx, id, message, "retention", "its time is over", now)
					}
				}
				tx.OnCommit(func() { behind = next })
				return err
			})
		}
	}
	return err
}

// prune removes the oldest part of chains whose time is over, with the rest of
// the records that it is about.
func (a *App) prune(ctx context.Context, now time.Time) error {
	ids, err := a.Audit.Tenants(ctx)
	for _, id := range ids {
		before := now.Add(-a.clocks(id).Audit)
		for n := few; err == nil && n == few; {
			err = a.DB.Update(ctx, func(tx *store.Tx) error {
				var gone []string
				var err error
				n, gone, err = a.Audit.Prune(tx, id, before, few, func(m string) (bool, error) { return gateway.Spare(tx, m, true) }, now)
				for _, m := range gone {
					if err == nil {
						err = evidence.ForgetOne(tx, m)
					}
				}
				return err
			})
		}
	}
	if err != nil {
		return err
	}
	return a.DB.Update(ctx, func(tx *store.Tx) error { // the chain has them for longer
		_, err := quarantine.ForgetEmergencies(tx, now.Add(-keepRows), few)
		return err
	})
}

// retention says what of a tenant's clocks cannot be meant, and which policies
// ask for more time than there is.
func (k *checking) retention(place string, t *tenant.Tenant) {
	clocks := k.c.clocks(t.ID, t)
	if len(clocks.Own) > 0 {
		for _, text := range clocks.nonsense() {
			k.add(LevelMistake, place+": retention", text, "metadata at least as long as bytes, audit at least as long as metadata")
		}
	}
	for _, r := range k.set.Rules() {
		if r.Mode == policy.ModeOff || len(r.Tenants) > 0 && !slices.Contains(r.Tenants, t.ID) {
			continue
		}
		for _, s := range r.Steps {
			switch {
			case s.Action == policy.HoldFor && s.For > clocks.Bytes:
				text := fmt.Sprintf("policy %s holds for %s, and %s keeps held mail for %s at most", r.ID, s.For, t.ID, clocks.Bytes)
				k.add(LevelWarning, r.Place, text, "shorten for, or raise retention.bytes")
			case s.Keep > clocks.Audit:
				text := fmt.Sprintf("policy %s keeps a copy for %s, and the audit chain of %s is kept for %s", r.ID, s.Keep, t.ID, clocks.Audit)
				k.add(LevelWarning, r.Place, text, "shorten keep, or raise retention.audit")
			}
		}
	}
}
