package task

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func TestOutcomesSurviveJSON(t *testing.T) {
	list := []Result{
		{"a@b.example", Done{Reply: mail.NewReply(250, "2.6.0", "queued"), Host: "mx"}},
		{"b@b.example", Later{When: start, Why: "greylisted", Reply: mail.NewReply(451, "4.7.1", "later")}},
		{"b@b.example", Later{Why: "no answer"}},
		{"c@b.example", Failed{Why: Expired}},
		{"d@b.example", Stuck{Problem: "P301", Host: "mx"}},
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var got []Result
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(list, got); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"outcome":"maybe"}`), &Result{}); err == nil {
		t.Error("an outcome that does not exist was read")
	}
	if _, err := json.Marshal(Result{}); err == nil {
		t.Error("no outcome at all was written")
	}
}

func TestSchedule(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s := Schedule{Steps: []time.Duration{time.Minute, time.Hour}}
	for attempt, want := range map[int]time.Duration{0: time.Minute, 1: time.Minute, 2: time.Hour, 3: time.Hour, 99: time.Hour} {
		different := map[time.Duration]bool{}
		for range 200 {
			d := s.Next(attempt, rnd)
			if d < want*8/10 || d > want*12/10 {
				t.Errorf("attempt %d: pause of %v", attempt, d)
			}
			different[d] = true
		}
		if len(different) < 100 {
			t.Errorf("attempt %d: only %d different pauses", attempt, len(different))
		}
	}
	a := Schedule{}.Next(4, rand.New(rand.NewPCG(1, 2)))
	b := Schedule{}.Next(4, rand.New(rand.NewPCG(1, 2)))
	if a != b || a < 48*time.Minute {
		t.Errorf("the same random numbers give %v and %v", a, b)
	}
}

func to(list ...string) (rs []mail.Recipient) {
	for _, a := range list {
		rs = append(rs, mail.Recipient{Address: mail.Address(a)})
	}
	return rs
}

func TestFollowUp(t *testing.T) {
	p := pauses{later: time.Minute, stuck: time.Hour, patience: 24 * time.Hour}
	now := start
	fresh := Task{ID: "t", Message: "m", Tenant: "x", Kind: Return, Recipients: to("a", "b"), GiveUpAt: now.Add(time.Hour)}
	stuck := fresh
	stuck.Stuck, stuck.GiveUpAt = "P301", now.Add(-time.Hour)
	late := fresh
	late.GiveUpAt = now
	soon := fresh
	soon.GiveUpAt = now.Add(10 * time.Second)
	ok := mail.NewReply(250, "2.0.0", "ok")
	no := mail.NewReply(550, "5.1.1", "no")
	wait := mail.NewReply(451, "4.3.0", "wait")
	type rest struct {
		To     string
		In     time.Duration
		Stuck  string
		GiveUp time.Duration
		Last   string
	}
	tests := []struct {
		name  string
		task  Task
		a, b  Outcome
		fates string
		rest  []rest
	}{
		{"all delivered: nothing is left", fresh, Done{Reply: ok}, Done{Reply: ok}, "a delivered b delivered ", nil},
		{"one delivered, one refused: nothing is left", fresh, Done{Reply: ok}, Failed{Reply: no}, "a delivered b failed ", nil},
		{"the others stay in the task", fresh, Done{Reply: ok}, Later{Reply: wait}, "a delivered ",
			[]rest{{"b", time.Minute, "", time.Hour, "451 4.3.0 wait"}}},
		{"the door may say when", fresh, Later{When: now.Add(time.Second)}, Later{When: now.Add(time.Minute)}, "",
			[]rest{{"ab", time.Second, "", time.Hour, ""}}},
		{"a time that has passed is no time", fresh, Later{When: now.Add(-time.Second)}, Done{}, "b delivered ",
			[]rest{{"a", time.Minute, "", time.Hour, ""}}},
		{"the last try is when the time is up", soon, Later{}, Later{}, "",
			[]rest{{"ab", 10 * time.Second, "", 10 * time.Second, ""}}},
		{"what is not delivered when the time is up has failed", late, Later{Reply: wait}, Done{}, "a failed b delivered ", nil},
		{"one who waits for a person gets a task alone", fresh, Later{Why: "busy"}, Stuck{Problem: "P301"}, "",
			[]rest{{"a", time.Minute, "", time.Hour, "busy"}, {"b", time.Hour, "P301", time.Hour, "P301"}}},
		{"waiting for a person never fails", stuck, Stuck{Problem: "P302"}, Stuck{Problem: "P302"}, "",
			[]rest{{"ab", time.Hour, "P302", -time.Hour, "P302"}}},
		{"after the person the time begins anew", stuck, Later{}, Done{}, "b delivered ",
			[]rest{{"a", time.Minute, "", 24 * time.Hour, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := followUp(tt.task, []Result{{"a", tt.a}, {"b", tt.b}}, now, p)
			fates := ""
			for _, r := range f.records {
				fates += string(r.Recipient) + " " + string(r.Fate) + " "
			}
			if fates != tt.fates {
				t.Errorf("fates %q, want %q", fates, tt.fates)
			}
			var got []rest
			for _, r := range f.rest {
				names := ""
				for _, a := range r.Recipients {
					names += string(a.Address)
				}
				got = append(got, rest{names, r.Due.Sub(now), string(r.Stuck), r.GiveUpAt.Sub(now), r.Last})
			}
			if diff := cmp.Diff(tt.rest, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNormal(t *testing.T) {
	task := Task{Recipients: to("a", "b", "c")}
	got := normal(task, []Result{{"b", Done{}}, {"z", Done{}}, {"b", Failed{}}, {"c", nil}})
	want := []string{"later", "done", "later"}
	for i, r := range got {
		name, _ := nameOf(r.Outcome)
		if name != want[i] || r.Recipient != task.Recipients[i].Address {
			t.Errorf("%d: %+v", i, r)
		}
	}
}
