package books

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/bench/load"
)

func at(second int) time.Time { return time.Date(2026, 11, 23, 9, 0, second, 0, time.UTC) }

func id(n int) string { return fmt.Sprintf("<r.%d@load.example>", n) }

func sum(n int) string { return fmt.Sprintf("%064d", n) }

func sent(n int, phase load.Phase, reply string, to ...string) load.Sent {
	return load.Sent{ID: id(n), N: n, Sum: sum(n), From: "a@contoso.example", To: to, Phase: phase, Reply: reply, At: at(n % 60)}
}

func got(n, second int, to ...string) load.Got {
	return load.Got{ID: id(n), N: n, Sum: sum(n), From: "a@contoso.example", To: to, Reply: "250 2.0.0 Ok", At: at(second)}
}

func record(n int, delivery string, to ...string) Record {
	r := Record{ID: fmt.Sprintf("m%d", n), MessageID: id(n), Way: "custody"}
	for _, a := range to {
		r.Recipients = append(r.Recipients, struct {
			Address  string `json:"address"`
			Verdict  string `json:"verdict"`
			Delivery string `json:"delivery"`
		}{a, "deliver", delivery})
	}
	return r
}

func report(n int, to ...string) load.Got {
	return load.Got{
		ID: "<report@gateway.example>", Sum: sum(0), To: []string{"a@contoso.example"}, Reply: "250 2.0.0 Ok",
		About: &load.About{ID: id(n), To: to, Action: "failed"}, At: at(1),
	}
}

const ok, b, c = "250 2.6.0 Ok", "b@fabrikam.example", "c@fabrikam.example"

func broke(g load.Got) load.Got { g.Broke, g.Reply = true, ""; return g }

func other(g load.Got) load.Got { g.Sum = sum(999); return g }

func TestEachClassIsFound(t *testing.T) {
	dot := load.PhaseDot
	tests := []struct {
		name string
		in   Input
		want string // class and recipient of the findings
		more func(Report) bool
	}{
		{"taken and delivered", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b)}}, "",
			func(r Report) bool { return r.Taken == 1 && r.Delivered == 1 }},
		{"taken and delivered in two transactions, each to one",
			Input{Sent: []load.Sent{sent(1, dot, ok, b, c)}, Got: []load.Got{got(1, 1, b), got(1, 1, c)}}, "", nil},
		{"an address in other letters is the same",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, "B@Fabrikam.Example")}}, "", nil},
		{"taken and nowhere", Input{Sent: []load.Sent{sent(1, dot, ok, b)}}, "lost ", nil},
		{"taken and only begun at the next hop",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{{ID: id(1), N: 1, To: []string{b}, Broke: true}}}, "lost ", nil},
		{"taken and refused by the next hop without a report",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{func() load.Got { g := got(1, 1, b); g.Reply = "550 5.1.1 no"; return g }()}},
			"lost ", nil},
		{"taken and held", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Records: []Record{record(1, "held", b)}, Held: []Held{{"m1", b}}}, "",
			func(r Report) bool { return r.Held == 1 }},
		{"taken and in the queue",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Records: []Record{record(1, "waiting", b)}, Queue: []Task{{"m1", "return", []string{b}}}}, "",
			func(r Report) bool { return r.Waiting == 1 }},
		{"a copy in the queue is no place for a recipient",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Records: []Record{record(1, "waiting", b)}, Queue: []Task{{"m1", "copy", []string{b}}}},
			"lost ", nil},
		{"taken and reported", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{report(1, b)}}, "",
			func(r Report) bool { return r.Reported == 1 }},
		{"reported for another recipient", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{report(1, c)}}, "lost ", nil},
		{"one of two delivered", Input{Sent: []load.Sent{sent(1, dot, ok, b, c)}, Got: []load.Got{got(1, 1, b)}}, "half " + c, nil},
		{"one of two refused at RCPT",
			Input{Sent: []load.Sent{func() load.Sent {
				s := sent(1, dot, ok, b, c)
				s.Refused = []load.Refusal{{To: c, Reply: "550 5.7.1 no"}}
				return s
			}()}, Got: []load.Got{got(1, 1, b)}}, "", nil},
		{"one of two delivered, one reported",
			Input{Sent: []load.Sent{sent(1, dot, ok, b, c)}, Got: []load.Got{got(1, 1, b), report(1, c)}}, "", nil},
		{"other octets", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{other(got(1, 1, b))}}, "damaged ", nil},
		{"other octets, and the record says so",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{other(got(1, 1, b))},
				Records: []Record{func() Record { r := record(1, "delivered", b); r.Modified = []string{"header X"}; return r }()}}, "",
			func(r Report) bool { return r.Modified == 1 }},
		{"refused with 550 and delivered",
			Input{Sent: []load.Sent{sent(1, dot, "550 5.7.1 no", b)}, Got: []load.Got{got(1, 1, b)}}, "ghost " + b, nil},
		{"deferred with 451 and delivered",
			Input{Sent: []load.Sent{sent(1, dot, "451 4.3.0 later", b)}, Got: []load.Got{got(1, 1, b)}}, "ghost " + b, nil},
		{"deferred with 451, and the next hop hung up after the end",
			Input{Sent: []load.Sent{sent(1, dot, "451 4.3.0 later", b)}, Got: []load.Got{broke(got(1, 1, b))}}, "", nil},
		{"deferred, taken at the second try",
			Input{Sent: []load.Sent{sent(1, dot, "451 4.3.0 later", b), sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b)}}, "",
			func(r Report) bool { return r.Messages == 1 && r.Taken == 1 }},
		{"never ended and delivered",
			Input{Sent: []load.Sent{sent(1, load.PhaseData, "", b)}, Got: []load.Got{got(1, 1, b)}}, "ghost " + b, nil},
		{"ended without an answer and delivered",
			Input{Sent: []load.Sent{sent(1, dot, "", b)}, Got: []load.Got{got(1, 1, b)}}, "", func(r Report) bool { return r.Open == 1 }},
		{"ended without an answer and nowhere", Input{Sent: []load.Sent{sent(1, dot, "", b)}}, "", nil},
		{"delivered to somebody who was not asked for",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 1, c)}}, "ghost " + c, nil},
		{"a copy that a policy sends",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 1, c)}, Copies: []string{c}}, "", nil},
		{"never sent", Input{Got: []load.Got{got(1, 1, b)}}, "ghost ", nil},
		{"twice", Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 2, b)}}, "duplicate " + b, nil},
		{"twice, after the connection broke before the answer",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{broke(got(1, 1, b)), got(1, 2, b)}}, "",
			func(r Report) bool { return r.Excused == 1 }},
		{"twice, with a crash between",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 9, b)}, Crashes: []time.Time{at(2)}}, "",
			func(r Report) bool { return r.Excused == 1 }},
		{"three times, with one crash",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 3, b), got(1, 4, b)}, Crashes: []time.Time{at(2)}},
			"duplicate " + b, nil},
		{"twice, with a crash long after",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 50, b)}, Crashes: []time.Time{at(40)}},
			"duplicate " + b, nil},
		{"twice, because the client had no answer and came again",
			Input{Sent: []load.Sent{sent(1, dot, "", b), sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b), got(1, 2, b)}}, "duplicate " + b, nil},
		{"taken without a record",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b)}, Records: []Record{}}, "unrecorded ", nil},
		{"recorded as delivered, and nowhere",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Records: []Record{record(1, "delivered", b)}}, "lost |misrecorded " + b, nil},
		{"recorded as held, and delivered",
			Input{Sent: []load.Sent{sent(1, dot, ok, b)}, Got: []load.Got{got(1, 1, b)}, Records: []Record{record(1, "held", b)}},
			"misrecorded " + b, nil},
		{"a null sender is told nothing",
			Input{Sent: []load.Sent{func() load.Sent { s := sent(1, dot, ok, b); s.From = ""; return s }()}, Records: []Record{record(1, "failed", b)}},
			"", func(r Report) bool { return r.Silent == 1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Balance(tt.in)
			var list []string
			for _, f := range r.Findings {
				list = append(list, string(f.Class)+" "+f.Recipient)
			}
			if text := strings.Join(list, "|"); text != tt.want {
				t.Errorf("found %q, want %q: %+v", text, tt.want, r.Findings)
			}
			if tt.more != nil && !tt.more(r) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// world is a load in which everything is right.
func world(messages int) Input {
	in := Input{Records: []Record{}}
	for n := 1; n <= messages; n++ {
		line := sent(n, load.PhaseDot, ok, b, c)
		switch n % 8 {
		case 0: // refused
			line.Reply = "550 5.7.1 no"
			in.Sent = append(in.Sent, line)
			continue
		case 1: // held
			in.Records = append(in.Records, record(n, "held", b, c))
			in.Held = append(in.Held, Held{fmt.Sprintf("m%d", n), b}, Held{fmt.Sprintf("m%d", n), c})
		case 2: // waits to leave
			in.Records = append(in.Records, record(n, "waiting", b, c))
			in.Queue = append(in.Queue, Task{fmt.Sprintf("m%d", n), "return", []string{b, c}})
		case 3: // reported
			in.Records = append(in.Records, record(n, "refused", b, c))
			in.Got = append(in.Got, report(n, b, c))
		case 4: // split
			in.Records = append(in.Records, record(n, "delivered", b, c))
			in.Got = append(in.Got, got(n, 1, b), got(n, 2, c))
		default:
			in.Records = append(in.Records, record(n, "delivered", b, c))
			in.Got = append(in.Got, got(n, 1, b, c))
		}
		in.Sent = append(in.Sent, line)
	}
	return in
}

// TestAHundredRemovedOrChangedRecordsAreFound changes one line of a load in
// which everything is right, a hundred times, and wants that message named.
func TestAHundredRemovedOrChangedRecordsAreFound(t *testing.T) {
	whole := world(400)
	if r := Balance(whole); !r.OK() || r.Taken != 350 || r.Refused != 50 {
		t.Fatalf("%+v", r)
	}
	dice := rand.New(rand.NewPCG(7, 7))
	byMessage := func(m string) string { return "<r." + strings.TrimPrefix(m, "m") + "@load.example>" }
	changes := []func(in *Input) string{
		func(in *Input) string { return remove(dice, &in.Got, gotID) },
		func(in *Input) string {
			return remove(dice, &in.Held, func(h Held) string { return byMessage(h.Message) })
		},
		func(in *Input) string {
			return remove(dice, &in.Queue, func(q Task) string { return byMessage(q.Message) })
		},
		func(in *Input) string { return remove(dice, &in.Records, func(r Record) string { return r.MessageID }) },
		func(in *Input) string { // the source never sent it: only with what arrived
			for {
				i := dice.IntN(len(in.Sent))
				if s := in.Sent[i]; slices.ContainsFunc(in.Got, func(g load.Got) bool { return g.ID == s.ID }) {
					in.Sent = slices.Delete(slices.Clone(in.Sent), i, i+1)
					return s.ID
				}
			}
		},
		func(in *Input) string { // an octet is other
			return change(dice, &in.Got, gotID, func(g *load.Got) bool { g.Sum = sum(123456); return g.N > 0 })
		},
		func(in *Input) string { // one recipient less at the next hop
			return change(dice, &in.Got, gotID, func(g *load.Got) bool { g.To = g.To[1:]; return g.N > 0 })
		},
		func(in *Input) string { // it came twice
			in.Got = slices.Clone(in.Got)
			for {
				if g := in.Got[dice.IntN(len(in.Got))]; g.N > 0 {
					in.Got = append(in.Got, g)
					return g.ID
				}
			}
		},
		func(in *Input) string { // the client was told something else
			return change(dice, &in.Sent, func(s load.Sent) string { return s.ID }, func(s *load.Sent) bool {
				was := s.Reply
				s.Reply = "451 4.3.0 later"
				return was == ok && s.N%8 > 3
			})
		},
		func(in *Input) string { // the client was told 250 of what was refused
			return change(dice, &in.Sent, func(s load.Sent) string { return s.ID }, func(s *load.Sent) bool {
				was := s.Reply
				s.Reply = ok
				return was != ok
			})
		},
	}
	for i := range 100 {
		in := whole
		want := changes[i%len(changes)](&in)
		r := Balance(in)
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.ID == want }) {
			t.Errorf("change %d of %s was not found: %+v", i, want, r.Findings)
		}
		for _, f := range r.Findings {
			if f.ID != want {
				t.Errorf("change %d of %s: %s was named", i, want, f.ID)
			}
		}
	}
}

func gotID(g load.Got) string {
	if g.About != nil {
		return g.About.ID
	}
	return g.ID
}

func remove[T any](dice *rand.Rand, list *[]T, id func(T) string) string {
	i := dice.IntN(len(*list))
	name := id((*list)[i])
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return name
}

func change[T any](dice *rand.Rand, list *[]T, id func(T) string, fn func(*T) bool) string {
	*list = slices.Clone(*list)
	for {
		i := dice.IntN(len(*list))
		if v := (*list)[i]; fn(&v) {
			(*list)[i] = v
			return id(v)
		}
	}
}

func TestLinesAreReadAsTheVerbsWriteThem(t *testing.T) {
	records, err := load.ReadLines[Record](strings.NewReader(`{"id":"01","tenant":"contoso","message_id":"<r.1@load.example>","way":"cut-through",` +
		`"from":"a@contoso.example","received":"2026-11-23T09:00:00Z","recipients":[{"address":"b@fabrikam.example","verdict":"deliver",` +
		`"delivery":"delivered","at":"2026-11-23T09:00:00Z"}]}` + "\n"))
	if err != nil || len(records) != 1 || records[0].Recipients[0].Delivery != "delivered" {
		t.Errorf("%+v, %v", records, err)
	}
	if _, err := load.ReadLines[Held](strings.NewReader("{\"message\":\"01\"}\n{")); err == nil {
		t.Error("a line that was cut off was taken")
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, at(3).Format(time.RFC3339Nano))
	if list, err := ReadCrashes(&text); err != nil || len(list) != 1 || !list[0].Equal(at(3)) {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := ReadCrashes(strings.NewReader("noon")); err == nil {
		t.Error("noon was taken as a time")
	}
	if text, err := json.Marshal(Balance(Input{})); err != nil || !strings.Contains(string(text), `"findings":[]`) {
		t.Errorf("%s, %v", text, err)
	}
}
