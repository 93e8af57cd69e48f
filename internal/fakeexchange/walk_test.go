package fakeexchange

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"postern.dev/postern/internal/mailflow"
)

// TestWalks runs every file of testdata/walks: a set-up, one message, and what
// becomes of each recipient. The wanted lines were written by hand from
// exchange.md; they are never generated. The lines before the first file say:
//
//	why:     the section that the walk comes from
//	from:    reverse-path; header-from: when From differs
//	to:      recipients, separated by commas
//	via:     user (default) | internet IP | connector CERTIFICATE [IP]
//	class:   OOF, Calendaring …
//	switch:  Name=false (of Switches)
//	at:      date of the pass (2026-11-22)
//
// A line of "want" is: recipient, where it ends, and after ";" the X- header
// fields and the subject, as far as the walk names them in "look:".
func TestWalks(t *testing.T) {
	files, err := filepath.Glob("testdata/walks/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Errorf("%d walks, at least 60 are wanted", len(files))
	}
	base, err := os.ReadFile("testdata/base.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			w := readWalk(t, file)
			got := w.run(t, base)
			if got != w.parts["want"] {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", w.head["why"], got, w.parts["want"])
			}
		})
	}
}

type walk struct {
	head  map[string]string
	parts map[string]string
}

func readWalk(t *testing.T, file string) walk {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := walk{head: map[string]string{}, parts: map[string]string{}}
	for _, line := range strings.Split(strings.TrimSpace(string(a.Comment)), "\n") {
		key, v, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("%s: %q is not key: value", file, line)
		}
		w.head[key] = strings.TrimSpace(v)
	}
	for _, f := range a.Files {
		w.parts[f.Name] = string(f.Data)
	}
	if w.head["why"] == "" || w.head["from"] == "" || w.head["to"] == "" || w.parts["want"] == "" {
		t.Fatalf("%s: why, from, to and want are needed", file)
	}
	return w
}

// run is one pass of the rules.
func (w walk) run(t *testing.T, base []byte) string {
	t.Helper()
	var s mailflow.Setup
	if err := json.Unmarshal(base, &s); err != nil {
		t.Fatal(err)
	}
	if rules := w.parts["rules.json"]; rules != "" {
		if err := json.Unmarshal([]byte(rules), &s.TransportRules); err != nil {
			t.Fatal(err)
		}
	}
	if more := w.parts["setup.json"]; more != "" { // replaces whole lists of the base
		if err := json.Unmarshal([]byte(more), &s); err != nil {
			t.Fatal(err)
		}
	}
	sw := DefaultSwitches()
	for _, one := range strings.Fields(w.head["switch"]) {
		name, v, _ := strings.Cut(one, "=")
		text := fmt.Sprintf(`{%q:%s}`, name, v)
		if err := json.Unmarshal([]byte(text), &sw); err != nil {
			t.Fatal(err)
		}
	}
	x, err := New(Config{Setups: []mailflow.Setup{s}, Switches: &sw})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if at := w.head["at"]; at != "" {
		if now, err = time.Parse(time.DateOnly, at); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for _, m := range w.messages(t, x) {
		ends, _ := x.plan(m, now)
		for _, e := range ends {
			for _, to := range e.m.to {
				lines = append(lines, to.address+" "+e.where()+w.look(e))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// messages is what the tenant gets: one message, or nothing when it was not
// taken.
func (w walk) messages(t *testing.T, x *Exchange) []*message {
	t.Helper()
	from := strings.Trim(w.head["from"], "<>")
	author := w.head["header-from"]
	if author == "" {
		author = from
	}
	text := w.parts["message"]
	if text == "" {
		text = "Subject: Offer 12\n\nHello.\n"
	}
	raw := CRLF(text)
	if value(raw, "From") == "" && author != "none" {
		raw = prepend(raw, "From", "<"+author+">")
	}
	var to []string
	for _, a := range strings.Split(w.head["to"], ",") {
		to = append(to, strings.TrimSpace(a))
	}
	via := strings.Fields(w.head["via"] + " ")
	if len(via) == 0 || via[0] == "user" {
		m := x.submission(x.tenants[0], author, to, raw, Options{Class: Class(w.head["class"])}, time.Now())
		return []*message{m}
	}
	tx := &transaction{peer: peer{hello: "mx.test.example"}, from: from}
	switch via[0] {
	case "internet":
		tx.peer.ip = netip.MustParseAddr(via[1])
	case "connector":
		tx.peer.tls, tx.peer.names = true, []string{via[1]}
		tx.peer.ip = netip.MustParseAddr("203.0.113.10")
		if len(via) > 2 {
			tx.peer.ip = netip.MustParseAddr(via[2])
		}
	default:
		t.Fatalf("via %q", via[0])
	}
	for _, a := range to {
		if r := x.admit(tx, recipient{address: a, original: a}); !r.Ok() {
			t.Fatalf("%s: %s", a, r)
		}
	}
	return x.received(tx, raw)
}

// where is an end in words.
func (e end) where() string {
	switch e.how {
	case toConnector:
		return "by " + e.connector.Name
	case toSender:
		return "refused " + e.code
	case toModerator:
		return "asks " + strings.Join(e.approvers, ", ")
	case toMailbox:
		if e.m.scl >= 5 {
			return "junk"
		}
	}
	return string(e.how)
}

// look shows the fields that the walk names, and "rules" for what matched.
func (w walk) look(e end) string {
	var b strings.Builder
	for _, name := range strings.Fields(w.head["look"]) {
		switch name {
		case "rules":
			rules := strings.Join(e.rules, ",")
			if rules == "" {
				rules = "none"
			}
			fmt.Fprintf(&b, "; rules %s", rules)
		case "scl":
			fmt.Fprintf(&b, "; scl %d", e.m.scl)
		default:
			fmt.Fprintf(&b, "; %s=%s", name, strings.Join(values(e.m.raw, name), "|"))
		}
	}
	return b.String()
}
