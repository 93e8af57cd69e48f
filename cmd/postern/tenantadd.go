package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/tenant"
)

// addition is what tenant add is told.
type addition struct {
	id, dir, entra, headers string
	domains                 []string
}

func (p *program) tenantAddVerb() *cobra.Command {
	var a addition
	cmd := p.verb("add ID", "Write the file of a new tenant, with a fresh secret and mark", takes(1, 1, "an id, e.g. contoso"), nil)
	cmd.Long = "Writes ID.yaml, ID.secret and ID.mark into the folder that is applied at start, and says what to do in\n" +
		"Exchange Online. Nothing is in force before postern apply."
	cmd.Flags().StringSliceVar(&a.domains, "domain", nil, "an accepted domain, also the one under onmicrosoft.com; several times")
	cmd.Flags().StringVar(&a.entra, "entra", "", "the tenant's id in Microsoft Entra, a GUID")
	cmd.Flags().StringVar(&a.headers, "headers", "postern", "the preset of header names")
	cmd.Flags().StringVar(&a.dir, "dir", "", "the folder to write into")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.id = args[0]
		c, err := p.load()
		if err != nil {
			return err
		}
		if len(a.domains) == 0 {
			return wrong("postern tenant add needs the accepted domains, e.g. --domain contoso.example --domain contoso.onmicrosoft.com")
		}
		if a.dir, err = p.tenantDir(c, a.dir); err != nil {
			return err
		}
		if _, err := app.FindTenant(append([]string{a.dir}, c.Apply...), a.id); err == nil {
			return wrong("there is a tenant %s already; see postern tenant show %s", a.id, a.id)
		} else if !errors.Is(err, app.ErrNoTenant) {
			return err
		}
		path, err := a.write()
		if err != nil {
			return err
		}
		if p.json {
			return p.document(map[string]string{
				"id": a.id, "file": path, "secret": a.path("secret"), "mark": a.path("mark"),
			})
		}
		p.say("%s", a.nextSteps(path, p.config, c.Hostname))
		return nil
	}
	return p.withConfig(cmd)
}

func (a addition) path(kind string) string { return filepath.Join(a.dir, a.id+"."+kind) }

// write makes the three files. What is wrong with them is found by reading
// them as the gateway does; then none is left.
func (a addition) write() (path string, err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, m := range made {
				_ = os.Remove(m)
			}
		}
	}()
	path = a.path("yaml")
	for name, text := range map[string]string{
		a.path("secret"): freshSecret() + "\n", a.path("mark"): freshSecret() + "\n", path: a.yaml(),
	} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", fmt.Errorf("%w; move it away, or choose another id", err)
		}
		made = append(made, name)
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return "", err
		}
	}
	_, err = app.FilesInForce([]string{path})
	return path, err
}

// freshSecret is 128 random bits.
func freshSecret() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}

func (a addition) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kind: tenant\nid: %s\n", a.id)
	if a.entra != "" {
		fmt.Fprintf(&b, "entra_tenant: %s\n", a.entra)
	}
	fmt.Fprintf(&b, "domains: [%s]\n", strings.Join(a.domains, ", "))
	fmt.Fprintf(&b, "secret: [file:./%s.secret]\nmark: [file:./%s.mark]\n", a.id, a.id)
	if a.headers != "postern" {
		fmt.Fprintf(&b, "headers: %s\n", a.headers)
	}
	return b.String()
}

// nextSteps says what to do in Exchange Online (New-TransportRule,
// New-OutboundConnector). Secrets are named by their files, so that they do
// not stay in a terminal.
func (a addition) nextSteps(path, config, host string) string {
	if a.headers != "postern" {
		return fmt.Sprintf("%s was written.\n\nNext: postern apply -c %s %s\n"+
			"The tenant's rules are those of the set-up document for %s; have them routed to %s.",
			path, config, path, a.headers, host)
	}
	names := tenant.Presets()[0]
	return strings.NewReplacer(
		"{file}", path, "{config}", config, "{host}", host, "{id}", a.id, "{secret}", a.path("secret"), "{mark}", a.path("mark"),
		"{H}", names.Checked, "{T}", names.Tenant, "{O}", names.OOO, "{J}", names.Spam,
	).Replace(`{file} was written; its secret and mark are in {secret} and {mark}.

1. Put it in force:  postern apply -c {config} {file}

2. In Exchange Online PowerShell, make the two connectors (the names in the
   certificates are yours to fill in):

   New-OutboundConnector -Name "Postern Outbound" -ConnectorType OnPremises -IsTransportRuleScoped $true ` + "`" + `
     -UseMXRecord $false -SmartHosts {host} -TlsSettings DomainValidation -TlsDomain {host} ` + "`" + `
     -CloudServicesMailEnabled $true
   New-InboundConnector -Name "Postern Inbound" -ConnectorType OnPremises -SenderDomains * -RequireTls $true ` + "`" + `
     -TlsSenderCertificateName NAME-IN-YOUR-CLIENT-CERTIFICATE -CloudServicesMailEnabled $true

3. Make the rules, in this order, switched off at first:

   $secret = Get-Content {id}.secret; $mark = Get-Content {id}.mark; $us = "ADDRESS-WE-SEND-FROM"
   New-TransportRule "Postern - strip forged" -Enabled $false -Priority 0 ` + "`" + `
     -HeaderMatchesMessageHeader {H} -HeaderMatchesPatterns ".+" -ExceptIfSenderIpRanges $us -RemoveHeader {H}
   New-TransportRule "Postern - automatic reply" -Enabled $false -Priority 1 ` + "`" + `
     -MessageTypeMatches OOF -SentToScope NotInOrganization -SetHeaderName {O} -SetHeaderValue "true"
   New-TransportRule "Postern - outgoing" -Enabled $false -Priority 2 ` + "`" + `
     -FromScope InOrganization -SentToScope NotInOrganization ` + "`" + `
     -ExceptIfHeaderMatchesMessageHeader {H} -ExceptIfHeaderMatchesPatterns "^$mark$" ` + "`" + `
     -ExceptIfHeaderContainsMessageHeader "x-ms-exchange-recallreportgenerated" ` + "`" + `
     -ExceptIfHeaderContainsWords "true","false" ` + "`" + `
     -SetHeaderName {T} -SetHeaderValue "{id};$secret;out;inline" ` + "`" + `
     -RouteMessageOutboundConnector "Postern Outbound" -StopRuleProcessing $true -RuleErrorAction Defer
   New-TransportRule "Postern - incoming" -Enabled $false -Priority 3 ` + "`" + `
     -SentToScope InOrganization -ExceptIfFromScope InOrganization ` + "`" + `
     -ExceptIfHeaderMatchesMessageHeader {H} -ExceptIfHeaderMatchesPatterns "^$mark$" ` + "`" + `
     -SetHeaderName {T} -SetHeaderValue "{id};$secret;in;inline" ` + "`" + `
     -RouteMessageOutboundConnector "Postern Outbound" -StopRuleProcessing $true -RuleErrorAction Defer
   New-TransportRule "Postern - junk" -Enabled $false -Priority 4 ` + "`" + `
     -SenderIpRanges $us -HeaderMatchesMessageHeader {J} -HeaderMatchesPatterns "^yes$" -SetSCL 6
   New-TransportRule "Postern - trusted return" -Enabled $false -Priority 5 ` + "`" + `
     -SenderIpRanges $us -ExceptIfHeaderMatchesMessageHeader {J} -ExceptIfHeaderMatchesPatterns "^yes$" ` + "`" + `
     -SetSCL -1 -RemoveHeader {T}
   New-TransportRule "Postern - unmark" -Enabled $false -Priority 6 ` + "`" + `
     -SenderIpRanges $us -HeaderMatchesMessageHeader {H} -HeaderMatchesPatterns "^$mark$" -RemoveHeader {H}

   Defer makes Exchange wait when a rule cannot be carried out; else it would send the message on without us.

4. Switch on all but outgoing and incoming; then outgoing for a small group
   (-FromMemberOf), and look at: postern audit search tenant:{id}`)
}
