package tenant

import (
	"fmt"

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
	// More are further names that the tenant's rules for the product set.
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

// HeaderNames is the key "headers" of a tenant: the name of a preset, or a
// preset (postern when none is named) with single names replaced.
type HeaderNames struct {
	Preset Preset

	read bool
	bad  []headerMistake // told later, when their place is known
}

type headerMistake struct {
	text, suggestion string
	path             []string
}

// UnmarshalYAML takes a preset's name or a map of names.
func (h *HeaderNames) UnmarshalYAML(unmarshal func(any) error) error {
	h.read = true
	var name string
	if err := unmarshal(&name); err == nil {
		h.choose(name, "headers")
		return nil
	}
	var names map[string]string
	if err := unmarshal(&names); err != nil {
		h.choose("postern")
		h.bad = append(h.bad, headerMistake{
			"is neither a preset nor a map of names", "write for example: postern", []string{"headers"},
		})
		return nil
	}
	if preset, ok := names["preset"]; ok {
		h.choose(preset, "headers", "preset")
	} else {
		h.choose("postern")
	}
	p := &h.Preset
	single := map[string]*string{
		"tenant": &p.Tenant, "checked": &p.Checked, "ooo": &p.OOO,
		"action": &p.Action, "inspected": &p.Inspected, "spam": &p.Spam,
	}
	for _, key := range sorted(names) {
		to, ok := single[key]
		switch {
		case ok:
			*to = names[key]
		case key != "preset":
			h.bad = append(h.bad, headerMistake{
				fmt.Sprintf("unknown key %q", key),
				settings.Nearest(key, append(sorted(single), "preset")), []string{"headers", key},
			})
		}
	}
	if p.Tenant != "" && p.Form == "" { // a product without the header, and a rule that sets one all the same
		p.Form = FormPostern
	}
	if names["spam"] != "" && p.SpamValue == "" {
		p.SpamValue = "yes"
	}
	return nil
}

func (h *HeaderNames) choose(name string, path ...string) {
	var known []string
	for _, p := range Presets() {
		if p.Name == name {
			h.Preset = p
			return
		}
		known = append(known, p.Name)
	}
	h.Preset = Presets()[0]
	h.bad = append(h.bad, headerMistake{fmt.Sprintf("unknown preset %q", name), settings.Nearest(name, known), path})
}

// role is what a reserved header means when it arrives.
type role int

const (
	roleTenant  role = iota // set by the tenant's route rule
	roleOOO                 // set by the tenant's rule for automatic replies
	roleHint                // set by another rule of the tenant; policies read it
	roleMark                // set by us
	roleVerdict             // set by us
)

// reserved lists the names that never pass through us, with their roles. The
// names of the postern preset are reserved for every tenant.
func (p Preset) reserved() map[string]role {
	names := map[string]role{}
	for _, q := range []Preset{Presets()[0], p} {
		for _, name := range q.More {
			names[fold(name)] = roleHint
		}
		for _, x := range []struct {
			name string
			role role
		}{
			{q.Tenant, roleTenant}, {q.OOO, roleOOO}, {q.Checked, roleMark},
			{q.Action, roleVerdict}, {q.Inspected, roleVerdict}, {q.Spam, roleVerdict},
		} {
			if x.name != "" {
				names[fold(x.name)] = x.role
			}
		}
	}
	return names
}
