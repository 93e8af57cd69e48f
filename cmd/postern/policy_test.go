package main

import (
	"testing"

	"postern.dev/postern/internal/policy"
)

func TestARuleThatAddsSomethingHasNotLost(t *testing.T) {
	for _, test := range []struct {
		name   string
		action policy.Action // of the verdict
		notify bool
		rule   policy.Action
		want   string
	}{
		{"a header on held mail", policy.HoldFor, false, policy.SetHeader, "adds its header"},
		{"a header on blocked mail", policy.Block, false, policy.SetHeader, ""},
		{"a copy", policy.Block, false, policy.Copy, "adds its copy"},
		{"a notice", policy.Block, true, policy.Notify, "adds its notice"},
		{"a notice that an automatic sender does not get", policy.Block, false, policy.Notify, ""},
		{"a weaker hold", policy.Block, false, policy.HoldFor, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := policy.RecipientVerdict{Action: test.action, Notify: test.notify}
			if got := addsTo(r, policy.Match{Action: test.rule}); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestNamesOfRoomsAreForThoseWhoReadTheCode(t *testing.T) {
	for in, want := range map[string]string{
		"app: no such tenant":            "no such tenant",
		"app: store: cannot open x: bad": "cannot open x: bad",
		"a.yaml:1:2: app: x":             "a.yaml:1:2: x",
		"--type: nothing":                "--type: nothing",
		"store":                          "store",
	} {
		if got := roomless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
