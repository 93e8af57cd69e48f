package detect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Exceptions are values that somebody called not sensitive, as they travel to
// the process that looks: hashes under a key of the tenant, never values.
type Exceptions struct {
	// Keys make the hashes: the current one first, then those before a
	// rotation.
	Keys [][]byte `json:"keys,omitempty"`
	// Values are the hashes.
	Values []ExceptedValue `json:"values,omitempty"`
	// Show adds the hash of every value to the findings, so that a person can
	// choose one.
	Show bool `json:"show,omitempty"`
}

// ExceptedValue is one of them; several exceptions may be of the same value.
type ExceptedValue struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

// Except counts values of a finding that stand on the same exceptions.
type Except struct {
	By    []string `json:"by"`
	Count int      `json:"count"`
	// Confidence is for totals.
	Confidence Confidence `json:"confidence,omitempty"`
}

// Shown is one value of a finding, for a person who wants to except it.
type Shown struct {
	Hash   string `json:"hash"`
	Sample string `json:"sample"`
	Place  string `json:"place,omitempty"`
}

// maxShown is how many values of a finding can be chosen from.
const maxShown = 50

// HashOf is the hash of a value of a type under a key: SHA-256 with the key
// (FIPS 198-1), cut to 128 bits.
func HashOf(key []byte, kind, value string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write([]byte(value))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// excepting finds out which values are excepted.
type excepting struct {
	keys  [][]byte
	ids   map[string][]string // by hash
	show  bool
	known map[string]map[uint64][]string // exceptions by type and value
}

func newExcepting(e Exceptions) *excepting {
	if len(e.Keys) == 0 || len(e.Values) == 0 && !e.Show {
		return nil
	}
	x := &excepting{keys: e.Keys, ids: map[string][]string{}, show: e.Show, known: map[string]map[uint64][]string{}}
	for _, v := range e.Values {
		x.ids[v.Hash] = append(x.ids[v.Hash], v.ID)
	}
	return x
}

// note works out once for each value whether it is excepted.
func (x *excepting) note(kind string, h uint64, value string) {
	if x == nil || len(x.ids) == 0 {
		return
	}
	of := x.known[kind]
	if of == nil {
		of = map[uint64][]string{}
		x.known[kind] = of
	}
	if _, done := of[h]; done || len(of) >= maxDistinct {
		return
	}
	var ids []string
	for _, key := range x.keys {
		ids = append(ids, x.ids[HashOf(key, kind, value)]...)
	}
	slices.Sort(ids)
	of[h] = slices.Compact(ids)
}

// among counts the excepted values among some, by their confidence.
func (x *excepting) among(kind string, values map[uint64]Confidence) (list []Except) {
	if x == nil || len(x.known[kind]) == 0 {
		return nil
	}
	for h, level := range values {
		ids := x.known[kind][h]
		if len(ids) == 0 {
			continue
		}
		i := slices.IndexFunc(list, func(e Except) bool { return e.Confidence == level && slices.Equal(e.By, ids) })
		if i < 0 {
			i, list = len(list), append(list, Except{By: ids, Confidence: level})
		}
		list[i].Count++
	}
	slices.SortFunc(list, func(a, b Except) int {
		if a.Confidence != b.Confidence {
			return int(b.Confidence) - int(a.Confidence)
		}
		return strings.Compare(strings.Join(a.By, " "), strings.Join(b.By, " "))
	})
	return list
}

// ofLevel are those of one confidence.
func ofLevel(list []Except, c Confidence) (some []Except) {
	for _, e := range list {
		if e.Confidence == c {
			some = append(some, e)
		}
	}
	return some
}

// shown is a value as a person may choose it.
func (x *excepting) shown(f Found) Shown {
	return Shown{Hash: HashOf(x.keys[0], f.Type, f.Value), Sample: Mask(f.Type, f.Value), Place: f.Place.String()}
}
