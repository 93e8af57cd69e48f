package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"postern.dev/postern/internal/mail"
)

// Edit is what policies change of a message itself. Every change is in the
// record as "modified".
type Edit struct {
	// Tags stand in front of the subject.
	Tags []string `json:"tags,omitempty"`
	// Banners stand on top of the text.
	Banners []Banner `json:"banners,omitempty"`
	// Hide says whom the fields To and Cc do not name any more.
	Hide Hide `json:"hide,omitempty"`
	// Cc are the recipients that are added visibly.
	Cc []mail.Address `json:"cc,omitempty"`
}

// None reports whether nothing is changed.
func (e Edit) None() bool {
	return len(e.Tags)+len(e.Banners)+len(e.Cc) == 0 && e.Hide == ""
}

// Banner is a text on top of a message.
type Banner struct {
	Text  string `json:"text"`
	Style Style  `json:"style,omitempty"`
}

// Style is how a banner looks in HTML.
type Style string

// The styles.
const (
	Info     Style = "info"
	Warning  Style = "warning"
	Critical Style = "critical"
)

func styleWords() []string { return []string{string(Info), string(Warning), string(Critical)} }

// Hide says which recipients are taken out of the fields To and Cc; they get
// the message all the same.
type Hide string

// The values of Hide.
const (
	// HideOutside leaves the tenant's own people in the fields.
	HideOutside Hide = "outside"
	// HideAll makes a Bcc of everybody.
	HideAll Hide = "all"
)

func hideWords() []string { return []string{string(HideOutside), string(HideAll)} }

// Handoff is what Exchange's rules shall do with a message that goes back to
// them. The tenant's preset says by which header field they are told.
type Handoff string

// The hand-offs.
const (
	Quarantine Handoff = "quarantine"
	Moderate   Handoff = "moderate"
	Encrypt    Handoff = "encrypt"
	// Junk has the tenant's rule set the spam confidence level.
	Junk Handoff = "junk"
)

// Handoffs lists every hand-off. Of those that share a header field the
// first one wins: it is the strictest.
func Handoffs() []Handoff { return []Handoff{Quarantine, Moderate, Encrypt, Junk} }

func handoffWords() (words []string) {
	for _, h := range Handoffs() {
		words = append(words, string(h))
	}
	return words
}

// Bounds of what is written into a message.
const (
	maxTag    = 40
	maxBanner = 1000
)

// headerStep reads the parameters of header.
func (r *reader) headerStep(n, at ast.Node, s *Step) {
	m := r.parameters(n, SetHeader)
	s.Headers = r.headers(m)
	if tag := m.text("tag"); m.has("tag") {
		if wrong := badTag(tag); wrong != "" {
			r.wrong(m.keys["tag"], "%s", wrong)
		}
		s.Edit.Tags = []string{tag}
	}
	if m.has("banner") {
		s.Edit.Banners = r.banner(m.keys["banner"])
	}
	s.Edit.Hide = Hide(m.word("hide", "a value of hide", hideWords()))
	s.Handoff = Handoff(m.word("handoff", "a hand-off to Exchange", handoffWords()))
	if len(m.keys) == 0 {
		r.wrong(at, "header sets nothing (header: { set: { X-Postern-Action: Quarantine } })")
	}
}

func badTag(tag string) string {
	switch {
	case strings.TrimSpace(tag) == "":
		return "the tag is empty"
	case strings.TrimSpace(tag) != tag:
		return "a tag begins and ends with a character, not with a space"
	case utf8.RuneCountInString(tag) > maxTag:
		return "a tag has 40 characters at most"
	case strings.Contains(tag, "=?"):
		return `a tag cannot hold "=?": mail programs would read it as encoded`
	case strings.ContainsFunc(tag, func(c rune) bool { return !unicode.IsPrint(c) }):
		return "a tag holds printable characters only"
	}
	return ""
}

// banner reads a text, or { text: …, style: … }.
func (r *reader) banner(n ast.Node) []Banner {
	b := Banner{Style: Info}
	at := n
	if s, ok := text(n); ok {
		b.Text = s
	} else {
		m, ok := r.mapping(n, "banner", "text", "style")
		if !ok {
			return nil
		}
		b.Text = m.needText("text", "a banner")
		if m.has("text") {
			at = m.keys["text"]
		}
		if style := m.word("style", "a style of banners", styleWords()); style != "" {
			b.Style = Style(style)
		}
	}
	b.Text = strings.TrimSpace(b.Text)
	switch {
	case b.Text == "":
		r.wrong(at, "the banner is empty")
	case utf8.RuneCountInString(b.Text) > maxBanner:
		r.wrong(at, "a banner has 1000 characters at most")
	case strings.ContainsFunc(b.Text, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }):
		r.wrong(at, "a banner holds printable characters and line ends only")
	}
	return []Banner{b}
}

// add takes over what another rule wants changed.
func (e *Edit) add(o Edit) {
	for _, t := range o.Tags {
		if !slices.Contains(e.Tags, t) {
			e.Tags = append(e.Tags, t)
		}
	}
	for _, b := range o.Banners {
		if !slices.Contains(e.Banners, b) {
			e.Banners = append(e.Banners, b)
		}
	}
	if e.Hide != HideAll && o.Hide != "" {
		e.Hide = o.Hide
	}
	for _, a := range o.Cc {
		if !slices.Contains(e.Cc, a) {
			e.Cc = append(e.Cc, a)
		}
	}
}

// handOff adds a hand-off, in the order of their strength.
func (v *RecipientVerdict) handOff(h Handoff) {
	if h == "" || slices.Contains(v.Handoff, h) {
		return
	}
	v.Handoff = append(v.Handoff, h)
	order := Handoffs()
	slices.SortFunc(v.Handoff, func(a, b Handoff) int { return slices.Index(order, a) - slices.Index(order, b) })
}

// add adds recipients. Whom one rule adds visibly and another one not is
// visible: the Cc field is what a rule asked for.
func (v *RecipientVerdict) add(list []Added) {
	for _, a := range list {
		at := slices.IndexFunc(v.Added, func(o Added) bool { return o.Address.Fold() == a.Address.Fold() })
		if at < 0 {
			v.Added = append(v.Added, a)
		} else if a.Visible {
			v.Added[at].Visible = true
		}
		if a.Visible {
			v.Edit.add(Edit{Cc: []mail.Address{a.Address}})
		}
	}
}
