package public

import (
	"cmp"
	"math"
	"net/http"
	"slices"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// mostNamed is how many recipients of one mail a list names in one entry.
const mostNamed = 10

// mostRows is how many holds each list of a person shows; those that are due
// first.
const mostRows = 50

// mine are the lists of a person: what waits for his decision, what he has
// sent, what was kept back for him, and by a role all that waits in the tenant.
type mine struct {
	Decide, Sent, Kept, All rows
}

// rows is one list; More is set when there are further ones.
type rows struct {
	List []row
	More bool
}

// row is a hold in a list.
type row struct {
	Link                string
	Subject, From, Rule []run
	To                  [][]run // of one message
	Sentence, Since     string
}

// list shows all that waits for somebody.
func (v *visit) list(w http.ResponseWriter, status int, note, tone string) error {
	var m mine
	err := v.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		keep := func(quarantine.Hold) bool { return true }
		decide := func(a mail.Address) quarantine.Filter { return quarantine.Filter{Tenant: v.tenant.ID, Approver: a} }
		if m.Decide, err = v.rows(tx, decide, keep); err != nil {
			return err
		}
		sent := func(a mail.Address) quarantine.Filter { return quarantine.Filter{Tenant: v.tenant.ID, Sender: a} }
		if m.Sent, err = v.rows(tx, sent, keep); err != nil {
			return err
		}
		if v.officer != nil {
			all := func(mail.Address) quarantine.Filter { return quarantine.Filter{Tenant: v.tenant.ID} }
			if m.All, err = v.rows(tx, all, func(h quarantine.Hold) bool { return !v.is(h.Sender) && !v.is(h.Recipient) }); err != nil {
				return err
			}
		}
		kept := func(a mail.Address) quarantine.Filter { return quarantine.Filter{Tenant: v.tenant.ID, Recipient: a} }
		m.Kept, err = v.rows(tx, kept, func(h quarantine.Hold) bool { return h.Allows(policy.RightSee) })
		return err
	})
	if err != nil {
		return err
	}
	v.show(w, status, "mine", v.page("title_mine", note, tone, m))
	return nil
}

// mostNames is for how many addresses of a person lists are read: the primary
// one, and those by which older mail knows him.
const mostNames = 20

// mostPages is how many pages of a list are read for those that somebody may
// see: others may stand before them.
const mostPages = 20

// waiting are the holds of a person that a filter finds by any of his
// addresses, those that are due first.
func (v *visit) waiting(
	tx *store.Tx, f func(mail.Address) quarantine.Filter, keep func(quarantine.Hold) bool,
) (all []quarantine.Hold, more bool, err error) {
	for _, a := range v.somebody.All[:min(len(v.somebody.All), mostNames)] {
		var next quarantine.Cursor
		kept := 0
		for page := 0; page == 0 || page < mostPages && kept < mostRows && next != (quarantine.Cursor{}); page++ {
			var holds []quarantine.Hold
			if holds, next, err = quarantine.List(tx, f(a), next, mostRows); err != nil {
				return nil, false, err
			}
			holds = slices.DeleteFunc(holds, func(h quarantine.Hold) bool { return h.Altered || !keep(h) })
			kept += len(holds)
			all = append(all, holds...)
		}
		more = more || next != quarantine.Cursor{}
	}
	slices.SortFunc(all, func(a, b quarantine.Hold) int {
		end := func(h quarantine.Hold) int64 { // what has none comes last
			if h.Until.IsZero() {
				return math.MaxInt64
			}
			return h.Until.UnixNano()
		}
		return cmp.Or(cmp.Compare(end(a), end(b)), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Recipient, b.Recipient))
	})
	all = slices.CompactFunc(all, func(a, b quarantine.Hold) bool { return a.Message == b.Message && a.Recipient == b.Recipient })
	return all[:min(len(all), mostRows)], more || len(all) > mostRows, nil
}

func (v *visit) rows(
	tx *store.Tx, f func(mail.Address) quarantine.Filter, keep func(quarantine.Hold) bool,
) (list rows, err error) {
	holds, more, err := v.waiting(tx, f, keep)
	if err != nil {
		return list, err
	}
	list.More = more
	for _, h := range holds {
		link := "/approve/my/" + v.tenant.ID + "/" + h.Message
		if last := len(list.List) - 1; last >= 0 && list.List[last].Link == link && len(list.List[last].To) < mostNamed {
			list.List[last].To = append(list.List[last].To, v.text(string(h.Recipient), longName))
			continue
		}
		list.List = append(list.List, row{
			Link:    "/approve/my/" + v.tenant.ID + "/" + h.Message,
			Subject: v.text(h.Subject, longSubject), From: v.text(string(h.Sender), longName), To: [][]run{v.text(string(h.Recipient), longName)},
			Rule: v.text(h.Rule, longName), Sentence: v.standing(h), Since: v.speech.moment(h.Since, v.tenant.Zone),
		})
	}
	return list, nil
}
