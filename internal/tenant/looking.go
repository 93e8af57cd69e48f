package tenant

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/settings"
)

// Looking is what the tenant tells the look into its mail.
type Looking struct {
	// Detectors are the built-in detectors that run: ids, types (CREDIT_CARD),
	// categories (banking, national-id, secret, …), "asked" for no others than
	// those that rules ask for. What a rule asks for runs in any case, and a
	// rule that goes through whatever was found makes all run. What does not
	// run is not found, and no draft of a policy can know of it later.
	// Default: all.
	Detectors []string `yaml:"detectors"`
	// Regions are the countries whose telephone numbers are written without a
	// country code: two letters each (ISO 3166-1), such as NL. Default: none.
	Regions []string `yaml:"regions"`
	// Passwords are tried on encrypted attachments; better file:./names.
	Passwords []string `yaml:"passwords"`
	// BodyPasswords also tries words of the message that look like passwords.
	// Default: false.
	BodyPasswords bool `yaml:"body_passwords"`
	// Labels gives names to sensitivity labels by their GUID, for policies
	// and reports; a name in a document or header may be missing or old.
	Labels map[string]string `yaml:"labels"`
}

// mostPasswords bounds what is tried on each encrypted file: deriving a key
// takes time on purpose.
const mostPasswords = 20

// maxLabelName is the length of a label's name, in octets.
const maxLabelName = 200

func (b *builder) looking(t *Tenant, c Config) {
	t.Looking = c.Looking
	for _, name := range c.Looking.Detectors {
		same := func(known string) bool { return detect.IDOf(known) == detect.IDOf(name) }
		if b.detectors != nil && !slices.ContainsFunc(b.detectors, same) {
			b.add(fmt.Sprintf("there is no detector %q", name), nearDetector(name, b.detectors), "looking", "detectors")
		}
	}
	t.Looking.Regions = nil
	for _, r := range c.Looking.Regions {
		r = strings.ToUpper(r)
		if len(r) != 2 || strings.Trim(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			b.add(fmt.Sprintf("%q is not a country", r), "two letters, such as NL", "looking", "regions")
		}
		t.Looking.Regions = append(t.Looking.Regions, r)
	}
	t.Looking.Passwords = nil
	for _, s := range c.Looking.Passwords {
		v, err := settings.Resolve(s, b.dir)
		switch {
		case err != nil && b.offline:
		case err != nil:
			b.add(err.Error(), "", "looking", "passwords")
		case v == "":
			b.add("a password is empty", "leave it out", "looking", "passwords")
		default:
			t.Looking.Passwords = append(t.Looking.Passwords, v)
		}
	}
	if len(c.Looking.Passwords) > mostPasswords {
		b.add(fmt.Sprintf("more than %d passwords", mostPasswords), "each is tried on each encrypted file", "looking", "passwords")
	}
	t.Looking.Labels = map[string]string{}
	for id, name := range c.Looking.Labels {
		id = strings.ToLower(strings.Trim(id, "{}"))
		switch {
		case !guidPattern.MatchString(id):
			b.add(fmt.Sprintf("%q is not the GUID of a label", id), "Get-Label shows it as ImmutableId", "looking", "labels")
		case name == "" || len(name) > maxLabelName:
			b.add(fmt.Sprintf("the name of label %s is empty or longer than %d octets", id, maxLabelName), "", "looking", "labels")
		default:
			t.Looking.Labels[id] = name
		}
	}
}

// nearDetector suggests what may have been meant.
func nearDetector(name string, known []string) string {
	if near := settings.Nearest(name, known); len(near) < 80 {
		return near
	}
	return "`postern detectors list` shows them"
}
