package quarantine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// How many codes are sent to one mailbox within an hour.
const (
	mostCodes   = 5 // to who came by a link, and to who asks from a network where the mailbox was confirmed
	mostOfOne   = 3 // to who only names the mailbox, from one other network
	mostStrange = 6 // and from all of those together
)

// ErrTooMany says that a mailbox gets no further code for now.
var ErrTooMany = errors.New("quarantine: too many codes were sent to this mailbox; try again in an hour")

// Asker is who asks for a code.
type Asker struct {
	// Browser tells his browser from others: in another one the code is worth
	// nothing, and nobody who asks elsewhere can end it or use up its tries.
	Browser string
	// Linked is set when he came by a link that was sent to the mailbox.
	Linked bool
	// Network is where he asks from; "" when nobody knows.
	Network string
}

// Code is one that is to be sent to a mailbox. No row has it: it follows from
// the row and from the key of the doors, so that a mail about it can wait in the
// store and the database alone says nothing.
type Code struct {
	Text string
	// At names its row, with tenant and mailbox.
	At int64
}

// NewCode makes a code that the caller has sent to a mailbox. While the one
// that this browser got before is good, it is the same again: whoever is
// impatient may use any of the mails.
//
// A mailbox gets few, and yet nobody can lock its owner out by asking in his
// name: who came by a link that was sent there is counted apart from those who
// only name the address, and so is who asks from a network from which the
// mailbox was confirmed before.
func (d *Doors) NewCode(tx *store.Tx, tenant string, a mail.Address, who Asker, now time.Time) (c Code, err error) {
	key := keyOf(a)
	source, err := d.mayAsk(tx, tenant, key, who, now)
	if err != nil {
		return c, err
	}
	own := d.hash("browser", who.Browser)
	nonce, until, tries := secret(), now.Add(codeLife), int64(0)
	last, found, err := lastCode(tx, tenant, key, own)
	if err != nil {
		return c, err
	}
	if left := last.until.Sub(now); found && last.good(now) && left > codeLife/3 && left <= codeLife {
		nonce, until, tries = last.nonce, last.until, last.tries
	}
	c.Text = d.code(tenant, key, own, nonce)
	_, err = tx.Exec("UPDATE device_code SET hash = '' WHERE tenant = ? AND address = ? AND browser = ?", tenant, key, own)
	if err == nil {
		c.At, err = freeMoment(tx, tenant, key, now)
	}
	if err == nil {
		_, err = tx.Exec(`INSERT INTO device_code (tenant, address, at, browser, hash, until, tries, nonce, source)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, tenant, key, c.At, own, d.hash("code", tenant, key, own, c.Text),
			store.Nanos(until), tries, nonce, source)
	}
	if err != nil {
		return Code{}, fmt.Errorf("quarantine: code: %w", err)
	}
	return c, nil
}

// code is what follows from a row: six digits.
func (d *Doors) code(tenant, key, own, nonce string) string {
	sum := d.hash("number", tenant, key, own, nonce)
	n, _ := strconv.ParseUint(sum[:15], 16, 64) // of hex digits: cannot fail
	return fmt.Sprintf("%06d", n%1_000_000)
}

// freeMoment keeps two codes of one moment apart.
func freeMoment(tx *store.Tx, tenant, key string, now time.Time) (at int64, err error) {
	err = tx.QueryRow("SELECT COALESCE(MAX(at), 0) FROM device_code WHERE tenant = ? AND address = ? AND at >= ? AND at < ?",
		tenant, key, store.Nanos(now), store.Nanos(now.Add(time.Millisecond))).Scan(&at)
	return max(at+1, store.Nanos(now)), err
}

// The sources of codes; behind the last two stands the hash of a network.
const (
	fromLink    = "link"
	fromKnown   = "known "
	fromStrange = "net "
)

// mayAsk finds as what somebody is counted who asks for a code, or refuses.
func (d *Doors) mayAsk(tx *store.Tx, tenant, key string, who Asker, now time.Time) (source string, err error) {
	count := func(query string, args ...any) (n int) {
		if err == nil {
			err = tx.QueryRow("SELECT COUNT(*) FROM "+query, append([]any{tenant, key}, args...)...).Scan(&n)
		}
		return n
	}
	since, until := store.Nanos(now.Add(-codesWindow)), store.Nanos(now.Add(codesWindow)) // later ones are of a wrong clock
	sent := func(how, source string) int {
		return count("device_code WHERE tenant = ? AND address = ? AND at > ? AND at < ? AND source "+how+" ?", since, until, source)
	}
	network, most := "", mostCodes
	if who.Network != "" {
		network = d.hash("network", tenant, key, who.Network)
	}
	switch {
	case who.Linked:
		source = fromLink
	case network != "" && count("device WHERE tenant = ? AND address = ? AND network = ? AND until > ?", network, store.Nanos(now)) > 0:
		source = fromKnown + network
	default:
		source, most = fromStrange+network, mostOfOne
		if network == "" {
			most = mostStrange
		}
	}
	tooMany := sent("=", source) >= most
	if strings.HasPrefix(source, fromStrange) && !tooMany {
		tooMany = sent("LIKE", fromStrange+"%") >= mostStrange
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("quarantine: code: %w", err)
	case tooMany:
		return "", ErrTooMany
	}
	return source, nil
}

// codeRow is a code as it is stored.
type codeRow struct {
	at, tries   int64
	hash, nonce string
	until       time.Time
}

func (r codeRow) good(now time.Time) bool {
	return r.hash != "" && r.tries < mostTries && now.Before(r.until)
}

// lastCode is the one that a browser has; it has one at most. The clock may have
// been set back since the one before.
func lastCode(tx *store.Tx, tenant, key, own string) (r codeRow, found bool, err error) {
	var until int64
	err = tx.QueryRow(`SELECT at, hash, nonce, until, tries FROM device_code WHERE tenant = ? AND address = ? AND browser = ? AND hash <> ''
		ORDER BY at DESC LIMIT 1`, tenant, key, own).Scan(&r.at, &r.hash, &r.nonce, &until, &r.tries)
	if errors.Is(err, store.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("quarantine: code: %w", err)
	}
	r.until = store.Moment(until)
	return r, true, nil
}

// CodeAt is the code of a row for the mail that brings it. It is "" when the
// code is not good any more; late says that its time is over.
func (d *Doors) CodeAt(tx *store.Tx, tenant string, a mail.Address, at int64, now time.Time) (code string, late bool, err error) {
	var own string
	var r codeRow
	var until int64
	key := keyOf(a)
	err = tx.QueryRow("SELECT browser, hash, nonce, until, tries FROM device_code WHERE tenant = ? AND address = ? AND at = ?",
		tenant, key, at).Scan(&own, &r.hash, &r.nonce, &until, &r.tries)
	if errors.Is(err, store.ErrNoRows) {
		return "", true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("quarantine: code: %w", err)
	}
	if r.until = store.Moment(until); !r.good(now) {
		return "", !now.Before(r.until), nil
	}
	code = d.code(tenant, key, own, r.nonce)
	if d.hash("code", tenant, key, own, code) != r.hash { // the row was changed
		return "", true, nil
	}
	return code, false, nil
}
