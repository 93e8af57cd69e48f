package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/contact"
	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/policy/explain"
	"postern.dev/postern/internal/policy/mutation"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// test runs the policies' own tests.
func (s *inForce) test(ctx context.Context, l gateway.Looker) error {
	r, err := s.run(ctx, l)
	if err != nil {
		return err
	}
	if r.Red() > 0 {
		return &RedError{r}
	}
	return nil
}

// run runs the tests of the policies and of the archives beside them. Of a
// red test it says what the policy failed at.
func (s *inForce) run(ctx context.Context, l gateway.Looker) (r policy.Result, err error) {
	looked, err := s.examine(ctx, l)
	if err != nil {
		return r, err
	}
	for _, e := range looked {
		gates := s.gatesOf(e.Facts.Tenant)
		c := e.Judge(s.set, gates)
		if !c.Pass && e.Err == nil {
			c.Why = s.whyRed(e, gates)
		}
		r.Cases = append(r.Cases, c)
	}
	return r, nil
}

// examine looks at the messages of all tests.
func (s *inForce) examine(ctx context.Context, l gateway.Looker) ([]policy.Examined, error) {
	archives, err := s.archives()
	if err != nil {
		return nil, err
	}
	return policy.Examine(s.set, os.DirFS("/"), factsOf(ctx, l, s), archives...), nil
}

func (s *inForce) gatesOf(id string) policy.Gates {
	if t := s.tenants.Find(id); t != nil {
		return t.Gates
	}
	return firstTenant(s.tenants, s.set).Gates
}

// Mutants says how good the tests are: it changes the policies one place at a
// time and judges the messages of the tests again.
func (b *Bench) Mutants(ctx context.Context, budget time.Duration) (mutation.Result, error) {
	cases, err := b.state.examine(ctx, b.looker)
	if err != nil {
		return mutation.Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	r, err := mutation.Run(ctx, b.state.set, cases, b.state.gatesOf)
	for i := range r.Missed {
		r.Missed[i].Place = "/" + strings.TrimPrefix(r.Missed[i].Place, "/")
	}
	return r, err
}

// archives reads the tests in *.txtar beside the policy files, and in folders
// called cases beside them.
func (s *inForce) archives() (cases []policy.Case, err error) {
	folders := map[string]bool{}
	for path := range s.files {
		folders[filepath.Dir(path)] = true
		folders[filepath.Join(filepath.Dir(path), "cases")] = true
	}
	var bad []error
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		names, err := filepath.Glob(filepath.Join(escapeGlob(folder), "*.txtar"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil {
				var list []policy.Case
				list, err = policy.ReadArchive(strings.TrimPrefix(name, "/"), text)
				cases = append(cases, list...)
			}
			if err != nil {
				bad = append(bad, rooted(err))
			}
		}
	}
	return cases, errors.Join(bad...)
}

// escapeGlob makes a path a pattern that matches only itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// whyRed says what decided instead of what was expected.
func (s *inForce) whyRed(e policy.Examined, gates policy.Gates) (why []string) {
	set, err := e.By(s.set)
	if err != nil {
		return nil
	}
	x := explain.New(explain.Case{Set: set, Facts: e.Facts, Gates: gates, Root: "/"})
	asked, _ := x.Asked("")
	ids := slices.Clone(e.Case.Rules)
	if e.Case.Policy != "" && !slices.Contains(ids, e.Case.Policy) {
		ids = append(ids, e.Case.Policy)
	}
	for _, i := range asked[:min(len(asked), 3)] {
		v := x.Verdict.Recipients[i]
		if len(v.Won) > 0 {
			why = append(why, fmt.Sprintf("%s: %s by %s at /%s", v.Address, v.Action, v.Won[0].Rule, v.Won[0].Place))
		}
		why = append(why, closedBy(x.Verdict, v)...)
		for _, id := range ids {
			w, err := x.WhyNot(i, id)
			if err != nil || w.Standing == explain.Decides {
				continue
			}
			why = append(why, fmt.Sprintf("%s: %s %s: %s", v.Address, id, w.Standing, w.Text))
		}
	}
	return why
}

// closedBy says which closed gate stops a message, and which policies nobody
// can know: a test must then say more about the message.
func closedBy(all policy.Verdict, v policy.RecipientVerdict) (why []string) {
	if !all.Defer && (v.Hold == nil || len(v.Hold.Causes) == 0) {
		return nil
	}
	does := "hold"
	if all.Defer {
		does = "defer"
	}
	for _, cause := range all.Closed {
		why = append(why, fmt.Sprintf("%s: %s because the gate for %s is closed", v.Address, does, cause))
	}
	for _, m := range v.Unknown {
		text := fmt.Sprintf("%s: nobody can know whether %s at /%s matches: %s", v.Address, m.Rule, m.Place, m.Why)
		for what, key := range map[string]string{
			"earlier mail": "known: []", "belongs to": "directory: FILE", "the directory": "directory: FILE", "the manager": "directory: FILE",
			"the groups of": "directory: FILE", "is a guest": "directory: FILE",
		} {
			if strings.Contains(m.Why, what) {
				text += "; say it in the test (" + key + "), or judge by one policy only (alone: true)"
				break
			}
		}
		why = append(why, text)
	}
	return why
}

// factsOf looks at the message of a policy test as the gateway would.
func factsOf(ctx context.Context, l gateway.Looker, s *inForce) policy.FactsOf {
	return func(message []byte, c policy.Case) (policy.Facts, error) {
		t := s.tenants.Find(c.Tenant)
		if t == nil && c.Tenant != "" {
			return policy.Facts{}, fmt.Errorf("no tenant is called %q", c.Tenant)
		}
		if t == nil {
			t = firstTenant(s.tenants, s.set)
		}
		body := mail.Bytes(message)
		env, _ := EnvelopeOf(t, body)
		if c.From != "" {
			env.From = mail.Address(c.From)
		}
		if len(c.To) > 0 {
			env.To = nil
			for _, a := range c.To {
				env.To = append(env.To, mail.Recipient{Address: mail.Address(a)})
			}
		}
		var dir mail.Direction
		switch policy.Direction(c.Direction) {
		case policy.Inbound:
			dir = mail.In
		case policy.Outbound, policy.Internal:
			dir = mail.Out
		default:
			dir = directionOf(t, env)
		}
		who, err := s.directoryOf(c, t)
		if err != nil {
			return policy.Facts{}, err
		}
		f := gateway.Inspect(ctx, l, t, who, dir, env, body).Facts
		acquaint(&f, t, c.Known)
		return f, nil
	}
}

// acquaint gives facts the history that a test says: with those who are known
// there was mail before, to their domains often.
func acquaint(f *policy.Facts, t *tenant.Tenant, known []mail.Address) {
	if known == nil {
		return
	}
	for i := range f.Recipients {
		p := &f.Recipients[i]
		if p.Contact != nil && p.Contact.Colleague {
			continue
		}
		other := p.Address
		if p.Inside {
			other = f.Mailbox.Address
		}
		p.Contact = &policy.Contact{}
		domains := slices.Clone(t.Domains)
		for _, a := range known {
			domains = append(domains, a.Domain())
			if a.Key() == other.Key() {
				p.Contact = &policy.Contact{Count: 1, Sent: 1, First: f.Now.AddDate(0, 0, -1), Last: f.Now.AddDate(0, 0, -1)}
			}
		}
		var nobody *contact.History
		like := nobody.LooksLike(t.ID, p.Address.Domain(), domains)
		p.LooksLike = &like
	}
}

// directoryOf is the directory that a test names, or the tenant's.
func (s *inForce) directoryOf(c policy.Case, t *tenant.Tenant) (*directory.Directory, error) {
	if c.Directory == "" {
		return s.people.Of(t.ID), nil
	}
	src := sourceOf(t)
	d, bad := directory.ReadFile(settings.Path(c.Directory, "/"+c.Folder()), src.Owner)
	return d, bad.Err()
}
