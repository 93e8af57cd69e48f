package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestWhatComesFromMailCannotCommandATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	p := &program{out: &out, errs: &errs}
	hostile := "a\x1b]0;title\x07b\u202ec\r\nd\x9be"
	p.table([]string{"subject", "to"}, [][]cell{{{hostile, alarm}, {"bob", plain}}, {{"", plain}, {"é", plain}}})
	p.say("%s", hostile)
	p.note("%s", hostile)
	for _, text := range []string{out.String(), errs.String()} {
		if i := strings.IndexAny(text, "\x1b\x07\r\u202e\u009b"); i >= 0 {
			t.Errorf("a control character at %d of %q", i, text)
		}
	}
}

func TestTablesAreAligned(t *testing.T) {
	var out bytes.Buffer
	p := &program{out: &out}
	p.table([]string{"id", "name"}, [][]cell{{{"ü", plain}, {"one", plain}}, {{"long id", plain}, {"", plain}}})
	want := "ID       NAME\nü        one\nlong id  -\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestColorsAreForTerminalsOnly(t *testing.T) {
	p := &program{out: &bytes.Buffer{}}
	if got := p.paint(alarm, "x"); got != "x" {
		t.Errorf("painted %q", got)
	}
}

func TestATimeOfThePastIsRead(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	for in, want := range map[string]string{
		"30d": "2026-10-23 12:00", "12h": "2026-11-22 00:00", "2026-11-01": "2026-11-01 00:00",
		"tomorrow": "", "-1d": "", "0d": "", "2027-01-01": "", "": "", "d": "",
	} {
		got, err := ago("--since", in, now)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is taken as %s", in, got)
		case want != "" && (err != nil || when(got) != want):
			t.Errorf("%q is %s (%v), want %s", in, when(got), err, want)
		}
	}
}

func TestAFileIsAMailWhenItBeginsWithAHeaderField(t *testing.T) {
	for text, want := range map[string]bool{
		"From: ann@contoso.example\r\n": true, "Received: by x\n": true, "X-A:b": true,
		"From ann@contoso.example Mon": false, "PK\x03\x04: a": false, "name,iban\n1:2": false, "": false, ":\n": false,
		"{\"a\": 1}": false, "two words: a": false,
	} {
		if got := isMail([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestJSONOfAMailCommandsNoTerminalAndMeansTheSame(t *testing.T) {
	for _, text := range []string{
		"plain", "Grüße", "a\u009b2Jb", "\x7f", "\x1b[2J", "x\u202efdp.exe", "\u2066y\u2069", "\u200b", "\U000E0001tag", "emoji 👍", "\xff", "",
	} {
		var out bytes.Buffer
		if err := json.NewEncoder(escaped{&out}).Encode(map[string]string{"subject": text}); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsGraphic(r) {
				t.Errorf("%q: %U is in %q", text, r, out.String())
			}
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["subject"] != strings.ToValidUTF8(text, "\uFFFD") {
			t.Errorf("%q came back as %q: %v", text, back["subject"], err)
		}
	}
}
