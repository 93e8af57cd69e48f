package detect

import (
	"hash/maphash"
	"sort"
)

// Tally counts different values, by part and over the whole message. It keeps
// hashes under a key of its own, never values.
type Tally struct {
	seed  maphash.Seed
	total map[string]map[uint64]Confidence
	body  map[string]map[uint64]Confidence // of the texts that are no attachments
	counting
	outer  []counting // the texts in which the current one lies
	except *excepting // nil for none
}

// counting is what is counted in one text.
type counting struct {
	part map[group]*counts
	from Source
}

type group struct{ kind, detector string }

// counts are the values of one type in one part.
type counts struct {
	best  map[uint64]Confidence
	first map[Confidence]Finding // sample, offset, evidence
	shown map[Confidence][]Shown
}

// maxDistinct bounds the memory of a message with millions of addresses:
// beyond it a count is "at least".
const maxDistinct = 200_000

// NewTally returns an empty count for one message.
func NewTally() *Tally {
	return &Tally{seed: maphash.MakeSeed()}
}

// Except lets the tally count excepted values apart.
func (t *Tally) Except(e Exceptions) { t.except = newExcepting(e) }

// Begin starts counting in another text.
func (t *Tally) Begin(s Source) {
	t.from = s
	t.part = nil
}

// Push keeps the counts of the current text while that of a file inside it
// is looked at.
func (t *Tally) Push() { t.outer = append(t.outer, t.counting) }

// Pop goes on with the text that was kept last.
func (t *Tally) Pop() {
	n := len(t.outer) - 1
	t.counting, t.outer = t.outer[n], t.outer[:n]
}

// Add counts a hit of the current text.
func (t *Tally) Add(f Found) {
	h := maphash.String(t.seed, f.Value)
	if t.total == nil {
		t.total, t.body = map[string]map[uint64]Confidence{}, map[string]map[uint64]Confidence{}
	}
	raise(t.total, f.Type, h, f.Confidence)
	t.except.note(f.Type, h, f.Value)
	if t.from.Kind == Body {
		raise(t.body, f.Type, h, f.Confidence)
	}
	g := group{f.Type, f.Detector}
	c := t.part[g]
	if c == nil {
		if t.part == nil {
			t.part = map[group]*counts{}
		}
		c = &counts{best: map[uint64]Confidence{}, first: map[Confidence]Finding{}}
		t.part[g] = c
	}
	old, known := c.best[h]
	if known && old >= f.Confidence || !known && len(c.best) >= maxDistinct {
		return
	}
	c.best[h] = f.Confidence
	if t.except != nil && t.except.show && len(c.shown[f.Confidence]) < maxShown {
		if c.shown == nil {
			c.shown = map[Confidence][]Shown{}
		}
		c.shown[f.Confidence] = append(c.shown[f.Confidence], t.except.shown(f))
	}
	if _, seen := c.first[f.Confidence]; !seen {
		c.first[f.Confidence] = Finding{
			Type: f.Type, Detector: f.Detector, Part: t.from.Part, Name: t.from.Name, Kind: t.from.Kind,
			Confidence: f.Confidence, Sample: Mask(f.Type, f.Value), Offset: f.From, Place: f.Place.String(),
			Why: f.Why,
		}
	}
}

func raise(all map[string]map[uint64]Confidence, kind string, h uint64, c Confidence) {
	m := all[kind]
	if m == nil {
		m = map[uint64]Confidence{}
		all[kind] = m
	}
	old, known := m[h]
	if old < c && (known || len(m) < maxDistinct) {
		m[h] = c
	}
}

// Findings are those of the current text so far.
func (t *Tally) Findings() []Finding {
	var list []Finding
	for g, c := range t.part {
		excepted := t.except.among(g.kind, c.best)
		n := map[Confidence]int{}
		for _, level := range c.best {
			n[level]++
		}
		for level, f := range c.first {
			if f.Count = n[level]; f.Count > 0 {
				f.Excepted, f.Values = ofLevel(excepted, level), c.shown[level]
				list = append(list, f)
			}
		}
	}
	Sort(list)
	return list
}

// Totals are those of the message so far.
func (t *Tally) Totals() []Total {
	var list []Total
	for kind, m := range t.total {
		total := Total{Type: kind}
		total.High, total.Medium, total.Low = levels(m)
		total.Excepted, total.BodyExcepted = t.except.among(kind, m), t.except.among(kind, t.body[kind])
		total.BodyHigh, total.BodyMedium, total.BodyLow = levels(t.body[kind])
		list = append(list, total)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Type < list[j].Type })
	return list
}

func levels(m map[uint64]Confidence) (high, medium, low int) {
	for _, level := range m {
		switch level {
		case High:
			high++
		case Medium:
			medium++
		default:
			low++
		}
	}
	return high, medium, low
}

// Sort puts findings in the order of a report: by type, then the surest
// first, then by detector and place.
func Sort(list []Finding) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.Type != b.Type:
			return a.Type < b.Type
		case a.Confidence != b.Confidence:
			return a.Confidence > b.Confidence
		case a.Detector != b.Detector:
			return a.Detector < b.Detector
		}
		return a.Offset < b.Offset
	})
}
