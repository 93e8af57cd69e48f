package contact

import (
	"fmt"

	"postern.dev/postern/internal/store"
)

// schema lists the steps of the room's tables. A step is never changed once
// it is released; a further one is added.
func schema() []string {
	return []string{
		`CREATE TABLE contact (
			tenant TEXT NOT NULL,
			mailbox BIGINT NOT NULL,
			outside BIGINT NOT NULL,
			first_at BIGINT NOT NULL,
			last_at BIGINT NOT NULL,
			sent BIGINT NOT NULL,
			got BIGINT NOT NULL,
			PRIMARY KEY (tenant, mailbox, outside)) WITHOUT ROWID`,
		`CREATE TABLE contact_domain (
			tenant TEXT NOT NULL,
			name TEXT NOT NULL,
			last_at BIGINT NOT NULL,
			sent BIGINT NOT NULL,
			PRIMARY KEY (tenant, name)) WITHOUT ROWID`,
	}
}

// load reads everything into memory.
func (h *History) load(tx *store.Tx) error {
	rows, err := tx.Query("SELECT tenant, mailbox, outside, first_at, last_at, sent, got FROM contact")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant string
		var mailbox, outside int64
		var e entry
		if err := rows.Scan(&tenant, &mailbox, &outside, &e.first, &e.last, &e.sent, &e.got); err != nil {
			return err
		}
		h.ledger(tenant).pairs[pair{uint64(mailbox), uint64(outside)}] = e
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return h.loadDomains(tx)
}

func (h *History) loadDomains(tx *store.Tx) error {
	rows, err := tx.Query("SELECT tenant, name, last_at, sent FROM contact_domain")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tenant, name string
		d := &domain{}
		if err := rows.Scan(&tenant, &name, &d.last, &d.sent); err != nil {
			return err
		}
		l := h.ledger(tenant)
		l.domains[name] = d
		if d.sent >= oftenSent {
			l.alike.add(name)
		}
	}
	return rows.Err()
}

func put(tx *store.Tx, tenant string, p pair, e entry) error {
	_, err := tx.Exec(`INSERT INTO contact (tenant, mailbox, outside, first_at, last_at, sent, got) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, mailbox, outside) DO UPDATE SET last_at = excluded.last_at,
			sent = contact.sent + excluded.sent, got = contact.got + excluded.got`,
		tenant, int64(p.mailbox), int64(p.outside), e.first, e.last, e.sent, e.got)
	if err != nil {
		return fmt.Errorf("contact: note: %w", err)
	}
	return nil
}

func putDomain(tx *store.Tx, tenant, name string, more int, now uint32) error {
	_, err := tx.Exec(`INSERT INTO contact_domain (tenant, name, last_at, sent) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, name) DO UPDATE SET last_at = excluded.last_at, sent = contact_domain.sent + excluded.sent`,
		tenant, store.Clean(name), now, more)
	if err != nil {
		return fmt.Errorf("contact: note: %w", err)
	}
	return nil
}

func dropPair(tx *store.Tx, tenant string, p pair) error {
	_, err := tx.Exec("DELETE FROM contact WHERE tenant = ? AND mailbox = ? AND outside = ?",
		tenant, int64(p.mailbox), int64(p.outside))
	if err != nil {
		return fmt.Errorf("contact: forget: %w", err)
	}
	return nil
}

func dropDomain(tx *store.Tx, tenant, name string) error {
	if _, err := tx.Exec("DELETE FROM contact_domain WHERE tenant = ? AND name = ?", tenant, name); err != nil {
		return fmt.Errorf("contact: forget: %w", err)
	}
	return nil
}

func dropTenant(tx *store.Tx, tenant string) error {
	for _, statement := range []string{"DELETE FROM contact WHERE tenant = ?", "DELETE FROM contact_domain WHERE tenant = ?"} {
		if _, err := tx.Exec(statement, tenant); err != nil {
			return fmt.Errorf("contact: forget: %w", err)
		}
	}
	return nil
}
