package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// tenantForm is the form of tenant list --json; it holds no secret.
type tenantForm struct {
	ID          string                    `json:"id"`
	Name        string                    `json:"name"`
	EntraTenant string                    `json:"entra_tenant,omitempty"`
	Domains     []string                  `json:"domains"`
	Headers     string                    `json:"headers"`
	Hosts       map[string]mail.Direction `json:"hosts,omitempty"`
	Return      string                    `json:"return"`
	Refuse      tenant.Refuse             `json:"refuse"`
	Gates       map[string]string         `json:"on"`
	Secrets     int                       `json:"secrets"`
	Marks       int                       `json:"marks"`
	Policies    []string                  `json:"policies"`
	Keep        string                    `json:"keep"`
	Disabled    bool                      `json:"disabled"`
}

func (p *program) tenantVerb() *cobra.Command {
	return p.group("tenant", "Tenants, their secrets and marks",
		p.tenantListVerb(), p.tenantShowVerb(), p.tenantAddVerb(), p.rotateVerb())
}

// inForce is the state of the store, or that of the files before the first
// start.
func (p *program) inForce(cmd *cobra.Command) (app.State, error) {
	c, err := p.load()
	if err != nil {
		return app.State{}, err
	}
	r, err := app.OpenReader(cmd.Context(), c)
	if errors.Is(err, app.ErrNoStore) {
		p.note("no gateway was started yet; this is what its files say")
		return app.FilesInForce(c.Apply)
	}
	if err != nil {
		return app.State{}, err
	}
	defer r.Close()
	_, state, err := r.InForce(cmd.Context())
	return state, err
}

func formOf(t *tenant.Tenant, s app.State) tenantForm {
	f := tenantForm{
		ID: t.ID, Name: t.Name, EntraTenant: t.EntraTenant, Domains: t.Domains, Headers: t.Preset.Name, Hosts: t.Hosts,
		Return: orElse(t.Return.Host, "mx"), Refuse: t.Refuse, Secrets: len(t.Secret), Marks: len(t.Mark),
		Keep: t.Keep.String(), Disabled: t.Disabled, Gates: map[string]string{tenant.StoreFull: string(t.StoreFull)},
		Policies: []string{},
	}
	for _, c := range mail.Causes() {
		f.Gates[string(c)] = string(t.Gates.Of(c))
	}
	for _, r := range s.Policies.Rules() {
		if len(r.Tenants) == 0 || strings.Contains(" "+strings.Join(r.Tenants, " ")+" ", " "+t.ID+" ") {
			f.Policies = append(f.Policies, r.ID)
		}
	}
	return f
}

func (p *program) tenantListVerb() *cobra.Command {
	cmd := p.verb("list", "List the tenants that are in force", takes(0, 0, ""), nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := p.inForce(cmd)
		if err != nil {
			return err
		}
		var rows [][]cell
		for _, t := range s.Tenants.Tenants() {
			f := formOf(t, s)
			if p.json {
				if err := p.document(f); err != nil {
					return err
				}
			}
			state := cell{"on", green}
			if f.Disabled {
				state = cell{"off", yellow}
			}
			rows = append(rows, []cell{
				{f.ID, plain}, state, {strings.Join(f.Domains, ", "), plain}, {f.Headers, plain}, {f.Return, plain},
				{many(len(f.Policies), "rule"), plain},
			})
		}
		switch {
		case p.json:
		case len(rows) == 0:
			p.say("there is no tenant; make one with: postern tenant add ID --domain DOMAIN")
		default:
			p.table([]string{"id", "state", "domains", "headers", "return", "policies"}, rows)
		}
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) tenantShowVerb() *cobra.Command {
	cmd := p.verb("show ID", "Show a tenant that is in force, without its secrets", takes(1, 1, "the id of a tenant"), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := p.inForce(cmd)
		if err != nil {
			return err
		}
		t := s.Tenants.Find(args[0])
		if t == nil {
			var known []string
			for _, t := range s.Tenants.Tenants() {
				known = append(known, t.ID)
			}
			return wrong("no tenant is called %q; %s", args[0], settings.Nearest(args[0], known))
		}
		f := formOf(t, s)
		if p.json {
			return p.document(f)
		}
		p.shown(f)
		return nil
	}
	return p.withConfig(cmd)
}

func (p *program) shown(f tenantForm) {
	p.line(p.paint(bold, oneLine(f.ID)) + printable("  "+f.Name))
	var hosts, gates []string
	for _, h := range sortedKeys(f.Hosts) {
		hosts = append(hosts, h+" ("+string(f.Hosts[h])+")")
	}
	for _, g := range sortedKeys(f.Gates) {
		gates = append(gates, g+": "+f.Gates[g])
	}
	for _, row := range [][2]string{
		{"domains", strings.Join(f.Domains, ", ")}, {"entra tenant", f.EntraTenant}, {"headers", f.Headers},
		{"hosts", strings.Join(hosts, ", ")}, {"return", f.Return}, {"refuse", string(f.Refuse)},
		{"secrets", rotating(f.Secrets)}, {"marks", rotating(f.Marks)}, {"on", strings.Join(gates, ", ")},
		{"policies", strings.Join(f.Policies, ", ")}, {"keep", f.Keep},
	} {
		p.line(fmt.Sprintf("  %-13s", row[0]) + oneLine(row[1]))
	}
	if f.Disabled {
		p.line(p.paint(yellow, "  switched off: its mail waits in Exchange"))
	}
}

func rotating(n int) string {
	if n > 1 {
		return fmt.Sprintf("%d values, a rotation is under way", n)
	}
	return many(n, "value")
}

// tenantDir is where new tenants are written: the first folder that is
// applied at start.
func (p *program) tenantDir(c *app.Config, dir string) (string, error) {
	if dir != "" {
		return dir, os.MkdirAll(dir, 0o700)
	}
	for _, path := range c.Apply {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path, nil
		}
	}
	return "", wrong("no folder stands under apply: in %s; add one (apply: [./tenants]) and make it, or say --dir", p.config)
}
