package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

func TestKeyFilesAreMadeOnceAndForTheirUserOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.key")
	source := Source{Text: "file:" + path}
	k, made, err := source.Load(context.Background())
	if err != nil || !made {
		t.Fatal(made, err)
	}
	again, made, err := source.Load(context.Background())
	if err != nil || made || again.Text() != k.Text() {
		t.Error(made, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	secret := k.identities[0].String()
	for name, text := range map[string]string{
		"nothing": "", "comments": "# x\n\n", "half a key": secret[:40], "a public key": k.identities[0].Recipient().String(),
		"half a rest": secret + "\n" + retiredWord + " 00 " + secret, "only a rest": retiredWord + " 0011223344556677 " + strings.Repeat("00", 32) + " x",
		"too many lines": strings.Repeat("\n", maxKeyLines+1),
	} {
		_, err := ParseKeys(text)
		if !errors.Is(err, ErrKeys) || strings.Contains(err.Error(), secret[15:30]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotatedKeysDeriveWhatTheyDidAndRetiredOnesToo(t *testing.T) {
	old := testKeys(t)
	rotated, err := old.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old.Derive("audit head")[0], rotated.Derive("audit head")[1]) ||
		bytes.Equal(old.Derive("audit head")[0], rotated.Derive("audit head")[0]) ||
		bytes.Equal(old.Derive("audit head")[0], old.Derive("other")[0]) {
		t.Error("derived keys do not follow the rotation")
	}
	rest, gone := rotated.Retire(func(string) bool { return false }, []string{"audit head"})
	if gone != 1 || len(rest.identities) != 1 || strings.Contains(rest.Text(), old.identities[0].String()) {
		t.Fatalf("%d gone", gone)
	}
	again, err := ParseKeys(rest.Text())
	if err != nil {
		t.Fatal(err)
	}
	if list := again.Derive("audit head"); len(list) != 2 || !bytes.Equal(list[1], old.Derive("audit head")[0]) {
		t.Error("what a retired key was for besides is lost")
	}
	if len(again.Derive("other")) != 1 {
		t.Error("a retired key derives what nobody asked for")
	}
	if kept, gone := rotated.Retire(func(id string) bool { return id == old.IDs()[0] }, nil); gone != 0 || len(kept.IDs()) != 2 {
		t.Error("a key that is needed was retired")
	}
}

func TestAWrappingOpensForItsRoleFileAndKeyOnly(t *testing.T) {
	ctx := context.Background()
	k := testKeys(t)
	ring := NewRing(k, nil)
	_, key := sealed(t, []byte("hello"))
	w, err := ring.Wrap(Reading, "file", key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Unwrap(ctx, Reading, "file", w); err != nil || !bytes.Equal(got, key) {
		t.Error(err)
	}
	for name, try := range map[string]func() error{
		"another role": func() error { _, err := ring.Unwrap(ctx, Emergency, "file", w); return err },
		"another file": func() error { _, err := ring.Unwrap(ctx, Reading, "other", w); return err },
		"a bit turned": func() error { _, err := ring.Unwrap(ctx, Reading, "file", w[:len(w)-2]+"AA"); return err },
		"nothing":      func() error { _, err := ring.Unwrap(ctx, Reading, "file", ""); return err },
	} {
		if err := try(); !errors.Is(err, ErrWrapped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewRing(testKeys(t), nil).Unwrap(ctx, Reading, "file", w); !errors.Is(err, ErrKeyMissing) {
		t.Errorf("another key: %v", err)
	}
	if id := w.KeyID(); id != k.IDs()[0] {
		t.Errorf("named %q", id)
	}
	rotated, _ := k.Rotate()
	ring.Replace(rotated)
	if got, err := ring.Unwrap(ctx, Reading, "file", w); err != nil || !bytes.Equal(got, key) {
		t.Error("after a rotation:", err)
	}
}

func TestAKeyOfARolesOwnIsNeededAndIsEnough(t *testing.T) {
	ctx := context.Background()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "reading.key")
	lock, err := NewLock(id.Recipient().String(), "file:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	k := testKeys(t)
	ring := NewRing(k, map[Role]Lock{Reading: lock})
	_, key := sealed(t, []byte("hello"))
	w, err := ring.Wrap(Reading, "file", key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Unwrap(ctx, Reading, "file", w); err == nil {
		t.Error("it was opened without the role's key")
	}
	if err := os.WriteFile(path, []byte(id.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Unwrap(ctx, Reading, "file", w); err != nil || !bytes.Equal(got, key) {
		t.Error(err)
	}
	if _, err := ring.Unwrap(ctx, Reading, "other", w); !errors.Is(err, ErrWrapped) {
		t.Error("moved to another row:", err)
	}
	brought, _ := ParseKeys(id.String())
	if got, err := UnwrapWith(brought, "file", w); err != nil || !bytes.Equal(got, key) {
		t.Error("with a key that was brought:", err)
	}
	if _, err := UnwrapWith(k, "file", w); !errors.Is(err, ErrKeyMissing) {
		t.Error("with a wrong key that was brought:", err)
	}
	away, _ := NewLock(id.Recipient().String(), "", "")
	if _, err := NewRing(k, map[Role]Lock{Reading: away}).Unwrap(ctx, Reading, "file", w); !errors.Is(err, ErrElsewhere) {
		t.Error(err)
	}
}

// program writes a shell script that a source can run.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kms")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return "command:" + path
}

func TestKeysComeFromFilesVariablesAndCommands(t *testing.T) {
	ctx := context.Background()
	k := testKeys(t)
	dir := t.TempDir()
	if err := k.Save(filepath.Join(dir, "a.key")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("POSTERN_TEST_KEY", k.Text())
	for _, s := range []Source{{"file:a.key", dir}, {"env:POSTERN_TEST_KEY", ""}, {program(t, "cat $1") + " " + dir + "/a.key", ""}} {
		got, err := s.Keys(ctx)
		if err != nil || got.Text() != k.Text() {
			t.Errorf("%s: %v", s.Text, err)
		}
	}
}

func TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid(t *testing.T) {
	secret := testKeys(t).identities[0].String()
	for name, text := range map[string]string{
		"fails":           "echo " + secret + "; echo " + secret + " >&2; exit 3",
		"says other":      "echo x" + secret,
		"endless":         "yes " + secret,
		"cannot be run":   "",
		"has no whole id": "echo " + secret[:30],
	} {
		source := Source{Text: program(t, text)}
		if text == "" {
			source.Text = "command:/no/such/" + "program"
		}
		_, err := source.Keys(context.Background())
		if err == nil || strings.Contains(err.Error(), secret[15:25]) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "endless" && !strings.Contains(err.Error(), "printed more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (Source{Text: program(t, "sleep 60")}).Keys(ctx); err == nil {
		t.Error("a command that never ends gave a key")
	}
	for _, text := range []string{"", "postern.key", "file:", "command:", "command:kms", "command:/a" + strings.Repeat(" b", maxKeyCommands), "url:x"} {
		if (Source{Text: text}).Check() == nil {
			t.Errorf("%q is taken", text)
		}
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, maxKeyText+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Source{Text: "file:" + big}).Keys(ctx); !errors.Is(err, ErrKeys) {
		t.Error(err)
	}
}

func FuzzParseKeys(f *testing.F) {
	k, _ := NewKeys()
	f.Add(k.Text())
	f.Add(retiredWord + " 0011223344556677 " + strings.Repeat("ab", 32) + " audit head\n" + k.identities[0].String())
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKeys(text)
		if err != nil {
			return
		}
		again, err := ParseKeys(k.Text())
		if err != nil || again.Text() != k.Text() {
			t.Fatalf("written anew it is another: %v", err)
		}
	})
}

func FuzzWrapped(f *testing.F) {
	k, _ := NewKeys()
	ring := NewRing(k, nil)
	key := FileKey(make([]byte, fileKeyLen))
	w, _ := ring.Wrap(Delivery, "file", key)
	f.Add(string(w))
	f.Add("p1.0011223344556677.YWdl")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ring.Unwrap(context.Background(), Delivery, "file", Wrapped(text))
		if err == nil && (text != string(w) || !bytes.Equal(got, key)) {
			t.Fatalf("%q opens", text)
		}
		if _, err := UnwrapWith(k, "file", Wrapped(text)); err == nil {
			t.Fatalf("%q opens with a key that was brought", text)
		}
	})
}
