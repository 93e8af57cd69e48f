package tenant_test

import (
	"slices"
	"testing"

	"postern.dev/postern/internal/tenant"
)

// cuts lists the names of the fields that identity cut.
func cuts(l *letter, id tenant.Identity) []string {
	var names []string
	for _, f := range l.header().Fields() {
		if slices.Contains(id.Cut, f.Range) {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestReservedFieldsAreCutAndForgeriesNamed(t *testing.T) {
	s := load(t, street)
	type fields = [][2]string
	tests := []struct {
		name, id string
		add      fields
		cut      []string // beside the tenant header
		forged   []string
		marked   bool
		ooo      bool
		change   func(*letter)
	}{
		{name: "nothing but the tenant header", id: "alpha"},
		{name: "the current mark is genuine", id: "alpha", add: fields{{"X-Postern-Checked", "alpha-mark-now-123456"}},
			cut: []string{"X-Postern-Checked"}, marked: true},
		{name: "the next mark is genuine, in any case of the name", id: "alpha", add: fields{{"x-postern-CHECKED", "alpha-mark-next-12345"}},
			cut: []string{"x-postern-CHECKED"}, marked: true},
		{name: "a mark in another case of letters is forged", id: "alpha", add: fields{{"X-Postern-Checked", "ALPHA-mark-now-123456"}},
			cut: []string{"X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}},
		{name: "the mark of another tenant is forged", id: "alpha", add: fields{{"X-Postern-Checked", "beta-mark-now-1234567"}},
			cut: []string{"X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}},
		{name: "the tenant's secret is no mark", id: "alpha", add: fields{{"X-Postern-Checked", "alpha-secret-now-1234"}},
			cut: []string{"X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}},
		{name: "a genuine and a forged mark", id: "alpha",
			add: fields{{"X-Postern-Checked", "x"}, {"X-Postern-Checked", "alpha-mark-now-123456"}},
			cut: []string{"X-Postern-Checked", "X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}, marked: true},
		{name: "verdicts and names of the house that nobody uses are forged", id: "alpha",
			add:    fields{{"X-Postern-Inspected", "full"}, {"X-Postern-Action", "Encrypt"}, {"X-Postern-Spam", "yes"}, {"X-POSTERN-Whatever", "1"}},
			cut:    []string{"X-Postern-Inspected", "X-Postern-Action", "X-Postern-Spam", "X-POSTERN-Whatever"},
			forged: []string{"X-POSTERN-Whatever", "X-Postern-Action", "X-Postern-Inspected", "X-Postern-Spam"}},
		{name: "the rule for automatic replies is believed of an automatic reply", id: "alpha", add: fields{{"X-Postern-OOO", "true"}},
			cut: []string{"X-Postern-OOO"}, ooo: true, change: func(l *letter) { l.from = "" }},
		{name: "and of one that says so itself", id: "alpha", add: fields{{"X-Postern-OOO", "True"}, {"Auto-Submitted", "auto-replied"}},
			cut: []string{"X-Postern-OOO"}, ooo: true},
		{name: "but not of a user's mail, which would escape approval", id: "alpha", add: fields{{"X-Postern-OOO", "true"}, {"Auto-Submitted", "no"}},
			cut: []string{"X-Postern-OOO"}, forged: []string{"X-Postern-OOO"}},
		{name: "other products' names are not ours", id: "alpha",
			add: fields{{"X-St-Checked-Casb", "yes"}, {"X-MDCES-Data", "their own"}, {"X-Netskope-Action", "Quarantine"}}},

		{name: "safetica's mark has one value", id: "safe", add: fields{{"X-St-Checked-Casb", "Yes"}}, cut: []string{"X-St-Checked-Casb"}, marked: true},
		{name: "any other is forged", id: "safe", add: fields{{"X-St-Checked-Casb", "true"}},
			cut: []string{"X-St-Checked-Casb"}, forged: []string{"X-St-Checked-Casb"}},
		{name: "the house's mark is never a safetica tenant's", id: "safe", add: fields{{"X-Postern-Checked", "yes"}},
			cut: []string{"X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}},
		{name: "netskope", id: "nets", add: fields{{"X-Netskope-Inspected", "true"}, {"X-Netskope-Action", "Quarantine"}},
			cut: []string{"X-Netskope-Inspected", "X-Netskope-Action"}, forged: []string{"X-Netskope-Action"}, marked: true},
		{name: "opswat has no mark", id: "opsw", add: fields{{"X-Postern-Checked", "opswat tenant/information=="}},
			cut: []string{"X-Postern-Checked"}, forged: []string{"X-Postern-Checked"}},
		{name: "avanan's verdict", id: "avan", add: fields{{"X-CLOUD-SEC-AV-SCL", "true"}},
			cut: []string{"X-CLOUD-SEC-AV-SCL"}, forged: []string{"X-CLOUD-SEC-AV-SCL"}},
		{name: "secumailer's hints are cut, and only one means out of office", id: "secu",
			add: fields{{"X-SecuMailer-NTA7516", "true"}, {"Auto-Submitted", "auto-replied"}}, cut: []string{"X-SecuMailer-NTA7516"}},
		{name: "secumailer's out of office", id: "secu", add: fields{{"X-SecuMailer-OOO", "true"}}, cut: []string{"X-SecuMailer-OOO"},
			ooo: true, change: func(l *letter) { l.from = "" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			owner := s.Find(test.id)
			l := outgoing(owner)
			for _, f := range test.add {
				l.add(f[0], f[1])
			}
			if test.change != nil {
				test.change(l)
			}
			id, r := l.identify(s)
			if r != nil {
				t.Fatal(r.Reply)
			}
			want := test.cut
			if owner.Preset.Tenant != "" {
				want = append([]string{owner.Preset.Tenant}, want...)
			}
			if got := cuts(l, id); !slices.Equal(got, want) {
				t.Errorf("cut %q, want %q", got, want)
			}
			if !slices.Equal(id.Forged, test.forged) || id.Marked != test.marked || id.OOO != test.ooo {
				t.Errorf("forged %q, marked %v, ooo %v", id.Forged, id.Marked, id.OOO)
			}
			for _, f := range l.header().Fields() {
				if owner.Reserved(f.Name) != slices.Contains(want, f.Name) {
					t.Errorf("Reserved(%s) is %v", f.Name, owner.Reserved(f.Name))
				}
			}
		})
	}
}

func TestSecretsAreAllThatMustNotShow(t *testing.T) {
	s := load(t, street)
	for id, want := range map[string][]string{
		"alpha": {"alpha-secret-now-1234", "alpha-secret-next-123", "alpha-mark-now-123456", "alpha-mark-next-12345", "j-7f3a99@alpha.gw.example"},
		"opsw":  {"opswat tenant/information=="},
		"avan":  {"portal7@avan.gw.example"}, // the portal's name itself is public
		"safe":  nil,
	} {
		if got := s.Find(id).Secrets(); !slices.Equal(got, want) {
			t.Errorf("%s: %q", id, got)
		}
	}
}

func TestPassKeysAreTheTenantsOwn(t *testing.T) {
	s := load(t, street)
	seen := map[string]string{}
	for _, x := range s.Tenants() {
		for i, k := range x.PassKeys() {
			if other := seen[string(k)]; other != "" {
				t.Errorf("%s and %s share a key", x.ID, other)
			}
			seen[string(k)] = x.ID
			if i == 0 && len(x.Mark) > 0 && string(k) != "postern pass "+x.ID+" "+x.Mark[0] {
				t.Errorf("%s writes with another key than that of its current mark", x.ID)
			}
		}
	}
	if n := len(s.Find("alpha").PassKeys()); n != 4 {
		t.Errorf("%d keys while rotating", n)
	}
	bare := s.Find("bare").PassKeys()
	if len(bare) != 1 {
		t.Fatal(bare)
	}
	certified := *s.Find("bare")
	certified.Certificate = certificate(t)
	once, again := string(certified.PassKeys()[0]), string(certified.PassKeys()[0])
	if once == string(bare[0]) || once != again {
		t.Error("the certificate's key does not make the pass key")
	}
}

func TestMarksAreThePresets(t *testing.T) {
	s := load(t, street)
	for id, want := range map[string][2]string{
		"alpha": {"X-Postern-Checked", "alpha-mark-now-123456"}, "safe": {"X-St-Checked-Casb", "yes"},
		"nets": {"X-Netskope-Inspected", "true"}, "opsw": {"", ""}, "avan": {"", ""}, "secu": {"", ""},
	} {
		if x := s.Find(id); x.MarkName() != want[0] || x.MarkValue() != want[1] {
			t.Errorf("%s: %q %q", id, x.MarkName(), x.MarkValue())
		}
	}
}
