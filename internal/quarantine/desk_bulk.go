package quarantine

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/store"
)

// Preview counts what a bulk decision of a caller would do now.
func (d *Desk) Preview(ctx context.Context, c Caller, f Filter, approve bool) (n Numbers, err error) {
	if f.Over {
		return n, refuse(NotPossible, "what is over is not decided again")
	}
	if f.Tenant, err = d.scope(ctx, c, f.Tenant, bulkAct(approve)); err != nil {
		return n, err
	}
	p := d.person(c, f.Tenant)
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		n, err = Preview(tx, f, p, approve, time.Now())
		return err
	})
	return n, err
}

func bulkAct(approve bool) Act {
	if approve {
		return Approve
	}
	return Reject
}

// Begin writes a bulk decision of a caller, which the gateway carries out.
// total is what the preview counted: a decision about more than was shown is
// not begun.
func (d *Desk) Begin(ctx context.Context, c Caller, id string, f Filter, approve bool, comment string, total int) (b Bulk, err error) {
	if f.Tenant, err = d.scope(ctx, c, f.Tenant, bulkAct(approve)); err != nil {
		return b, err
	}
	p := d.person(c, f.Tenant)
	b = Bulk{
		ID: id, Tenant: f.Tenant, Filter: f, By: p.Name, Address: p.Address, Rights: p.Rights, Begun: time.Now(), Approve: approve,
		Comment: plain(comment),
	}
	var again bool
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		b, again, err = b.asked(tx)
		return err
	})
	if err != nil || again {
		return b, err
	}
	n, err := d.Preview(ctx, c, f, approve)
	switch {
	case err != nil:
		return b, err
	case utf8.RuneCountInString(b.Comment) > mostComment:
		return b, refuse(NotPossible, "a comment has %d characters at most", mostComment)
	case n.Holds == 0:
		return b, refuse(NotPossible, "nobody waits there")
	case n.More:
		return b, refuse(NotPossible, "more than %d: choose fewer", mostBulk)
	case total > 0 && n.Holds > total:
		return b, refuse(NotPossible, "%d wait now, and %d were shown: look again", n.Holds, total)
	}
	b.Total = n.Holds
	written := b
	err = d.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if written, again, err = b.asked(tx); err != nil || again {
			return err
		}
		if err := AddBulk(tx, b); err != nil {
			return err
		}
		if d.Begun != nil {
			return d.Begun(tx, c, b)
		}
		return nil
	})
	return written, err
}

// asked finds a bulk decision that was asked for before: the same name by the
// same person for the same end is the same decision.
func (b Bulk) asked(tx *store.Tx) (was Bulk, again bool, err error) {
	old, found, err := FindBulk(tx, b.ID)
	switch {
	case err != nil || !found:
		return b, false, err
	case old.Tenant != b.Tenant || old.By != b.By || old.Address != b.Address || old.Approve != b.Approve:
		return Bulk{}, false, refuse(NotPossible, "another bulk decision has this id")
	}
	return old, true, nil
}

// Bulks lists the bulk decisions of the tenants that a caller sees: those that
// go on, and the last of the others.
func (d *Desk) Bulks(ctx context.Context, c Caller) (list []Bulk, err error) {
	tenants, all := d.Tenants(c)
	if !all && len(tenants) == 0 {
		err := refuse(NeedsRight, "this needs a role with the right to see held mail")
		d.refused(ctx, c, See, "", "", err)
		return nil, err
	}
	err = d.DB.View(ctx, func(tx *store.Tx) error {
		open, err := OpenBulks(tx)
		if err != nil {
			return err
		}
		for _, b := range open {
			if all || slices.Contains(tenants, b.Tenant) {
				list = append(list, b)
			}
		}
		if all {
			over, err := selectBulks(tx, "WHERE ended > 0 ORDER BY ended DESC LIMIT CAST(? AS BIGINT)", lastBulks)
			list = append(list, over...)
			return err
		}
		for _, id := range tenants {
			over, err := selectBulks(tx, bulksOfQuery, id, lastBulks)
			if list = append(list, over...); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

const bulksOfQuery = "WHERE tenant = ? AND ended > 0 ORDER BY ended DESC LIMIT CAST(? AS BIGINT)"

// lastBulks is how many bulk decisions of a tenant are listed that are over.
const lastBulks = 50

// Bulk is one of them: how far it is.
func (d *Desk) Bulk(ctx context.Context, c Caller, id string) (b Bulk, err error) {
	var found bool
	err = d.DB.View(ctx, func(tx *store.Tx) (err error) {
		b, found, err = FindBulk(tx, id)
		return err
	})
	tenants, all := d.Tenants(c)
	switch {
	case err != nil:
		return Bulk{}, err
	case found && (all || slices.Contains(tenants, b.Tenant)):
		return b, nil
	case found || len(tenants) == 0 && !all:
		d.refused(ctx, c, See, b.Tenant, "", refuse(NeedsRight, "this needs a role with the right to see held mail"))
	}
	if len(tenants) == 0 && !all {
		return Bulk{}, refuse(NeedsRight, "this needs a role with the right to see held mail")
	}
	return Bulk{}, refuse(NoSuch, "there is no such bulk decision")
}

// Stop ends a bulk decision before it is through.
func (d *Desk) Stop(ctx context.Context, c Caller, id string) (b Bulk, err error) {
	if b, err = d.Bulk(ctx, c, id); err != nil {
		return b, err
	}
	if !d.person(c, b.Tenant).Rights.Decide {
		err := refuse(NeedsRight, "this needs the right to decide")
		d.refused(ctx, c, Reject, b.Tenant, "", err)
		return Bulk{}, err
	}
	err = d.DB.Update(ctx, func(tx *store.Tx) (err error) {
		b, err = StopBulk(tx, id, time.Now())
		return err
	})
	return b, err
}
