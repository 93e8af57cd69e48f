package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/pack"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/mutation"
	"postern.dev/postern/internal/tenant"
)

// fromPacks writes packs into a folder and loads it as apply does.
func fromPacks(t *testing.T, c pack.Choice, list ...pack.Pack) *inForce {
	t.Helper()
	dir := t.TempDir()
	for _, p := range list {
		made, err := p.Write(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range made {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := readFiles([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	r := tenant.NewRegistry(tenant.NewPublished())
	r.Offline = true
	state, err := build(r, f)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// green runs the tests of a state.
func green(t *testing.T, s *inForce, l *look.Looker) {
	t.Helper()
	r, err := s.run(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Cases {
		if !c.Pass {
			t.Errorf("%s %s: expected %s, got %s: %s %v", c.Policy, c.Mail, c.Want, c.Got, c.Because, c.Why)
		}
	}
}

// noticed is the least share of mutants, in percent, that the tests of a pack
// notice.
const noticed = 84

func TestEveryPackPassesItsTestsAndTheyNoticeChanges(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	defer l.Close()
	for _, p := range pack.All() {
		t.Run(p.ID, func(t *testing.T) {
			s := fromPacks(t, pack.Choice{Mode: policy.ModeEnforce}, p)
			green(t, s, l)
			if t.Failed() {
				return
			}
			if names := s.set.Undefined(); len(names) > 0 {
				t.Error("lists without a definition:", names)
			}
			cases, err := s.examine(context.Background(), l)
			if err != nil {
				t.Fatal(err)
			}
			expected := map[string]bool{}
			for _, c := range cases {
				expected[c.Case.Policy+" "+c.Case.Expect] = true
				for _, a := range c.Case.Recipients {
					expected[c.Case.Policy+" "+a] = true
				}
			}
			for _, r := range s.set.Rules() {
				if strong := r.Steps[0].Action; !expected[r.ID+" "+string(strong)] || !expected[r.ID+" deliver"] && !expected[" deliver"] {
					t.Errorf("%s is not tested both ways", r.ID)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			m, err := mutation.Run(ctx, s.set, cases, s.gatesOf)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range m.Missed {
				t.Logf("not noticed: %s %s: %s", x.Policy, x.Kind, x.Change)
			}
			t.Logf("%d of %d changes are noticed (%d %%)", m.Noticed, m.Noticed+len(m.Missed), m.Score)
			if m.Score < noticed {
				t.Errorf("only %d %% of the changes are noticed", m.Score)
			}
		})
	}
}

func TestAllPacksStandSideBySideWhileTheyWatch(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	defer l.Close()
	for _, m := range []policy.Mode{policy.ModeLog, policy.ModeNotify, policy.ModeOverride} {
		s := fromPacks(t, pack.Choice{Mode: m}, pack.All()...)
		if m == policy.ModeLog {
			green(t, s, l)
		}
	}
}

// TestSettingsOfPacksFillPoliciesAndTests writes each pack with other numbers;
// its tests follow.
func TestSettingsOfPacksFillPoliciesAndTests(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	defer l.Close()
	for _, p := range pack.All() {
		if len(p.Settings) == 0 {
			continue
		}
		values := map[string]string{}
		for _, s := range p.Settings {
			switch {
			case len(s.Words) > 0:
				values[s.Name] = s.Words[len(s.Words)-1]
			case strings.Trim(s.Value, "0123456789") == "":
				values[s.Name] = "7"
			}
		}
		green(t, fromPacks(t, pack.Choice{Mode: policy.ModeEnforce, Values: values}, p), l)
	}
}
