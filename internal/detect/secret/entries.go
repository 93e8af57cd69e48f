package secret

import (
	"slices"
	"sync"

	"postern.dev/postern/internal/detect"
)

// Entry describes the family or one of its types.
type Entry struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Name is what an administrator calls it.
	Name string `json:"name"`
	// How says what makes a finding low, medium and high.
	How string `json:"how"`
}

// Family is the type that stands for all of them where a type is asked for.
const Family = "SECRET"

// Entries lists the family, and then its types.
func Entries() []Entry {
	const form = "A token of the form that the service gives out: high. What is a sample (xxxx, EXAMPLE, 12345) is left out. "
	list := []Entry{
		{ID, Family, "Secrets and credentials of all kinds",
			"All types SECRET_… together: findings.secret counts each of them. In a tenant's list of detectors it switches all on."},
		{"", PrivateKey, "Private key",
			"A key in a frame of PEM, OpenSSH, PGP or PuTTY, in base64 or without its frame, a JSON Web Key: high. Encrypted: low."},
		{"", AWS, "Credential of Amazon Web Services", form},
		{"", Azure, "Credential of Microsoft Azure or Entra", form},
		{"", GCP, "Credential of Google Cloud", form},
		{"", GitHub, "GitHub token", "A token with the right checksum: high. Without it: medium."},
		{"", GitLab, "GitLab token", form},
		{"", Slack, "Slack token or webhook", form},
		{"", Stripe, "Stripe key", form + "Keys of the test mode: medium."},
		{"", Twilio, "Twilio key", form},
		{"", SendGrid, "SendGrid key", form},
		{"", NPM, "npm token", "A token with the right checksum: high. Without it: medium."},
		{"", PyPI, "PyPI token", form},
		{"", JWT, "JSON Web Token",
			"Three parts whose header decodes to JSON: high. In the address of a link: low, or medium as a parameter for a token."},
		{"", Token, "Token or key of another service", form},
		{"", Webhook, "Address of a webhook", form},
		{"", Authorization, "Basic, Bearer or NTLM authentication",
			"A user and a password in base64: high. A random token behind Bearer or Authorization: medium, from 24 characters: high."},
		{"", URL, "Password in an address", "scheme://user:password@host with a password that is no word: high."},
		{"", ConnectionString, "Password in a connection string",
			"A password or key among parameters such as Server=…;User Id=…: medium, a strong one: high."},
		{"", Password, "Password beside a word for it",
			"In code, configuration and sentences of many languages: a strong password behind a sign: high, others and those in " +
				"sentences: medium. Variables, paths, examples and plain words are left out."},
		{"", PasswordHash, "Hash of a password", "As in /etc/shadow, .htpasswd and LDAP, of the right length: high."},
		{"", Generic, "Random value beside a word for a secret",
			"A random value of 16 characters behind \"secret\", \"token\" or \"API key\": high. Shorter ones, and those behind " +
				"\"key\": medium."},
	}
	for i := range list {
		if list[i].ID == "" {
			list[i].ID = detect.IDOf(list[i].Type)
		}
	}
	return list
}

// Form is the form of the tokens of one service.
type Form struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
	// From is where it is published.
	From string `json:"from"`
	// Prefixes are the beginnings; none for forms that are known by length.
	Prefixes []string `json:"prefixes,omitempty"`
}

// Forms lists the forms that findings of a type may have, all of them for the
// family.
func Forms(kind string) []Form {
	var list []Form
	for _, r := range rules() {
		if kind == Family || r.kind == kind {
			list = append(list, Form{r.id, r.kind, r.name, r.from, words(r.prefix)})
		}
	}
	return list
}

// shared is the one Detector of this process: it is the same for all tenants.
var shared = func() func() *Detector { return sync.OnceValue(New) }()

// Detectors makes what c wants: all of the family, some of its types, or
// nothing.
func Detectors(c detect.Catalogue) []detect.Detector {
	if c.Wants(ID) {
		return []detect.Detector{shared()}
	}
	var kinds []string
	for _, e := range Entries()[1:] {
		if c.Wants(e.ID) {
			kinds = append(kinds, e.Type)
		}
	}
	if kinds == nil {
		return nil
	}
	return []detect.Detector{some{shared(), kinds}}
}

// some reports a few types only.
type some struct {
	*Detector
	kinds []string
}

func (d some) Scan(w *detect.Window, found func(detect.Hit)) {
	d.Detector.Scan(w, func(h detect.Hit) {
		if slices.Contains(d.kinds, h.Type) {
			found(h)
		}
	})
}

// Validate says whether value is a secret of a type; known is false for types
// that only what stands beside them makes one.
func Validate(kind, value string) (valid, known bool) {
	switch kind {
	case Family, Password, Generic, ConnectionString, Authorization:
		return false, false
	}
	if !slices.ContainsFunc(Entries(), func(e Entry) bool { return e.Type == kind }) {
		return false, false
	}
	text := []byte(value)
	shared().Scan(&detect.Window{Text: text, To: len(text) + 1}, func(h detect.Hit) {
		valid = valid || h.Type == kind && h.Start == 0 && h.End == len(text)
	})
	return valid, true
}
