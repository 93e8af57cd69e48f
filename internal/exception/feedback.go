package exception

import (
	"fmt"
	"time"

	"postern.dev/postern/internal/store"
)

// Feedback is what a person said about a finding.
type Feedback struct {
	Tenant, Type, Detector, Confidence string
	// Right says that the finding is one; otherwise it is no such thing.
	Right   bool
	At      time.Time
	By      string
	Message string
}

// Say keeps feedback.
func (b *Book) Say(tx *store.Tx, f Feedback) error {
	_, err := tx.Exec(`INSERT INTO exception_feedback (id, tenant, type, detector, confidence, correct, at, author, message)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		store.NewID(f.At), f.Tenant, f.Type, f.Detector, f.Confidence, store.Bit(f.Right), store.Nanos(f.At), f.By, f.Message)
	if err != nil {
		return fmt.Errorf("exception: feedback: %w", err)
	}
	return nil
}

// Precision is how often a detector was right, of the findings that somebody
// judged.
type Precision struct {
	Detector   string `json:"detector"`
	Type       string `json:"type"`
	Confidence string `json:"confidence"`
	Right      int    `json:"right"`
	Wrong      int    `json:"wrong"`
}

// Percent is the share of right findings.
func (p Precision) Percent() float64 {
	return 100 * float64(p.Right) / float64(max(1, p.Right+p.Wrong))
}

// Measured is the precision by detector and confidence, for a tenant; "" is
// all of them.
func Measured(tx *store.Tx, tenant string) ([]Precision, error) {
	rows, err := tx.Query(`SELECT detector, type, confidence,
		CAST(SUM(correct) AS BIGINT), CAST(SUM(1 - correct) AS BIGINT) FROM exception_feedback
		WHERE tenant = ? OR ? = '' GROUP BY detector, type, confidence ORDER BY detector, type, confidence`, tenant, tenant)
	if err != nil {
		return nil, fmt.Errorf("exception: precision: %w", err)
	}
	defer rows.Close()
	list := []Precision{}
	for rows.Next() {
		var p Precision
		if err := rows.Scan(&p.Detector, &p.Type, &p.Confidence, &p.Right, &p.Wrong); err != nil {
			return nil, fmt.Errorf("exception: precision: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
