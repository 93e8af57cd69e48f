package books

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"postern.dev/postern/bench/load"
)

// Input is everything that is held against each other.
type Input struct {
	Sent []load.Sent
	Got  []load.Got
	// Records are the lines of `postern audit export`; nil: the record is
	// not looked at.
	Records []Record
	// Held are the lines of `postern held list --json`, Queue those of
	// `postern queue list --json`.
	Held  []Held
	Queue []Task
	// Crashes are the moments at which the gateway was killed.
	Crashes []time.Time
	// Window is how long before a crash a next hop's answer may be that the
	// gateway had not recorded. Default: 5s.
	Window time.Duration
	// Copies are addresses to which policies send copies or redirect.
	Copies []string
}

// Record is what is read of a line of the audit export.
type Record struct {
	ID         string   `json:"id"`
	Tenant     string   `json:"tenant"`
	MessageID  string   `json:"message_id"`
	Way        string   `json:"way"`
	From       string   `json:"from"`
	Modified   []string `json:"modified"`
	Recipients []struct {
		Address  string `json:"address"`
		Verdict  string `json:"verdict"`
		Delivery string `json:"delivery"`
	} `json:"recipients"`
}

// Held is what is read of a line of held list.
type Held struct {
	Message   string `json:"message"`
	Recipient string `json:"recipient"`
}

// Task is what is read of a line of queue list.
type Task struct {
	Message    string   `json:"message"`
	Kind       string   `json:"kind"`
	Recipients []string `json:"recipients"`
}

// ReadCrashes reads a moment per line, as RFC 3339 writes it.
func ReadCrashes(r io.Reader) (list []time.Time, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, fmt.Errorf("books: a crash: %w", err)
		}
		list = append(list, at)
	}
	return list, lines.Err()
}
