package notice

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"postern.dev/postern/internal/mail"
)

// Text is a mail: its subject, its plain text and the same as HTML.
type Text struct{ Subject, Body, HTML string }

// About is what every text may need. What is missing is left out, or said in
// general words.
type About struct {
	// Languages are those of the reader, the best first. English is the last.
	Languages []string
	// Zone is the time zone of the reader; nil for UTC.
	Zone *time.Location
	// Subject is that of the original; "" leaves it out.
	Subject string
	// All is the number of recipients of the original.
	All int
	// List are the recipients that the text is about.
	List []mail.Address
	// Lines are shown as a list, when it is no list of recipients.
	Lines []string
	// Items are shown as a list, each with its link.
	Items []Item
	// Further is how many lines there are besides those of Items.
	Further int
	// Checked are shown as a list: what would happen to whom.
	Checked []Checked
	// Kept are shown as a list: what was kept back for the reader.
	Kept []Kept
	// Change is the smallest change to another verdict, and Then that verdict:
	// what Checked calls Would.
	Change, Then string
	// Refused is why an answer came to nothing, e.g. not-yours; Ended how it
	// ended when it was over before, e.g. released.
	Refused, Ended string
	// Role is why the reader was asked: manager, named, group, deputy, handed.
	Role string
	// Before is how many mails went to the recipients before; nil when nobody
	// counts them.
	Before *int
	// Left is how much time is left.
	Left time.Duration
	// Why is what was found, in words without values: "3 card numbers in
	// plan.docx".
	Why string
	// Rule is the policy's name.
	Rule string
	// Advice is the policy author's own sentence.
	Advice string
	// Who decides or decided: a name, or "manager".
	Who string
	// Waited is how long nobody decided, Due when it is over, and End what
	// then happens: refuse, release, release-encrypted.
	Waited time.Duration
	Due    time.Time
	End    string
	// Reply is the last answer of Host.
	Reply mail.Reply
	Host  string
	// Contact is whom to ask; Organization is the tenant's name.
	Contact, Organization string
	// Ref is the 8-character reference.
	Ref string
	// Links are addresses by the name of their variable, e.g. "link". Only
	// those at Console are written: mails from elsewhere look alike.
	Links   map[string]string
	Console string
	// More are further values by the name of their variable.
	More map[string]string
	// Times are further moments by the name of their variable.
	Times map[string]time.Time
}

// Write writes a text in the reader's language; a nil Catalog has those of
// Default. It never fails: a kind that is not known is a mistake of the program.
func (c *Catalog) Write(kind Kind, a About) Text {
	if c == nil {
		c = Default()
	}
	l, t := c.find(kind, a.Languages)
	if t == nil {
		panic("notice: there is no text " + string(kind)) // the tests write every kind
	}
	v := c.values(l, a)
	subject := strings.Builder{}
	for _, s := range render(t.subject, v) {
		subject.WriteString(s.text)
	}
	text := Text{Subject: strings.TrimSpace(oneLine(subject.String()))}
	var paras [][]span
	for _, p := range t.paras {
		if list := render(p, v); !empty(list) {
			paras = append(paras, list)
		}
	}
	cut := c.cutter(l, a.Further)
	text.Body, text.HTML = plainText(paras, cut), htmlText(l.name, text.Subject, paras, cut)
	return text
}

// values puts the values into words.
func (c *Catalog) values(l *language, a About) *values {
	v := &values{text: map[string]string{}, list: map[string][]Item{}}
	set := func(name, value string) {
		if value = oneLine(value); value != "" {
			v.text[name] = value
		}
	}
	set("subject", cut(a.Subject, subjectLength))
	set("organization", a.Organization)
	set("contact", orElse(a.Contact, c.word(l, "administrators", "organization", a.Organization)))
	set("ref", a.Ref)
	set("finding", orElse(a.Why, c.word(l, "finding")))
	set("rule", orElse(a.Rule, "–"))
	set("advice", a.Advice)
	switch a.Who {
	case "":
		set("who", c.word(l, "somebody"))
	case "manager", "administrator":
		set("who", c.word(l, a.Who))
	default:
		set("who", a.Who)
	}
	if a.Waited > 0 {
		set("waited", c.span(l, a.Waited))
	}
	if !a.Due.IsZero() {
		set("due", c.moment(l, a.Due, a.Zone))
	}
	set("end", c.word(l, "end_"+strings.ReplaceAll(orElse(a.End, "refuse"), "-", "_")))
	set("host", a.Host)
	switch {
	case a.Reply.None():
		set("silent", "yes")
	case a.Reply.Temporary():
		set("later", "yes")
		set("answer", a.Reply.String())
	default:
		set("refused", "yes")
		set("answer", a.Reply.String())
	}
	c.people(l, a, set)
	v.list["list"] = c.lines(l, a)
	c.rest(l, a, set)
	for name, value := range a.More {
		set(name, value)
	}
	for name, at := range a.Times {
		set(name, c.moment(l, at, a.Zone))
	}
	for name, link := range a.Links {
		if a.leadsHome(link) {
			set(name, link)
		}
	}
	return v
}

// leadsHome reports whether a link is one at the console name.
func (a About) leadsHome(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.Host == a.Console && u.User == nil && oneLine(link) == link
}

// people are the words for recipients.
func (c *Catalog) people(l *language, a About, set func(name, value string)) {
	n, all := strconv.Itoa(len(a.List)), strconv.Itoa(a.All)
	switch {
	case len(a.List) < a.All:
		set("share", c.word(l, "share", "n", n, "all", all))
		set("others", "yes")
	case a.All == 1:
		set("share", c.word(l, "its_recipient"))
	default:
		set("share", c.word(l, "any_of", "n", all))
	}
	if len(a.List)+len(a.Kept)+a.Further > 1 {
		set("several", "yes")
	}
	var list []string
	for i, x := range a.List {
		if i == 1 && len(a.List) > 3 {
			list = append(list, c.word(l, "more", "n", strconv.Itoa(len(a.List)-1)))
			break
		}
		list = append(list, string(x))
	}
	if k := len(list) - 1; k > 0 {
		set("names", strings.Join(list[:k], ", ")+" "+c.word(l, "and")+" "+list[k])
	} else {
		set("names", orElse(strings.Join(list, ""), c.word(l, "share", "n", n, "all", all)))
	}
}

// span says a time span in words.
func (c *Catalog) span(l *language, d time.Duration) string {
	switch h := int(d.Hours()); {
	case h >= 48 && h%24 == 0:
		return c.word(l, "days", "n", strconv.Itoa(h/24))
	case h >= 2:
		return c.word(l, "hours", "n", strconv.Itoa(h))
	case d >= 2*time.Minute:
		return c.word(l, "minutes", "n", strconv.Itoa(int(d.Minutes())))
	}
	return c.word(l, "moment")
}

// moment is a time where the reader is: "Tue 24 Nov 2026 10:00 CET".
func (c *Catalog) moment(l *language, at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	day, month := strings.Fields(c.word(l, "weekdays")), strings.Fields(c.word(l, "months"))
	name, _ := at.Zone()
	return fmt.Sprintf("%s %d %s %s %s", day[at.Weekday()], at.Day(), month[at.Month()-1], at.Format("2006 15:04"), name)
}

// subjectLength is how much of the original's subject is repeated.
const subjectLength = 120

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// oneLine makes a value that adds no line and turns no text around: control
// characters and those of UAX #9 are left out.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Short is the one line that stands in an SMTP reply and in the report's
// diagnostic code.
func Short(rule, why, ref string) string {
	return fmt.Sprintf("Stopped by your organisation's rule %q: %s. ref %s", rule, oneLine(orElse(why, "something that a rule names")), ref)
}
