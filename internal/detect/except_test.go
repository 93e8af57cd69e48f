package detect

import (
	"fmt"
	"slices"
	"testing"
)

func hit(value string, c Confidence) Found {
	return Found{Hit: Hit{Type: "IBAN", Detector: "iban", Value: value, Confidence: c}}
}

func TestExceptedValuesAreCountedApart(t *testing.T) {
	key := []byte("a key of the tenant")
	tally := NewTally()
	tally.Except(Exceptions{Keys: [][]byte{key}, Values: []ExceptedValue{
		{"x", HashOf(key, "IBAN", "a")}, {"y", HashOf(key, "IBAN", "a")}, {"z", HashOf(key, "PHONE", "b")},
	}})
	tally.Begin(Source{Part: "1", Kind: Body})
	for _, v := range []string{"a", "b", "a"} {
		tally.Add(hit(v, High))
	}
	f := tally.Findings()
	if len(f) != 1 || f[0].Count != 2 || len(f[0].Excepted) != 1 || f[0].Excepted[0].Count != 1 ||
		!slices.Equal(f[0].Excepted[0].By, []string{"x", "y"}) {
		t.Errorf("%+v", f)
	}
	tally.Begin(Source{Part: "2", Kind: Attachment})
	tally.Add(hit("a", Low))
	total := tally.Totals()[0]
	if total.High != 2 || len(total.Excepted) != 1 || total.Excepted[0].Confidence != High || len(total.BodyExcepted) != 1 {
		t.Errorf("%+v", total)
	}
}

func TestNoMoreValuesAreShownThanAPersonReads(t *testing.T) {
	tally := NewTally()
	tally.Except(Exceptions{Keys: [][]byte{[]byte("k")}, Show: true})
	tally.Begin(Source{Part: "1", Kind: Body})
	for i := range 2 * maxShown {
		tally.Add(hit(fmt.Sprintf("value %d of many", i), High))
	}
	f := tally.Findings()[0]
	if len(f.Values) != maxShown || f.Values[0].Hash != HashOf([]byte("k"), "IBAN", "value 0 of many") || f.Values[0].Sample == "value 0 of many" {
		t.Errorf("%d values, the first %+v", len(f.Values), f.Values[0])
	}
}
