package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
)

// inspection is the contract's form of inspect --json. Keys are added freely
// and never renamed.
type inspection struct {
	File       string          `json:"file"`
	Tenant     string          `json:"tenant"`
	Inspected  string          `json:"inspected"`
	Unseen     []unseenForm    `json:"unseen"`
	Parts      []partForm      `json:"parts"`
	Findings   []findingForm   `json:"findings"`
	Labels     []labelForm     `json:"labels"`
	Recipients []recipientForm `json:"recipients"`
	Defer      bool            `json:"defer,omitempty"`
	// Auth is what is known of the sender.
	Auth authForm `json:"auth"`
	// Explain is there with --explain.
	Explain *app.Explanation `json:"explain,omitempty"`
}

// authForm are the facts called auth, and what they were made of.
type authForm struct {
	policy.Auth
	// Asked is set when the DNS was asked for keys: without --dns what needs
	// one is temperror.
	Asked      bool                   `json:"dns_asked"`
	Signatures []senderauth.Signature `json:"signatures,omitempty"`
	Chain      *senderauth.Chain      `json:"chain,omitempty"`
}

type unseenForm struct {
	Part   string     `json:"part"`
	Name   string     `json:"name"`
	Reason mail.Cause `json:"reason"`
	Detail string     `json:"detail,omitempty"`
}

type partForm struct {
	Part       string `json:"part"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	Size       int64  `json:"size"`
	TextBytes  int64  `json:"text_bytes"`
	Attachment bool   `json:"attachment,omitempty"`
	SHA256     string `json:"sha256,omitempty"`
}

type findingForm struct {
	Type       string `json:"type"`
	Detector   string `json:"detector"`
	Part       string `json:"part"`
	Name       string `json:"name,omitempty"`
	Count      int    `json:"count"`
	Confidence string `json:"confidence"`
	Sample     string `json:"sample"`
	// Place and Why explain the sample.
	Place string   `json:"place,omitempty"`
	Why   []string `json:"why,omitempty"`
}

type labelForm struct {
	Scheme string `json:"scheme"`
	Name   string `json:"name"`
	ID     string `json:"id"`
	SiteID string `json:"site_id,omitempty"`
	Part   string `json:"part"`
}

type recipientForm struct {
	Address mail.Address  `json:"address"`
	Action  policy.Action `json:"action"`
	Rules   []string      `json:"rules"`
	Because string        `json:"because"`
	Would   policy.Action `json:"would,omitempty"`
}

func (p *program) inspectVerb() *cobra.Command {
	var dir, tenant string
	var inProcess, explain, dns bool
	cmd := p.verb("inspect [--policy DIR] [--tenant ID] [--dns] FILE...", "Say what would be found in messages and done with them",
		takes(1, -1, "a message; - is standard input"), nil)
	cmd.Long = "Looks into messages and decides as the gateway would, without sending or keeping anything. Without\n" +
		"--policy there are no policies and the tenant is contoso.example; with -c those of postern.yaml are used.\n" +
		"1: a message would be held or blocked for a recipient, or deferred."
	cmd.Flags().StringVar(&dir, "policy", "", "folder or file with policies, and tenants if there are any")
	cmd.Flags().StringVar(&tenant, "tenant", "", "whose mail it is (default: the owner of the sender or a recipient)")
	cmd.Flags().BoolVar(&inProcess, "in-process", false, "look in this process instead of a child, for debugging")
	cmd.Flags().BoolVar(&dns, "dns", false, "ask the DNS for the keys of signatures; without it what needs one is temperror")
	cmd.Flags().BoolVar(&explain, "explain", false, "say why, and what would change it, as policy explain does")
	p.withConfig(cmd)
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		paths, err := p.policyPaths(cmd, dir)
		if err != nil {
			return err
		}
		b, err := app.OpenBench(paths, inProcess)
		if err != nil {
			return err
		}
		defer b.Close()
		p.undefined(b)
		if dns {
			if err := p.askDNS(cmd, b); err != nil {
				return err
			}
		}
		bad := 0
		for i, name := range files {
			in, err := p.inspect(cmd, b, tenant, name, explain)
			if err != nil {
				return err
			}
			in.Auth.Asked = dns
			if refused(in) {
				bad++
			}
			if p.json {
				err = p.document(in)
			} else {
				p.inspected(in, i > 0)
			}
			if err != nil {
				return err
			}
		}
		if bad > 0 {
			return red("%s of %d would not be delivered unchanged", many(bad, "message"), len(files))
		}
		return nil
	}
	return cmd
}

// askDNS has keys looked up at the servers of postern.yaml with -c, else at
// those of this machine.
func (p *program) askDNS(cmd *cobra.Command, b *app.Bench) error {
	c := &app.Config{}
	if cmd.Flags().Changed("config") {
		var err error
		if c, err = p.load(); err != nil {
			return err
		}
	}
	return b.AskDNS(c.DNS)
}

// policyPaths are the folders that --policy or -c name.
func (p *program) policyPaths(cmd *cobra.Command, dir string) ([]string, error) {
	if dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, wrong("--policy: %v; name a folder with policies", err)
		}
		return []string{dir}, nil
	}
	if !cmd.Flags().Changed("config") {
		return nil, nil
	}
	c, err := p.load()
	if err != nil {
		return nil, err
	}
	return c.Apply, nil
}

func (p *program) inspect(cmd *cobra.Command, b *app.Bench, tenantID, name string, explain bool) (inspection, error) {
	body, done, err := p.body(name)
	if err != nil {
		return inspection{}, err
	}
	defer done()
	t, err := b.Tenant(tenantID, body)
	if err != nil {
		return inspection{}, wrong("--tenant: %v", err)
	}
	found := b.Inspect(cmd.Context(), t, body)
	in := inspectionOf(name, t.ID, found)
	if explain {
		e, err := b.ExplainInspection(t, found, app.Question{})
		if err != nil {
			return in, err
		}
		e.File, in.Explain = name, &e
	}
	return in, nil
}

// fileBody is a file as a message's body.
type fileBody struct {
	*os.File
	size int64
}

func (f fileBody) Size() int64 { return f.size }

// body opens a message; done closes it.
func (p *program) body(name string) (body mail.Body, done func(), err error) {
	if name == "-" {
		text, err := io.ReadAll(p.in)
		return mail.Bytes(text), func() {}, err
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, wrong("%s does not exist; name a message as a file, or - for standard input", name)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		defer f.Close()
		if info.IsDir() {
			return nil, nil, wrong("%s is a folder; name its messages: %s/*", name, name)
		}
		text, err := io.ReadAll(f) // a pipe cannot be read at a place
		return mail.Bytes(text), func() {}, err
	}
	return fileBody{f, info.Size()}, func() { f.Close() }, err
}

func inspectionOf(name, tenantID string, i gateway.Inspection) inspection {
	in := inspection{
		File: name, Tenant: tenantID, Inspected: i.Report.Inspected(), Defer: i.Verdict.Defer,
		Unseen: []unseenForm{}, Parts: []partForm{}, Findings: []findingForm{}, Labels: []labelForm{},
		Recipients: []recipientForm{},
	}
	in.Auth = authForm{Auth: i.Auth, Signatures: i.Verified.Signatures}
	if c := i.Verified.Chain; c.Result != "" && c.Result != senderauth.None {
		in.Auth.Chain = &c
	}
	for _, u := range i.Report.Unseen {
		in.Unseen = append(in.Unseen, unseenForm(u))
	}
	for _, x := range i.Report.Parts {
		in.Parts = append(in.Parts, partForm{
			x.Part, x.Name, x.Type, x.Size, x.TextBytes, x.Attachment, x.SHA256,
		})
	}
	for _, f := range i.Report.Findings {
		in.Findings = append(in.Findings, findingForm{
			f.Type, f.Detector, f.Part, f.Name, f.Count, f.Confidence.String(), f.Sample, f.Place, f.Why,
		})
	}
	for _, l := range i.Report.Labels {
		in.Labels = append(in.Labels, labelForm{l.Scheme, l.Name, l.ID, l.SiteID, l.Part})
	}
	for _, r := range i.Verdict.Recipients {
		rules := r.Rules
		if rules == nil {
			rules = []string{}
		}
		in.Recipients = append(in.Recipients, recipientForm{r.Address, r.Action, rules, r.Because, r.Would})
	}
	return in
}

// refused reports whether somebody would not get the message as it is.
func refused(in inspection) bool {
	for _, r := range in.Recipients {
		switch r.Action {
		case policy.Override, policy.HoldFor, policy.Block:
			return true
		}
	}
	return in.Defer
}

func (p *program) inspected(in inspection, more bool) {
	if more {
		p.line("")
	}
	p.line(p.paint(bold, printable(in.File)) + "  tenant " + in.Tenant + ", inspected: " + in.Inspected)
	p.sender(in.Auth)
	for _, u := range in.Unseen {
		p.line(printable(fmt.Sprintf("  not seen  %s %s: %s %s", place(u.Part), u.Name, u.Reason, u.Detail)))
	}
	for _, f := range in.Findings {
		p.line(printable(fmt.Sprintf("  found     %d × %s (%s) in %s %s: %s%s",
			f.Count, f.Type, f.Confidence, place(f.Part), f.Name, f.Sample, explained(f))))
	}
	for _, l := range in.Labels {
		p.line(printable(fmt.Sprintf("  label     %s %s in %s", l.Name, l.ID, place(l.Part))))
	}
	var rows [][]cell
	for _, r := range in.Recipients {
		rows = append(rows, []cell{
			{"  " + string(r.Address), plain}, {string(r.Action), actionColor(r.Action)},
			{strings.Join(r.Rules, ", "), plain}, {r.Because, plain},
		})
	}
	if len(rows) == 0 {
		p.line("  no recipient stands in its header")
		return
	}
	p.table([]string{"  recipient", "action", "rules", "because"}, rows)
	if in.Explain != nil {
		p.explained(*in.Explain)
	}
	if in.Defer {
		p.line("  The gateway would ask Exchange to come again: something could not be looked at just now.")
	}
}

// sender says what is known of the sender: a line for the facts that policies
// see, and one for each signature.
func (p *program) sender(a authForm) {
	text := fmt.Sprintf("spf=%s dkim=%s dmarc=%s arc=%s", a.SPF, a.DKIM, a.DMARC, a.ARC)
	if a.CompAuth != "none" {
		text += " compauth=" + a.CompAuth
	}
	if a.Aligned {
		text += ", aligned"
	}
	switch a.Source {
	case "none":
		text += "; spf and dmarc: nobody who is trusted says so"
	default:
		text += "; by " + a.Source
	}
	p.line(printable("  sender    " + text))
	why := func(result senderauth.Result, reason string) string {
		switch {
		case result == senderauth.TempError && !a.Asked:
			return ": the DNS was not asked for its key (--dns asks)"
		case reason != "":
			return ": " + reason
		}
		return ""
	}
	for _, s := range a.Signatures {
		p.line(printable(fmt.Sprintf("  signature dkim=%s of %s, key %s%s", s.Result, s.Domain, s.Selector, why(s.Result, s.Reason))))
	}
	if c := a.Chain; c != nil {
		p.line(printable(fmt.Sprintf("  chain     arc=%s, %s %s%s", c.Result, many(c.Instance, "set"),
			strings.Join(c.Sealers, ", "), why(c.Result, c.Reason))))
	}
}

func actionColor(a policy.Action) color {
	switch {
	case a == policy.Deliver || a == policy.LogOnly:
		return green
	case a.Strength() >= policy.Override.Strength():
		return alarm
	}
	return yellow
}

// place is where something stands, for people.
func place(part string) string {
	if part == "" {
		return "the header"
	}
	return "part " + part
}

// isMail reports whether a file looks like a message: it begins with a header
// field.
func isMail(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || len(name) > 70 {
		return false
	}
	return !bytes.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// explained is where the sample stands, and the evidence for it.
func explained(f findingForm) string {
	s := ""
	if f.Place != "" {
		s = " at " + f.Place
	}
	if len(f.Why) > 0 {
		s += " (" + strings.Join(f.Why, ", ") + ")"
	}
	return s
}
