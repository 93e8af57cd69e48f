package main

import "testing"

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
