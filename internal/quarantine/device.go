package quarantine

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Doors bind browsers to mailboxes, and make the tokens in links and in
// addresses of replies. Only hashes are stored, keyed with a key that is not
// in the database: a six-digit code could be found from a plain hash.
type Doors struct {
	key []byte
}

// NewDoors returns doors with a key of 16 octets at least.
func NewDoors(key []byte) (*Doors, error) {
	if len(key) < 16 {
		return nil, errors.New("quarantine: the key of the doors needs at least 16 octets")
	}
	return &Doors{key}, nil
}

func (d *Doors) hash(purpose string, parts ...string) string {
	m := hmac.New(sha256.New, d.key)
	fmt.Fprintf(m, "postern %s\x00", purpose)
	for _, p := range parts {
		fmt.Fprintf(m, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(m.Sum(nil))
}

// How long codes and devices last, and how often one may try.
const (
	codeLife    = 15 * time.Minute
	deviceLife  = 30 * 24 * time.Hour
	mostTries   = 5         // of one code
	mostDevices = 20        // of one mailbox; the oldest goes
	mostLabel   = 100       // characters of a device's name
	codesWindow = time.Hour // of mostCodes
)

// Bind exchanges a code for the cookie of a device. ok is false for a code
// that is wrong, used, too old or tried too often; that try is counted, so the
// transaction must be committed all the same.
func (d *Doors) Bind(
	tx *store.Tx, tenant string, a mail.Address, asker Asker, code, label string, now time.Time,
) (cookie string, ok bool, err error) {
	who, own := keyOf(a), d.hash("browser", asker.Browser)
	r, found, err := lastCode(tx, tenant, who, own)
	if err != nil || !found || !r.good(now) {
		return "", false, err
	}
	given := d.hash("code", tenant, who, own, strings.Join(strings.Fields(code), ""))
	if !hmac.Equal([]byte(given), []byte(r.hash)) {
		return "", false, change(tx, "tries = tries + 1", tenant, who, r.at)
	}
	if err := change(tx, "hash = ''", tenant, who, r.at); err != nil {
		return "", false, err
	}
	cookie = secret()
	network := ""
	if asker.Network != "" {
		network = d.hash("network", tenant, who, asker.Network)
	}
	_, err = tx.Exec(`DELETE FROM device WHERE hash IN (SELECT hash FROM device WHERE tenant = ? AND address = ?
		ORDER BY since DESC, hash LIMIT 1000 OFFSET CAST(? AS BIGINT))`, tenant, who, mostDevices-1)
	if err == nil {
		_, err = tx.Exec("INSERT INTO device (hash, tenant, address, label, since, until, network) VALUES (?, ?, ?, ?, ?, ?, ?)",
			d.hash("device", cookie), tenant, who, store.Clean(cut(plain(label), mostLabel)),
			store.Nanos(now), store.Nanos(now.Add(deviceLife)), network)
	}
	if err != nil {
		return "", false, fmt.Errorf("quarantine: bind: %w", err)
	}
	return cookie, true, nil
}

func change(tx *store.Tx, what, tenant, who string, at int64) error {
	_, err := tx.Exec("UPDATE device_code SET "+what+" WHERE tenant = ? AND address = ? AND at = ?", tenant, who, at)
	return err
}

// Known is the person whose device has a cookie.
func (d *Doors) Known(tx *store.Tx, tenant, cookie string, now time.Time) (p Person, ok bool, err error) {
	var of, address string
	var until int64
	err = tx.QueryRow("SELECT tenant, address, until FROM device WHERE hash = ?",
		d.hash("device", cookie)).Scan(&of, &address, &until)
	switch {
	case errors.Is(err, store.ErrNoRows):
		return p, false, nil
	case err != nil:
		return p, false, fmt.Errorf("quarantine: device: %w", err)
	case of != tenant || !now.Before(store.Moment(until)):
		return p, false, nil
	}
	return Person{Tenant: of, Address: mail.Address(address), By: ByDevice}, true, nil
}

// Unbind forgets one device, by its cookie, or all of a mailbox.
func (d *Doors) Unbind(tx *store.Tx, tenant string, a mail.Address, cookie string) (n int64, err error) {
	if cookie != "" {
		n, err = tx.Exec("DELETE FROM device WHERE hash = ? AND tenant = ?", d.hash("device", cookie), tenant)
	} else {
		n, err = tx.Exec("DELETE FROM device WHERE tenant = ? AND address = ?", tenant, keyOf(a))
	}
	if err != nil {
		return 0, fmt.Errorf("quarantine: unbind: %w", err)
	}
	return n, nil
}

// Leave ends a sign-in for whoever else may hold what the browser held; it
// would be over at until.
func (d *Doors) Leave(tx *store.Tx, tenant, session string, until time.Time) error {
	_, err := tx.Exec(`INSERT INTO hold_token (hash, purpose, tenant, message, address, until) VALUES (?, ?, ?, '', '', ?)
		ON CONFLICT (hash) DO NOTHING`, d.hash("left", session), "left", tenant, store.Nanos(until))
	if err != nil {
		return fmt.Errorf("quarantine: leave: %w", err)
	}
	return nil
}

// HasLeft reports whether a sign-in was ended.
func (d *Doors) HasLeft(tx *store.Tx, session string) (bool, error) {
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM hold_token WHERE hash = ?", d.hash("left", session)).Scan(&n); err != nil {
		return false, fmt.Errorf("quarantine: leave: %w", err)
	}
	return n > 0, nil
}

// secret is a text that nobody can guess, for cookies and tokens.
func secret() string {
	var b [20]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Purpose is the one thing that a token is for.
type Purpose string

// The purposes.
const (
	// ToDecide is in the address to which an approver replies.
	ToDecide Purpose = "decide"
	// ToSee is in the link of an approver or a sender: it says which message
	// is meant, and identifies nobody.
	ToSee Purpose = "see"
)

// Token is what a token stands for.
type Token struct {
	Purpose Purpose
	Tenant  string
	Message string
	// Address is who got it.
	Address mail.Address
	Until   time.Time
}

// NewToken makes a token for one person, one message and one purpose. It is
// lower case, so that it survives in the local part of an address.
func (d *Doors) NewToken(tx *store.Tx, t Token) (string, error) {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	text := hex.EncodeToString(b[:])
	_, err := tx.Exec("INSERT INTO hold_token (hash, purpose, tenant, message, address, until) VALUES (?, ?, ?, ?, ?, ?)",
		d.hash("token "+string(t.Purpose), text), string(t.Purpose), t.Tenant, t.Message, string(t.Address),
		store.Nanos(t.Until))
	if err != nil {
		return "", fmt.Errorf("quarantine: token: %w", err)
	}
	return text, nil
}

// FindToken reads what a token stands for. One that was made for another
// purpose is not found.
func (d *Doors) FindToken(tx *store.Tx, text string, purpose Purpose, now time.Time) (t Token, ok bool, err error) {
	var address string
	var until int64
	err = tx.QueryRow("SELECT tenant, message, address, until FROM hold_token WHERE hash = ?",
		d.hash("token "+string(purpose), strings.ToLower(text))).Scan(&t.Tenant, &t.Message, &address, &until)
	if errors.Is(err, store.ErrNoRows) {
		return Token{}, false, nil
	}
	if err != nil {
		return Token{}, false, fmt.Errorf("quarantine: token: %w", err)
	}
	t.Purpose, t.Address, t.Until = purpose, mail.Address(address), store.Moment(until)
	return t, now.Before(t.Until), nil
}

// SweepDoors removes codes, devices and tokens whose time is over.
func SweepDoors(tx *store.Tx, now time.Time) error {
	for query, before := range map[string]time.Time{
		"DELETE FROM device WHERE until < ?":     now,
		"DELETE FROM device_code WHERE at < ?":   now.Add(-max(codesWindow, codeLife)),
		"DELETE FROM hold_token WHERE until < ?": now,
	} {
		if _, err := tx.Exec(query, store.Nanos(before)); err != nil {
			return fmt.Errorf("quarantine: sweep: %w", err)
		}
	}
	return nil
}
