package quarantine

import (
	"fmt"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
)

// untoldSchema lists the steps of the table of what was kept back for somebody
// who was not told of it yet. A step is never changed once it is released; a
// further one is added.
func untoldSchema() []string {
	return []string{
		`CREATE TABLE hold_untold (
			tenant TEXT NOT NULL,
			who TEXT NOT NULL,
			message TEXT NOT NULL,
			recipient TEXT NOT NULL,
			since BIGINT NOT NULL,
			PRIMARY KEY (tenant, who, message, recipient));
		CREATE INDEX hold_untold_since ON hold_untold (tenant, since)`,
	}
}

// TellLater notes that the recipient of a hold is to be told of it, in the
// transaction in which it begins. Whom the policy gives no right is not told,
// nor the one who sent it, nor anybody of what comes by itself.
func TellLater(tx *store.Tx, h Hold) error {
	if !h.Allows(policy.RightSee) || h.Delay || h.isSender(h.Recipient) {
		return nil
	}
	who := h.Recipient
	if len(h.Aliases) > 0 {
		who = h.Aliases[0] // the primary address: one mail for all of his
	}
	_, err := tx.Exec(`INSERT INTO hold_untold (tenant, who, message, recipient, since) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, h.Tenant, store.Clean(keyOf(who)), h.Message, string(h.Recipient), store.Nanos(h.Since))
	if err != nil {
		return fmt.Errorf("quarantine: tell later: %w", err)
	}
	return nil
}

// Untold is what was kept back for one person who was not told of it yet.
type Untold struct {
	Tenant string
	// Holds are the newest, those that are over among them; All is how many
	// there are.
	Holds []Hold
	All   int

	who string
}

// mostUntold is how many holds of one person are read; the others are counted.
const mostUntold = 500

// UntoldBefore finds a person of a tenant for whom something was kept back
// before a moment, and all that he was not told of; found is false for nobody.
// Rows that have changed are left out.
func UntoldBefore(tx *store.Tx, tenant string, before time.Time) (u Untold, found bool, err error) {
	u.Tenant = tenant
	var since int64
	err = tx.QueryRow(untoldQuery, tenant, store.Nanos(before)).Scan(&u.who, &since)
	if err == store.ErrNoRows {
		return u, false, nil
	}
	if err == nil {
		err = tx.QueryRow("SELECT COUNT(*) FROM hold_untold WHERE tenant = ? AND who = ?", tenant, u.who).Scan(&u.All)
	}
	if err != nil {
		return u, false, fmt.Errorf("quarantine: untold: %w", err)
	}
	list, err := u.places(tx)
	for _, p := range list {
		h, there, err := Find(tx, p[0], mail.Address(p[1]))
		if err != nil {
			return u, false, err
		}
		if !there || h.Altered || h.Tenant != tenant {
			u.All--
			continue
		}
		u.Holds = append(u.Holds, h)
	}
	return u, err == nil, err
}

const untoldQuery = "SELECT who, since FROM hold_untold WHERE tenant = ? AND since < ? ORDER BY since, who LIMIT 1"

// places are message and recipient of the newest.
func (u *Untold) places(tx *store.Tx) (list [][2]string, err error) {
	rows, err := tx.Query(`SELECT message, recipient FROM hold_untold WHERE tenant = ? AND who = ?
		ORDER BY since DESC, message DESC, recipient LIMIT CAST(? AS BIGINT)`, u.Tenant, u.who, mostUntold)
	if err != nil {
		return nil, fmt.Errorf("quarantine: untold: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p [2]string
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			return nil, fmt.Errorf("quarantine: untold: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// Told notes that a person is told: the caller writes the mail in the same
// transaction.
func Told(tx *store.Tx, u Untold) error {
	if _, err := tx.Exec("DELETE FROM hold_untold WHERE tenant = ? AND who = ?", u.Tenant, u.who); err != nil {
		return fmt.Errorf("quarantine: told: %w", err)
	}
	return nil
}

// keepUntold is for how long somebody may be told of something: what is older
// was kept back while nobody was to be told.
const keepUntold = 30 * 24 * time.Hour

// SweepUntold forgets of what nobody will be told any more.
func SweepUntold(tx *store.Tx, now time.Time) error {
	if _, err := tx.Exec("DELETE FROM hold_untold WHERE since < ?", store.Nanos(now.Add(-keepUntold))); err != nil {
		return fmt.Errorf("quarantine: sweep: %w", err)
	}
	return nil
}
