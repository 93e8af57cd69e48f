//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"postern.dev/postern/bench/load"
)

// scene is a small campaign made by hand.
type scene struct {
	p     *piece
	all   []*delivery
	kills []killed
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// came adds a delivery that began in a second and was answered half a second
// later.
func (s *scene) came(at int, arrival, from string, to ...string) *delivery {
	after := func(ms int) time.Time { return second(at).Add(time.Duration(ms) * time.Millisecond) }
	d := &delivery{From: from, To: to, Began: after(100), At: after(400), Done: after(500)}
	d.Raw = append([]byte("Received: from x\r\n\tby gw (Postern) with ESMTPS id "+arrival+"\r\n"), s.p.sent...)
	s.all = append(s.all, d)
	return d
}

func tried(at int, code int, whole bool) try {
	return try{began: second(at), ended: second(at + 1), whole: whole, reply: reply{Code: code}, broke: code == 0}
}

// TestTheLedgerOfKillsFindsWhatIsWrong makes each fault once: a ledger that
// finds nothing proves nothing otherwise.
func TestTheLedgerOfKillsFindsWhatIsWrong(t *testing.T) {
	text := []byte(marker + "1\r\nSubject: x\r\n\r\nHello\r\n")
	tests := []struct {
		name string
		to   []string
		make func(s *scene)
		want []fault
	}{
		{"a message that came once is in order", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			s.came(1, "a", s.p.sender(), toTake)
		}, nil},
		{"nothing came of what was answered 250", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
		}, []fault{lost}},
		{"one of two recipients has nothing", []string{toTake, toTakeToo}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			s.came(1, "a", s.p.sender(), toTake)
		}, []fault{half}},
		{"an octet is another", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			d := s.came(1, "a", s.p.sender(), toTake)
			d.Raw[len(d.Raw)-3] ^= 1
		}, []fault{damaged}},
		{"a field stands in front that is not documented", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			d := s.came(1, "a", s.p.sender(), toTake)
			d.Raw = append([]byte("X-Secret: 1\r\n"), d.Raw...)
		}, []fault{damaged}},
		{"a mark of copies stands on mail that is none", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			d := s.came(1, "a", s.p.sender(), toTake)
			d.Raw = append([]byte("X-Postern-Copy: ABCD-2345\r\n"), d.Raw...)
		}, []fault{damaged}},
		{"mail for a blocked recipient arrives", []string{toTake, toBlock}, func(s *scene) {
			s.p.tries = []try{tried(1, 250, true)}
			s.came(1, "a", s.p.sender(), toTake, toBlock)
		}, []fault{half, ghost}},
		{"the end was never sent, and it is there", []string{toTake}, func(s *scene) {
			s.p.tries, s.p.given, s.p.left = []try{tried(1, 0, false)}, false, true
			s.came(1, "a", s.p.sender(), toTake)
		}, []fault{ghost}},
		{"it is there, and the answer was 451", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 451, true), tried(3, 250, true)}
			s.came(1, "a", s.p.sender(), toTake)
		}, []fault{ghost}},
		{"it is there twice without a kill", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 0, true), tried(3, 250, true)}
			s.came(1, "a", s.p.sender(), toTake)
			s.came(3, "b", s.p.sender(), toTake)
		}, []fault{twice}},
		{"it is there twice with a kill of a child only", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 0, true), tried(3, 250, true)}
			s.kills = []killed{{step: "a child", at: second(2), lives: true}}
			s.came(1, "a", s.p.sender(), toTake)
			s.came(3, "b", s.p.sender(), toTake)
		}, []fault{twice}},
		{"a kill excuses one repeat", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 0, true), tried(3, 0, true), tried(5, 250, true)}
			s.kills = []killed{{step: "x", at: second(2)}}
			s.came(1, "a", s.p.sender(), toTake)
			s.came(3, "b", s.p.sender(), toTake)
			s.came(5, "c", s.p.sender(), toTake)
		}, []fault{allowed, twice}},
		{"a broken connection to the next hop excuses one repeat", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 451, true), tried(3, 250, true)}
			s.came(1, "a", s.p.sender(), toTake).Broke = true
			s.came(3, "b", s.p.sender(), toTake)
		}, []fault{allowed}},
		{"a held message was taken twice, and the kill is no excuse", []string{toRelease, toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 0, true), tried(3, 250, true)}
			s.kills = []killed{{step: "x", at: second(2)}}
			s.came(1, "a", s.p.sender(), toTake, toRelease)
			s.came(3, "b", s.p.sender(), toTake, toRelease)
			note := s.came(4, "", "", s.p.sender())
			note.Raw = []byte("From: postern\r\nSubject: Waiting for approval: x\r\n\r\nref: ABCD-EFGH\r\n")
		}, []fault{allowed, allowed, twice, twice}},
		{"an answer that nobody expects", []string{toTake}, func(s *scene) {
			s.p.tries = []try{tried(1, 554, true)}
			s.came(1, "a", s.p.sender(), toTake)
		}, []fault{oddAnswer}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &scene{p: &piece{token: "0123456789ab", to: test.to, sent: text, sum: sha256.Sum256(text), given: true}}
			test.make(s)
			l := &ledger{kills: s.kills}
			l.close([]*piece{s.p}, s.all)
			var got []fault
			for _, e := range l.lines {
				got = append(got, e.what)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(test.want))
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v: %+v", got, want, l.lines)
			}
		})
	}
}

func TestTheLedgerOfKillsReadsTheChain(t *testing.T) {
	done := `{"results":[{"recipient":"take@fabrikam.example","outcome":"done"}]}`
	later := `{"results":[{"recipient":"take@fabrikam.example","outcome":"later"}]}`
	event := func(personal string) attempt {
		a := attempt{Kind: "attempted", Message: "m", Personal: personal}
		a.Public.Task = "return"
		return a
	}
	for _, test := range []struct {
		name  string
		chain []attempt
		want  int
	}{
		{"tried again until it went", []attempt{event(later), event(done)}, 0},
		{"sent again after it was recorded", []attempt{event(done), event(done)}, 1},
		{"tried again after it was recorded", []attempt{event(done), event(later)}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &ledger{}
			if l.recorded(test.chain); len(l.lines) != test.want {
				t.Errorf("%d lines, want %d", len(l.lines), test.want)
			}
		})
	}
}

func TestTheLogsOfKillsAreThoseOfBenchLoad(t *testing.T) {
	text := []byte(marker + "1\r\nSubject: x\r\n\r\nHello\r\n")
	s := &scene{p: &piece{token: "0123456789ab", to: []string{toTake}, sent: text, sum: sha256.Sum256(text)}}
	s.p.tries = []try{tried(1, 0, true), tried(3, 250, true)}
	s.came(3, "a", s.p.sender(), toTake)
	c := &campaign{pieces: []*piece{s.p}, g: &gateway{sink: &sink{all: s.all}}}
	sent, got := c.sent(), c.got()
	if len(sent) != 2 || !sent[0].Unknown() || !sent[1].Taken() {
		t.Errorf("sent: %+v", sent)
	}
	if len(got) != 1 || !got[0].Taken() || got[0].Sum != sent[0].Sum || got[0].ID != sent[0].ID {
		t.Errorf("got: %+v", got)
	}
	var b bytes.Buffer
	log := load.NewLog(&b)
	log.Put(got[0])
	if back, err := load.ReadGot(&b); err != nil || len(back) != 1 || back[0].Sum != got[0].Sum {
		t.Errorf("read back: %v %v", back, err)
	}
}
