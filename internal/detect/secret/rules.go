package secret

import "postern.dev/postern/internal/detect"

// rule is the form of the tokens of one service.
type rule struct {
	// id is the name in tests and explanations; kind the type of findings.
	id, kind string
	// name is what an administrator calls it; from where the form is
	// published.
	name, from string
	// prefix are the beginnings, separated by spaces.
	prefix string
	// body are the bytes behind it, at least min and at most max of them;
	// max 0: as many as there are.
	body     set
	min, max int
	// level is none for high.
	level detect.Confidence
	// check, when set, reads on behind the prefix itself, or looks closer at
	// what was read; it gives the place of the whole.
	check func(s *scan, m match) (match, bool)
	// form, for rules without a prefix, judges a whole piece of min to max
	// letters, digits, hyphens and underscores.
	form func(w []byte) bool
	// loose prefixes are long enough to begin anywhere.
	loose bool
	// raw bodies need not look random.
	raw bool
}

// match is a place where a rule may hold.
type match struct {
	rule *rule
	// start and end enclose the secret; body is where its prefix ends.
	start, body, end int
	level            detect.Confidence
	why              string
	// weak is set when the body does not look random.
	weak bool
}

// The types of findings.
const (
	PrivateKey       = "SECRET_PRIVATE_KEY"
	AWS              = "SECRET_AWS"
	Azure            = "SECRET_AZURE"
	GCP              = "SECRET_GCP"
	GitHub           = "SECRET_GITHUB"
	GitLab           = "SECRET_GITLAB"
	Slack            = "SECRET_SLACK"
	Stripe           = "SECRET_STRIPE"
	Twilio           = "SECRET_TWILIO"
	SendGrid         = "SECRET_SENDGRID"
	NPM              = "SECRET_NPM"
	PyPI             = "SECRET_PYPI"
	JWT              = "SECRET_JWT"
	Token            = "SECRET_TOKEN"
	Webhook          = "SECRET_WEBHOOK"
	Authorization    = "SECRET_AUTHORIZATION"
	URL              = "SECRET_URL"
	ConnectionString = "SECRET_CONNECTION_STRING"
	Password         = "SECRET_PASSWORD"
	PasswordHash     = "SECRET_PASSWORD_HASH"
	Generic          = "SECRET_GENERIC"
)

// none is the body of rules whose check reads on by itself.
const none set = 0

// rules is the whole table.
func rules() []rule {
	var list []rule
	for _, family := range [][]rule{
		cloudRules(), clusterRules(), codeRules(), talkRules(), deskRules(), modelRules(), otherRules(), formRules(),
	} {
		list = append(list, family...)
	}
	return list
}

// headBits is the size of the table of prefixes.
const headBits = 12

// heads finds the prefixes that begin with three given bytes.
type heads struct {
	mark [1 << headBits]uint16
	list [][]headOf
}

type headOf struct {
	prefix string
	rule   *rule
}

func headHash(a, b, c byte) uint32 {
	return (uint32(a) | uint32(b)<<8 | uint32(c)<<16) * 0x9E3779B1 >> (32 - headBits)
}

func newHeads(all []rule) (h heads) {
	h.list = [][]headOf{nil}
	for i := range all {
		for _, p := range words(all[i].prefix) {
			k := headHash(p[0], p[1], p[2])
			if h.mark[k] == 0 {
				h.list = append(h.list, nil)
				h.mark[k] = uint16(len(h.list) - 1)
			}
			h.list[h.mark[k]] = append(h.list[h.mark[k]], headOf{p, &all[i]})
		}
	}
	return h
}

// words splits at single spaces.
func words(s string) (list []string) {
	for start, i := 0, 0; i <= len(s); i++ {
		if i == len(s) || s[i] == ' ' {
			if i > start {
				list = append(list, s[start:i])
			}
			start = i + 1
		}
	}
	return list
}
