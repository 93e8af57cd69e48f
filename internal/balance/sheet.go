package balance

import "postern.dev/postern/internal/task"

// Sum adds up recipients, except where it says messages:
//
//	In = Delivered + Redirected + Held + Open + Refused + Failed + Difference
//
// Refused and Failed are those whose sender is told: Reported or Silent.
type Sum struct {
	// Tenant is "" in the sum of all.
	Tenant string `json:"tenant,omitempty"`
	// Sum counts what we answered 250 for: messages in Messages, else
	// recipients.
	task.Sum
	// CutThrough are those of Delivered whom the next hop took while the
	// client waited: they were never in custody.
	CutThrough int `json:"cut_through"`
	// Difference is what is missing, or too much.
	Difference int `json:"difference"`

	// Unknown are recipients of messages that were handed back and whose
	// outcome nobody knows: delivered, or retried by Exchange. No answer to
	// the client is on record for them. Leaving are messages whose next hop has not answered
	// yet (or had not when the process ended).
	Unknown int `json:"unknown"`
	Leaving int `json:"leaving"`
	// Watched are messages of which only a copy came here, and probes: they
	// were recorded, and there was nothing to deliver.
	Watched int `json:"watched"`
	// Turned are messages that were answered 5xx, Deferred those that were
	// answered 4xx: they were never ours.
	Turned   int `json:"turned_away"`
	Deferred int `json:"deferred"`
	// Evidence are messages of which a copy is kept, EvidenceOver those whose
	// copy's time is over.
	Evidence     int `json:"evidence"`
	EvidenceOver int `json:"evidence_over"`
}

// Out is what has left towards recipients.
func (s Sum) Out() int { return s.Delivered + s.Redirected }

// Told is who did not get the message and whose sender is told, or may not
// be.
func (s Sum) Told() int { return s.Refused + s.Failed }

func (s Sum) difference() int { return s.In - s.Out() - s.Held - s.Open - s.Told() }

func (s *Sum) add(t Sum) {
	s.Sum.Add(t.Sum)
	s.CutThrough += t.CutThrough
	s.Difference += t.Difference
	s.Unknown += t.Unknown
	s.Leaving += t.Leaving
	s.Watched += t.Watched
	s.Turned += t.Turned
	s.Deferred += t.Deferred
	s.Evidence += t.Evidence
	s.EvidenceOver += t.EvidenceOver
}

// Difference is something that does not add up.
type Difference struct {
	Tenant  string `json:"tenant,omitempty"`
	Message string `json:"message,omitempty"`
	// Why is a sentence; it names recipients by number, not by address.
	Why string `json:"why"`
}

// Sheet is what the check came to.
type Sheet struct {
	Total   Sum   `json:"total"`
	Tenants []Sum `json:"tenants"`
	// Differences are the first ones; Count is how many there are.
	Differences []Difference `json:"differences"`
	Count       int          `json:"count"`
}

// OK reports whether everything adds up.
func (s Sheet) OK() bool { return s.Count == 0 }

// mostDifferences bounds the list: a table that is gone has as many as there
// are messages.
const mostDifferences = 1000

func (s *Sheet) complain(tenant, message, why string) {
	s.Count++
	if len(s.Differences) < mostDifferences {
		s.Differences = append(s.Differences, Difference{tenant, message, why})
	}
}
