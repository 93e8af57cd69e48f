package quarantine

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/store"
)

// Emergency is two persons' agreement that somebody reads a held message who
// otherwise may not: one asks, another confirms.
type Emergency struct {
	ID      string `json:"id"`
	Message string `json:"message"`
	Tenant  string `json:"tenant"`
	// Asked is who wants to read, and Why.
	Asked string    `json:"asked"`
	By    Means     `json:"by"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
	// Confirmed is the other person; "" until then.
	Confirmed   string    `json:"confirmed,omitempty"`
	ConfirmedBy Means     `json:"confirmed_by,omitempty"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
}

// How long an emergency lasts.
const (
	maxAsking  = 4 * time.Hour // until somebody must have confirmed
	maxReading = time.Hour     // after that
)

// maxEmergencies is how many of one message may be open.
const maxEmergencies = 10

// emergencySchema lists the steps of the table. A step is never changed once it
// is released; a further one is added.
func emergencySchema() []string {
	return []string{
		`CREATE TABLE emergency (
			id TEXT PRIMARY KEY,
			message TEXT NOT NULL,
			at BIGINT NOT NULL,
			data TEXT NOT NULL,
			seal TEXT NOT NULL);
		CREATE INDEX emergency_message ON emergency (message);
		CREATE INDEX emergency_at ON emergency (at)`,
	}
}

// mayInEmergency reports whether a person may take part in one.
func mayInEmergency(p Person, tenant string) error {
	switch {
	case p.By == "" || p.Key() == "" || p.By == ByClock:
		return refuse(NotIdentified, "nobody is identified")
	case p.Tenant != tenant && !(p.By == ByAdmin && p.Tenant == ""):
		return refuse(NotYours, "this is another tenant's")
	case !p.Rights.Emergency:
		return refuse(NeedsRight, "this needs the right to take part in an emergency")
	}
	return nil
}

// AskEmergency asks that what is kept of a message is opened for a person.
func AskEmergency(tx *store.Tx, message, tenant string, p Person, why string, now time.Time) (e Emergency, err error) {
	why = plain(why)
	switch n := utf8.RuneCountInString(why); {
	case tenant == "":
		return e, refuse(NotPossible, "nothing is kept of it: the id is wrong, or it is long over")
	case n < 3:
		return e, refuse(NeedsReason, "write why it must be read")
	case n > mostComment:
		return e, refuse(NeedsReason, "%d characters at most", mostComment)
	}
	if err := mayInEmergency(p, tenant); err != nil {
		return e, err
	}
	open, err := emergencies(tx, message)
	if err != nil {
		return e, err
	}
	n := 0
	for _, o := range open {
		if o.asking(now) {
			n++
		}
	}
	if n >= maxEmergencies {
		return e, refuse(NotPossible, "%d are open for this message already", n)
	}
	e = Emergency{
		ID: store.NewID(now), Message: message, Tenant: tenant, Asked: p.Key(), By: p.By, Why: why, At: now,
	}
	text, err := json.Marshal(e)
	if err == nil {
		_, err = tx.Exec("INSERT INTO emergency (id, message, at, data, seal) VALUES (?, ?, ?, ?, ?)",
			e.ID, e.Message, store.Nanos(now), store.Clean(string(text)), e.seal(store.Clean(string(text))))
	}
	if err != nil {
		return e, fmt.Errorf("quarantine: emergency: %w", err)
	}
	return e, nil
}

func (e Emergency) seal(text string) string { return store.Seal(e.ID, e.Message, text) }

// asking reports whether an emergency waits for its second person.
func (e Emergency) asking(now time.Time) bool {
	return e.Confirmed == "" && !e.At.After(now) && now.Sub(e.At) < maxAsking
}

// ConfirmEmergency is the word of the second person.
func ConfirmEmergency(tx *store.Tx, id string, p Person, now time.Time) (e Emergency, err error) {
	if e, err = findEmergency(tx, id); err != nil {
		return e, err
	}
	if err := mayInEmergency(p, e.Tenant); err != nil {
		return e, err
	}
	switch {
	case p.Key() == e.Asked:
		return e, refuse(OwnMail, "somebody else must confirm what you asked for")
	case e.Confirmed != "":
		return e, refuse(SaidAlready, "%s confirmed it at %s", e.Confirmed, e.ConfirmedAt.UTC().Format(time.DateTime))
	case !e.asking(now):
		return e, refuse(OverAlready, "nobody confirmed it within %s", maxAsking)
	}
	e.Confirmed, e.ConfirmedBy, e.ConfirmedAt = p.Key(), p.By, now
	text, err := json.Marshal(e)
	if err == nil {
		_, err = tx.Exec("UPDATE emergency SET data = ?, seal = ? WHERE id = ?",
			store.Clean(string(text)), e.seal(store.Clean(string(text))), id)
	}
	if err != nil {
		return e, fmt.Errorf("quarantine: emergency: %w", err)
	}
	return e, nil
}

// InForce is the emergency that lets a person read a message now: one of the
// two who agreed. found is false when there is none.
func InForce(tx *store.Tx, message string, p Person, now time.Time) (e Emergency, found bool, err error) {
	list, err := emergencies(tx, message)
	for _, e := range list {
		mine := p.Key() != "" && (e.Asked == p.Key() || e.Confirmed == p.Key())
		since := now.Sub(e.ConfirmedAt)
		if mine && e.Confirmed != "" && e.Confirmed != e.Asked && since >= 0 && since < maxReading && mayInEmergency(p, e.Tenant) == nil {
			return e, true, err
		}
	}
	return Emergency{}, false, err
}

// Emergencies lists those of a message, the oldest first.
func Emergencies(tx *store.Tx, message string) ([]Emergency, error) { return emergencies(tx, message) }

// ForgetEmergencies removes up to limit that were asked for before a moment.
func ForgetEmergencies(tx *store.Tx, before time.Time, limit int) (int64, error) {
	n, err := tx.Exec("DELETE FROM emergency WHERE id IN (SELECT id FROM emergency WHERE at < ? LIMIT CAST(? AS BIGINT))",
		store.Nanos(before), limit)
	if err != nil {
		return 0, fmt.Errorf("quarantine: forget emergencies: %w", err)
	}
	return n, nil
}

// FindEmergency reads one that is what was written.
func FindEmergency(tx *store.Tx, id string) (Emergency, error) { return findEmergency(tx, id) }

func findEmergency(tx *store.Tx, id string) (Emergency, error) {
	list, err := readEmergencies(tx, "WHERE id = ?", strings.TrimSpace(id))
	if err == nil && len(list) == 0 {
		err = refuse(NotPossible, "there is no such emergency, or its row was changed")
	}
	if err != nil {
		return Emergency{}, err
	}
	return list[0], nil
}

func emergencies(tx *store.Tx, message string) ([]Emergency, error) {
	return readEmergencies(tx, "WHERE message = ? ORDER BY at, id", message)
}

// readEmergencies leaves out rows that are not what was written: they open
// nothing.
func readEmergencies(tx *store.Tx, where string, args ...any) (list []Emergency, err error) {
	rows, err := tx.Query("SELECT id, message, data, seal FROM emergency "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("quarantine: emergencies: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e, own Emergency
		var text, seal string
		if err := rows.Scan(&own.ID, &own.Message, &text, &seal); err != nil {
			return nil, fmt.Errorf("quarantine: emergencies: %w", err)
		}
		bad := json.Unmarshal([]byte(text), &e)
		if bad == nil && seal == own.seal(text) && e.ID == own.ID && e.Message == own.Message {
			list = append(list, e)
		}
	}
	return list, rows.Err()
}
