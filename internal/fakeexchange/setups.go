package fakeexchange

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"postern.dev/postern/internal/mailflow"
)

//go:embed setups/*.json
var setups embed.FS

// Params fill the places of a ready set-up. Every empty one has the default
// of DefaultParams.
type Params struct {
	// Name, Entra and Domain are the tenant; Domain is the part before
	// ".example" and ".onmicrosoft.com".
	Name   string
	Entra  string
	Domain string
	// Gateway is the smart host, GatewayCert the name its certificate carries.
	Gateway     string
	GatewayCert string
	// ReturnCert is the name in the gateway's client certificate.
	ReturnCert string
	// ID, Secret and Mark are the tenant's values in the rules of the set-up
	// "postern".
	ID     string
	Secret string
	Mark   string
	// Egress is the address or network from which the gateway returns mail.
	Egress string
	// Copy is the domain of the gateway that takes copies and journal reports.
	Copy string
	// Approver decides about moderated mail.
	Approver string
}

// DefaultParams is the tenant contoso and a gateway on this machine.
func DefaultParams() Params {
	return Params{
		Name: "contoso", Entra: "11111111-2222-3333-4444-555555555555", Domain: "contoso",
		Gateway: "gw.postern.example", GatewayCert: "gw.postern.example", ReturnCert: "t-7f3a.relay.postern.example",
		ID: "contoso", Secret: "demo-secret-8d1f0c5e7a3b", Mark: "demo-mark-51c2e9b04f6d", Egress: "203.0.113.10",
		Copy: "copy.postern.example", Approver: "boss@contoso.example",
	}
}

// SetupNames lists the ready set-ups.
func SetupNames() []string {
	var names []string
	entries, _ := setups.ReadDir("setups")
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	sort.Strings(names)
	return names
}

// ReadySetup reads a ready set-up: postern (the rules that Postern's wizard
// creates), safetica and netskope (their documents, step by step), onpremises
// (another mail server of the tenant beside Exchange).
func ReadySetup(name string, p Params) (mailflow.Setup, error) {
	data, err := setups.ReadFile("setups/" + name + ".json")
	if err != nil {
		all := strings.Join(SetupNames(), ", ")
		return mailflow.Setup{}, fmt.Errorf("fakeexchange: no set-up %q; there are %s", name, all)
	}
	d := DefaultParams()
	var pairs []string
	for _, v := range []struct{ key, value, standard string }{
		{"name", p.Name, d.Name}, {"entra", p.Entra, d.Entra}, {"domain", p.Domain, d.Domain},
		{"gateway", p.Gateway, d.Gateway}, {"gateway-cert", p.GatewayCert, d.GatewayCert},
		{"return-cert", p.ReturnCert, d.ReturnCert}, {"id", p.ID, d.ID}, {"secret", p.Secret, d.Secret},
		{"mark", p.Mark, d.Mark}, {"egress", p.Egress, d.Egress}, {"copy", p.Copy, d.Copy},
		{"approver", p.Approver, ""},
	} {
		if v.value == "" {
			v.value = v.standard
		}
		if v.key == "approver" && v.value == "" {
			v.value = "boss@" + orElse(p.Domain, d.Domain) + ".example"
		}
		quoted, err := json.Marshal(v.value)
		if err != nil {
			return mailflow.Setup{}, fmt.Errorf("fakeexchange: parameter %s: %w", v.key, err)
		}
		pairs = append(pairs, "{"+v.key+"}", string(quoted[1:len(quoted)-1]))
	}
	s, err := mailflow.Load([]byte(strings.NewReplacer(pairs...).Replace(string(data))))
	if err != nil {
		return mailflow.Setup{}, fmt.Errorf("fakeexchange: set-up %s: %w", name, err)
	}
	return *s, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// cloneSetup is a deep copy.
func cloneSetup(s mailflow.Setup) (mailflow.Setup, error) {
	var c mailflow.Setup
	data, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return c, fmt.Errorf("fakeexchange: copy set-up: %w", err)
	}
	return c, nil
}
