package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy/explain"
)

// words are the functions of the templates. None of them returns markup.
func (c *Console) words() template.FuncMap {
	return template.FuncMap{
		"text":      seen,
		"flat":      flat,
		"octets":    octets,
		"grouped":   grouped[int],
		"moment":    c.moment,
		"delivery":  delivery,
		"verdict":   verdict,
		"inspected": inspected,
		"cause":     cause,
		"stepWords": stepWords,
		"truth":     truth,
		"part":      part,
		"evidence":  explain.Evidence,
		"counted":   counted,
		"who":       func(by string) string { return whoWords(by, "") },
		"since":     func(from, to time.Time) string { return span(to.Sub(from)) },
	}
}

// badge is a state as icon and word; the tone only repeats what they say.
type badge struct {
	Icon, Word, Tone string
	// N is how often; 0 and 1 are not shown.
	N int
	// Means is a sentence.
	Means string
}

func delivery(d audit.Delivery) badge {
	switch d {
	case audit.Delivered:
		return badge{Icon: "check", Word: "delivered", Tone: "good", Means: "the next hop took it"}
	case audit.Waiting:
		return badge{Icon: "clock", Word: "waiting", Tone: "busy", Means: "it is on its way; the next try comes by itself"}
	case audit.Held:
		return badge{Icon: "pause", Word: "held", Tone: "warn", Means: "a person or a deadline decides"}
	case audit.Refused:
		return badge{Icon: "stop", Word: "refused", Tone: "bad", Means: "a policy, a person or the front door said no"}
	case audit.Failed:
		return badge{Icon: "cross", Word: "failed", Tone: "bad", Means: "the next hop said no, or we gave up"}
	case audit.Redirected:
		return badge{Icon: "turn", Word: "redirected", Tone: "busy", Means: "somebody else got it instead"}
	case audit.Deferred:
		return badge{Icon: "again", Word: "deferred", Tone: "busy", Means: "answered \"not now\"; the client comes again"}
	case audit.Unknown:
		return badge{Icon: "ask", Word: "unknown", Tone: "warn", Means: "the answer was lost: delivered, or it comes again"}
	case "":
		return badge{Icon: "dash", Word: "not yet", Tone: "calm", Means: "nothing is known yet"}
	}
	return badge{Icon: "ask", Word: string(d), Tone: "calm"}
}

func verdict(v string) badge {
	b := badge{Word: v, Tone: "calm"}
	switch v {
	case "block":
		b.Icon, b.Tone, b.Means = "stop", "bad", "this recipient must not get it"
	case "hold", "override", "secure":
		b.Icon, b.Tone, b.Means = "pause", "warn", "it goes on only after something else happened"
	case "redirect":
		b.Icon, b.Tone, b.Means = "turn", "busy", "somebody else gets it instead"
	case "deliver":
		b.Icon, b.Means = "check", "nothing speaks against it"
	case "log", "header", "notify", "copy":
		b.Icon, b.Means = "note", "it goes on, and something is done besides"
	case "":
		b.Icon, b.Word, b.Means = "dash", "none", "no policy was asked"
	}
	return b
}

// inspected reads the value as the header field has it: "full",
// "partial; reason=encrypted,too-large".
func inspected(s string) badge {
	word, reason, _ := strings.Cut(s, "; reason=")
	if reason != "" {
		reason = ": " + reason
	}
	switch word {
	case "full":
		return badge{Icon: "full", Word: word, Tone: "calm", Means: "every part was looked at"}
	case "partial":
		return badge{Icon: "half", Word: word, Tone: "warn", Means: "some of it could not be looked at" + reason}
	case "none":
		return badge{Icon: "none", Word: word, Tone: "warn", Means: "nothing of it could be looked at" + reason}
	case "":
		return badge{Icon: "dash", Word: "not looked at", Tone: "calm", Means: "it never came to looking"}
	}
	return badge{Icon: "ask", Word: flat(s, 40), Tone: "calm"}
}

func cause(c mail.Cause) string {
	switch c {
	case mail.EngineDown:
		return "the looking engine was down"
	case mail.EngineFailed:
		return "the looking engine failed at it"
	case mail.OutOfTime:
		return "the time ran out"
	case mail.Encrypted:
		return "it is encrypted"
	case mail.TooLarge:
		return "it is too large"
	case mail.TooDeep:
		return "it is nested too deep"
	case mail.TooManyParts:
		return "it has too many parts"
	case mail.Malformed:
		return "it breaks its own format"
	case mail.Ambiguous:
		return "programs would read it differently"
	case mail.Unsupported:
		return "nothing here reads this format"
	}
	return string(c)
}

// stepWords says what a step of the timeline is.
func stepWords(name string) string {
	switch name {
	case "connected":
		return "The client connected"
	case "received":
		return "The whole message arrived"
	case "identified":
		return "It belongs to a tenant"
	case "trusted tag":
		return "It bears a tag that the tenant trusts"
	case "indexed":
		return "Its parts were listed"
	case "looked":
		return "Its content was looked at"
	case "decided":
		return "The policy decided"
	case "planned":
		return "It was planned who gets it how"
	case "intent":
		return "Noted that it is about to be handed back"
	case "handing back":
		return "Handing back begins"
	case "onward-rcpt":
		return "The next hop was asked for the recipients"
	case "onward-dot":
		return "The next hop has the whole message"
	case "next hop answered":
		return "The next hop answered, and so did we"
	case "stored":
		return "The body is on disk, encrypted"
	case "committed":
		return "The promise is on disk"
	case "in custody":
		return "Taken into our custody"
	case "judged in custody":
		return "Judged while in our custody"
	case "answered":
		return "We answered the client"
	case "released":
		return "A person released it"
	case "declined":
		return "A person declined it"
	case "expired":
		return "The deadline passed without a decision"
	case "agreed":
		return "A person agreed; others have to as well"
	case "reminded":
		return "Those who decide were reminded"
	case "deputies asked":
		return "The deputies were asked"
	case "handed on":
		return "The decision was handed on"
	case "asked":
		return "The sender was asked"
	case "sender answered":
		return "The sender answered"
	case "explained":
		return "The sender said why it should go"
	case "requested":
		return "The recipient asked for it"
	case "pinned":
		return "Kept for good"
	case "unpinned":
		return "No longer kept for good"
	case "read":
		return "Somebody looked into it"
	case "crash":
		return "The gateway stopped in the middle of it"
	}
	if kind, ok := strings.CutSuffix(name, " attempted"); ok {
		switch kind {
		case "return":
			return "Tried to hand it back"
		case "report":
			return "Tried to send the sender's report"
		case "notice":
			return "Tried to send a notice"
		case "copy":
			return "Tried to send a copy"
		case "secure":
			return "Tried the secure way"
		}
	}
	return name
}

// stamp is a moment in the console's zone; UTC is for the pointer.
type stamp struct {
	Machine, UTC string
	// Short is for lists, Fine for timelines, Day goes before Fine.
	Short, Day, Fine string
	None             bool
}

func (c *Console) moment(t time.Time) stamp {
	if t.IsZero() {
		return stamp{None: true}
	}
	here, now := t.In(c.zone), time.Now().In(c.zone)
	short := here.Format(time.DateOnly)
	switch {
	case short == now.Format(time.DateOnly):
		short = here.Format(time.TimeOnly)
	case now.Sub(t).Abs() < 180*24*time.Hour:
		short = here.Format("2 Jan 15:04")
	}
	return stamp{
		Machine: t.UTC().Format("2006-01-02T15:04:05.000Z"), UTC: t.UTC().Format("2006-01-02 15:04:05.000") + " UTC",
		Short: short, Day: here.Format(time.DateOnly), Fine: here.Format("15:04:05.000"),
	}
}

// span is a duration as people say it, with two figures that count.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + span(-d)
	case d < 50*time.Microsecond:
		return "<0.1 ms"
	case d < time.Millisecond:
		return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

func octets(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// grouped writes 1234567 as 1,234,567.
func grouped[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// many is a count with its noun: 1 message, 2 messages, 2 copies.
func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, y := strings.CutSuffix(noun, "y"); y {
		return grouped(n) + " " + stem + "ies"
	}
	return grouped(n) + " " + noun + "s"
}
