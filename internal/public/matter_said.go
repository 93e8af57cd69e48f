package public

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/visible"
)

// found is a finding on the page: what and how many, the place, and a masked
// sample.
type found struct {
	What, In      string // and its language
	Where, Sample []run
}

// mostFound is how many findings a page shows.
const mostFound = 20

// Found is what was found.
func (m *matter) Found() (list []found) {
	for _, f := range m.record.Findings[:min(len(m.record.Findings), mostFound)] {
		where := f.Name
		if f.Place != "" {
			where = strings.TrimPrefix(where+", "+f.Place, ", ")
		}
		what, ok := policy.WordsIn(m.v.speech.name, visible.Flat(f.Type, longName), f.Count)
		in := "en"
		if ok {
			in = m.v.speech.name
		}
		list = append(list, found{
			What: what, In: in, Where: m.v.text(where, longName), Sample: m.v.text(f.Sample, longName),
		})
	}
	return list
}

// Reason is what the sender gave; "" for none.
func (m *matter) Reason() []run {
	r := m.one().Reason
	if r == nil {
		return nil
	}
	return m.v.text(strings.Trim(r.Choice+": "+r.Text, ": "), longText)
}

// said is one utterance: a vote, a question, an answer.
type said struct {
	at   time.Time
	Head string
	Text []run
}

// Talk is what was said so far, in its order.
func (m *matter) Talk() (list []said) {
	say, zone := m.v.speech.say, m.v.tenant.Zone
	h := m.one()
	for _, x := range h.Votes {
		word := "said_no"
		if x.Approve {
			word = "said_yes"
		}
		list = append(list, said{
			x.At, say(word, "who", m.v.name(x.By, x.Means), "at", m.v.speech.moment(x.At, zone)), m.v.text(x.Comment, longText),
		})
	}
	for _, q := range h.Questions {
		list = append(list, said{
			q.At, say("said_asked", "who", m.v.name(q.By, ""), "at", m.v.speech.moment(q.At, zone)), m.v.text(q.Text, longText),
		})
		if q.Answer != "" {
			list = append(list, said{q.Answered, say("said_answered", "at", m.v.speech.moment(q.Answered, zone)), m.v.text(q.Answer, longText)})
		}
	}
	slices.SortStableFunc(list, func(a, b said) int { return a.at.Compare(b.at) })
	return list
}

// Asked is the question that waits for an answer of the sender's.
func (m *matter) Asked() []run {
	for _, h := range m.holds {
		if h.May(m.v.who, quarantine.Answer) == nil {
			return m.v.text(h.Questions[len(h.Questions)-1].Text, longText)
		}
	}
	return nil
}

// Views are the looks into the mail, for its sender.
func (m *matter) Views() (list []string) {
	if !m.Sender {
		return nil
	}
	for _, x := range m.looks {
		key := "looked_redacted"
		switch {
		case x.Emergency:
			key = "looked_emergency"
		case x.Whole:
			key = "looked_whole"
		}
		list = append(list, m.v.speech.say(key, "who", m.v.name(x.By, ""), "at", m.v.speech.moment(x.At, m.v.tenant.Zone)))
	}
	return list
}
