package tenant

import (
	"errors"
	"fmt"

	"postern.dev/postern/internal/store"
)

// MaxValidations is how many connector validations may go to the address
// outside that a tenant entered.
const MaxValidations = 5

// Schema lists the steps of the room's tables.
func Schema() []string {
	return []string{`CREATE TABLE validation (tenant TEXT PRIMARY KEY, sent BIGINT NOT NULL)`}
}

// CountValidation counts one more validation message of a tenant and returns
// how many there are with it.
func CountValidation(tx *store.Tx, tenant string) (n int, err error) {
	err = tx.QueryRow("SELECT sent FROM validation WHERE tenant = ?", tenant).Scan(&n)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return 0, fmt.Errorf("tenant: count validation: %w", err)
	}
	n++
	_, err = tx.Exec(`INSERT INTO validation (tenant, sent) VALUES (?, ?)
		ON CONFLICT (tenant) DO UPDATE SET sent = excluded.sent`, tenant, n)
	if err != nil {
		return 0, fmt.Errorf("tenant: count validation: %w", err)
	}
	return n, nil
}
