package tenant

import (
	"sort"

	"postern.dev/postern/internal/settings"
)

// Preset is the set of header names and fixed values that a tenant's rules
// use. A name that is "" is not used.
type Preset struct {
	Name string
	// Tenant is the header that the route rule sets; Form is how its value
	// is read.
	Tenant string
	Form   TenantForm
	// Checked is what we set on return; CheckedValue is its fixed value, ""
	// when it is the tenant's mark.
	Checked, CheckedValue string
	// OOO is set by the tenant's rule for automatic replies.
	OOO string
	// Action, Inspected and Spam are verdicts that we hand to Exchange.
	Action, Inspected, Spam string
	// SpamValue is the value of Spam that Exchange's rule matches.
	SpamValue string
	// More are further names that the product reserves.
	More []string
	// Only limits the preset to one direction; "" is both.
	Only string
}

// TenantForm is how the value of the tenant header is read.
type TenantForm string

// The forms.
const (
	// FormPostern is "<tenant id>;<secret>;<out|in>;<inline|monitor>".
	FormPostern TenantForm = "postern"
	// FormValue is the secret alone.
	FormValue TenantForm = "value"
	// FormAvanan is "<secret>,office365_emails[,sent],inline".
	FormAvanan TenantForm = "avanan"
)

// Presets lists the products whose rules can be served unchanged. Names and
// values are those of the vendors' set-up documents.
func Presets() []Preset {
	return []Preset{
		{
			Name: "postern", Tenant: "X-Postern-Tenant", Form: FormPostern, Checked: "X-Postern-Checked",
			OOO: "X-Postern-OOO", Action: "X-Postern-Action", Inspected: "X-Postern-Inspected",
			Spam: "X-Postern-Spam", SpamValue: "yes",
		},
		{Name: "safetica", Checked: "X-St-Checked-Casb", CheckedValue: "yes", Only: "out"},
		{
			Name: "netskope", Checked: "X-Netskope-Inspected", CheckedValue: "true",
			Action: "X-Netskope-Action", Only: "out",
		},
		{Name: "opswat", Tenant: "X-MDCES-Data", Form: FormValue},
		{
			Name: "avanan", Tenant: "X-CLOUD-SEC-AV-Info", Form: FormAvanan,
			Spam: "X-CLOUD-SEC-AV-SCL", SpamValue: "true",
		},
		{
			Name: "secumailer", Tenant: "X-Secumail-Id", Form: FormValue, Only: "out",
			OOO: "X-SecuMailer-OOO", More: []string{"X-SecuMailer-NTA7516"},
		},
	}
}

func presetNamed(name string) (Preset, bool) {
	for _, p := range Presets() {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// HeaderNames is the key "headers" of a tenant: the name of a preset, or the
// postern preset with single names replaced.
type HeaderNames struct{ Preset Preset }

// UnmarshalYAML takes a preset's name or a map of names.
func (h *HeaderNames) UnmarshalYAML(unmarshal func(any) error) error {
	var name string
	if err := unmarshal(&name); err == nil {
		p, ok := presetNamed(name)
		if !ok {
			return &unknownPreset{name}
		}
		h.Preset = p
		return nil
	}
	var names struct {
		Preset    string `yaml:"preset"`
		Tenant    string `yaml:"tenant"`
		Checked   string `yaml:"checked"`
		OOO       string `yaml:"ooo"`
		Action    string `yaml:"action"`
		Inspected string `yaml:"inspected"`
		Spam      string `yaml:"spam"`
	}
	if err := unmarshal(&names); err != nil {
		return err
	}
	if names.Preset == "" {
		names.Preset = "postern"
	}
	p, ok := presetNamed(names.Preset)
	if !ok {
		return &unknownPreset{names.Preset}
	}
	for _, r := range []struct {
		to   *string
		name string
	}{
		{&p.Tenant, names.Tenant}, {&p.Checked, names.Checked}, {&p.OOO, names.OOO},
		{&p.Action, names.Action}, {&p.Inspected, names.Inspected}, {&p.Spam, names.Spam},
	} {
		if r.name != "" {
			*r.to = r.name
		}
	}
	h.Preset = p
	return nil
}

type unknownPreset struct{ name string }

func (u *unknownPreset) Error() string {
	var known []string
	for _, p := range Presets() {
		known = append(known, p.Name)
	}
	sort.Strings(known)
	return "unknown preset \"" + u.name + "\": " + settings.Nearest(u.name, known)
}

// role is what a reserved header means when it arrives.
type role int

const (
	roleTenant role = iota
	roleOOO
	roleMark
	roleVerdict
)

// reserved lists the names that never pass through us, with their roles. The
// names of the postern preset are reserved for every tenant.
func (p Preset) reserved() map[string]role {
	names := map[string]role{}
	base := Presets()[0]
	for _, q := range []Preset{base, p} {
		for name, r := range map[string]role{
			q.Tenant: roleTenant, q.OOO: roleOOO, q.Checked: roleMark,
			q.Action: roleVerdict, q.Inspected: roleVerdict, q.Spam: roleVerdict,
		} {
			if name != "" {
				names[fold(name)] = r
			}
		}
		for _, name := range q.More {
			names[fold(name)] = roleOOO
		}
	}
	return names
}
