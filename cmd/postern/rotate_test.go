package main

import "testing"

func TestAListIsReplacedAndNothingElse(t *testing.T) {
	values := []string{"file:./a", "file:./b"}
	for _, test := range []struct{ name, text, want string }{
		{"in brackets", "id: x\nsecret: [file:./a]\nmark: [m]\n", "id: x\nsecret: [file:./a, file:./b]\nmark: [m]\n"},
		{"with a comment", "secret: [a] # why\n", "secret: [file:./a, file:./b] # why\n"},
		{"with dashes", "secret:\n  - a\n  - b\nmark: [m]\n", "secret: [file:./a, file:./b]\nmark: [m]\n"},
		{"dashes at the margin", "secret:\n- a\nmark: [m]\n", "secret: [file:./a, file:./b]\nmark: [m]\n"},
		{"a single value", "secret: file:./a\n", "secret: [file:./a, file:./b]\n"},
		{"not inside of another key", "return:\n  secret: [x]\nsecret: [a]\n", "return:\n  secret: [x]\nsecret: [file:./a, file:./b]\n"},
		{"over several lines, which is not known", "secret: [\n  a\n]\n", ""},
		{"an alias, which is not known", "secret: *a\n", ""},
		{"only in the next document", "id: x\n---\nsecret: [a]\n", ""},
		{"not there", "id: x\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := replaceList(test.text, 1, "secret", values)
			if ok != (test.want != "") || ok && got != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", ok, got, test.want)
			}
		})
	}
}

func TestTheSecondDocumentOfAFileIsMeant(t *testing.T) {
	got, ok := replaceList("secret: [a]\n---\nsecret: [b]\n", 3, "secret", []string{"c"})
	if want := "secret: [a]\n---\nsecret: [c]\n"; !ok || got != want {
		t.Errorf("got %v %q", ok, got)
	}
}
