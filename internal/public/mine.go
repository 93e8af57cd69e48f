package public

import (
	"net/http"

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
		if m.Decide, err = v.rows(tx, quarantine.Filter{Tenant: v.tenant.ID, Approver: v.who.Address}, keep); err != nil {
			return err
		}
		if m.Sent, err = v.rows(tx, quarantine.Filter{Tenant: v.tenant.ID, Sender: v.who.Address}, keep); err != nil {
			return err
		}
		if v.officer != nil {
			if m.All, err = v.rows(tx, quarantine.Filter{Tenant: v.tenant.ID}, func(h quarantine.Hold) bool {
				return !v.is(h.Sender) && !v.is(h.Recipient)
			}); err != nil {
				return err
			}
		}
		m.Kept, err = v.rows(tx, quarantine.Filter{Tenant: v.tenant.ID, Recipient: v.who.Address}, func(h quarantine.Hold) bool {
			return h.Allows(policy.RightSee)
		})
		return err
	})
	if err != nil {
		return err
	}
	v.show(w, status, "mine", v.page("title_mine", note, tone, m))
	return nil
}

func (v *visit) rows(tx *store.Tx, f quarantine.Filter, keep func(quarantine.Hold) bool) (list rows, err error) {
	holds, next, err := quarantine.List(tx, f, quarantine.Cursor{}, mostRows)
	if err != nil {
		return list, err
	}
	list.More = next != quarantine.Cursor{}
	for _, h := range holds {
		if h.Altered || !keep(h) {
			continue
		}
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
