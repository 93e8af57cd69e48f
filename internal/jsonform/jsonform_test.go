package jsonform

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

type word string

type level uint8

func (l level) MarshalText() ([]byte, error) { return []byte(strings.Repeat("x", int(l))), nil }

type inner struct {
	Text  word      `json:"text"`
	Maybe *bool     `json:"maybe,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Level level     `json:"level"`
}

type outer struct {
	Name    string              `json:"name"`
	Short   string              `json:"short,omitempty"`
	Number  int                 `json:"number"`
	Small   uint16              `json:"small,omitempty"`
	Share   float64             `json:"share"`
	Truth   bool                `json:"truth,omitempty"`
	At      time.Time           `json:"at"`
	Life    time.Duration       `json:"life"`
	One     inner               `json:"one,omitzero"`
	Never   inner               `json:"never,omitempty"`
	Many    []inner             `json:"many"`
	Words   []string            `json:"words,omitempty"`
	Some    []word              `json:"some,omitzero"`
	Of      map[string]string   `json:"of"`
	Lists   map[string][]string `json:"lists,omitempty"`
	Numbers map[word]int        `json:"numbers,omitempty"`
	Raw     json.RawMessage     `json:"raw,omitempty"`
	Octets  []byte              `json:"octets"`
	Any     any                 `json:"any"`
	Hidden  string              `json:"-"`
	Plain   *string
	own     int
}

func FuzzWritesWhatEncodingJSONWrites(f *testing.F) {
	f.Add("plain", "<a@b.example> & \"c\" \\ \x00\x01\b\f\n\r\t\x1f\x7f", "\u2028 \u2029 \xff\xc3( é €", int64(1795456812533215611), uint8(0xff))
	f.Add("", "", "", int64(0), uint8(0))
	f.Add("x", "y", "z", int64(-7), uint8(0x35))
	form := Form[outer]{}
	f.Fuzz(func(t *testing.T, a, b, c string, n int64, bits uint8) {
		on := func(bit int) bool { return bits>>bit&1 == 1 }
		yes := on(0)
		v := outer{
			Name: a, Short: b, Number: int(n), Small: uint16(n), Share: float64(n) / 3, Truth: on(1),
			At: time.Unix(n>>20, n&0xfffff).UTC(), Life: time.Duration(n), Hidden: c, own: 1,
		}
		if on(2) {
			v.One = inner{Text: word(c), Maybe: &yes, At: time.Unix(0, n), Level: level(bits)}
			v.Any = []any{a, n, nil}
		}
		if on(3) {
			v.Many = []inner{{Text: word(b)}, {Text: word(c), Maybe: &yes}}
		}
		if on(4) {
			v.Words, v.Some, v.Of = []string{c, b, a}, []word{}, map[string]string{a: b, b: c, c: a}
		}
		if on(5) {
			v.Lists = map[string][]string{a: nil, b: {}, c: {a, b}}
			v.Numbers = map[word]int{word(a): 1}
		}
		if on(6) {
			v.Raw, v.Octets, v.Plain = json.RawMessage(a), []byte(b), &c
		}
		want, wrong := json.Marshal(v)
		got, err := form.Append([]byte("before"), &v)
		if (err != nil) != (wrong != nil) {
			t.Fatalf("%v, but encoding/json says %v", err, wrong)
		}
		if err == nil && !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Fatalf("\n%s\n%s", got, want)
		}
	})
}

func TestAMomentThatJSONCannotHoldIsAnError(t *testing.T) {
	form := Form[inner]{}
	for _, at := range []time.Time{
		time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("far", 24*60*60)),
	} {
		v := inner{At: at}
		_, wrong := json.Marshal(v)
		if text, err := form.Append(nil, &v); err == nil || wrong == nil {
			t.Errorf("%s: %v, encoding/json: %v", text, err, wrong)
		}
	}
}

func TestWhatItDoesNotKnowIsRefusedAtOnce(t *testing.T) {
	refused := func(what string, of func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s was taken", what)
			}
		}()
		of()
	}
	refused("an embedded field", func() { new(Form[embeds]).Append(nil, &embeds{}) })
	refused("a number in quotes", func() { new(Form[quotes]).Append(nil, &quotes{}) })
	refused("a type with a zero of its own", func() { new(Form[zeroes]).Append(nil, &zeroes{}) })
}

type (
	embeds struct{ inner }
	quotes struct {
		N int `json:"n,string"`
	}
	zeroes struct {
		N whole `json:"n,omitzero"`
	}
)

type whole int

func (w whole) IsZero() bool { return w == 1 }
