package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/quarantine"
)

// holdState is where a recipient stands.
func holdState(h *quarantine.Hold) badge {
	if h.Ended != nil {
		return endState(h.Ended.How)
	}
	switch {
	case h.Pinned != nil:
		return badge{Icon: "pause", Word: "kept", Tone: "busy", Means: "no deadline ends it until somebody lets it go on"}
	case h.Delay:
		return badge{Icon: "clock", Word: "waits to leave", Tone: "busy", Means: "nobody is asked; it leaves by itself"}
	case h.Override:
		return badge{Icon: "pause", Word: "its sender chooses", Tone: "warn", Means: "the sender may send it with a reason"}
	}
	return badge{Icon: "pause", Word: "waits", Tone: "warn", Means: "a person or a deadline decides"}
}

func endState(how quarantine.How) badge {
	switch how {
	case quarantine.Released:
		return badge{Icon: "check", Word: "released", Tone: "good", Means: "somebody let it go"}
	case quarantine.Sent:
		return badge{Icon: "check", Word: "sent", Tone: "good", Means: "its sender sent it, or its time had come"}
	case quarantine.TimedOut:
		return badge{Icon: "check", Word: "released unseen", Tone: "warn", Means: "nobody decided in time, and the policy lets it go then"}
	case quarantine.Rejected:
		return badge{Icon: "stop", Word: "rejected", Tone: "bad", Means: "somebody said no; the sender was told"}
	case quarantine.Expired:
		return badge{Icon: "stop", Word: "refused unseen", Tone: "bad", Means: "nobody decided in time, and the policy refuses it then"}
	case quarantine.Cancelled:
		return badge{Icon: "dash", Word: "canceled", Tone: "calm", Means: "its sender took it back"}
	case quarantine.Removed:
		return badge{Icon: "dash", Word: "taken out", Tone: "calm", Means: "its sender took this recipient out"}
	}
	return badge{Icon: "ask", Word: flat(string(how), 40), Tone: "calm"}
}

// holdMarks are what else one must know of a recipient who waits.
func holdMarks(h *quarantine.Hold) (list []badge) {
	if h.Altered {
		list = append(list, badge{
			Icon: "cross", Word: "row was changed", Tone: "bad",
			Means: "the row in the database is not what was written: only an administrator decides",
		})
	}
	if h.Danger {
		list = append(list, badge{Icon: "stop", Word: "malware", Tone: "bad", Means: "letting it go needs a right of its own"})
	}
	if len(h.Later) > 0 {
		list = append(list, badge{
			Icon: "again", Word: "found since", Tone: "warn", Means: "a later look has found more: " + flat(strings.Join(h.Later, ", "), 200),
		})
	}
	if h.Ended == nil && h.Request != nil {
		list = append(list, badge{Icon: "ask", Word: "asked for", Tone: "busy", Means: "the recipient has asked for it"})
	}
	return list
}

// askedWords says who decides.
func askedWords(h *quarantine.Hold) string {
	switch {
	case h.Delay:
		return "nobody: it leaves by itself"
	case h.Override:
		return "its sender"
	case h.Panel.Administrators():
		return "an administrator: nobody else could be asked"
	case h.Of > 1:
		return fmt.Sprintf("%d of %s", h.Of, h.Panel)
	}
	return h.Panel.String()
}

// votesWords says how far an agreement of several is; "" for a decision of one.
func votesWords(h *quarantine.Hold) string {
	if h.Of < 2 || h.Ended != nil {
		return ""
	}
	return fmt.Sprintf("%d of %d have agreed", len(h.AgreedBy()), h.Of)
}

// deadline says by when, and what happens then.
func (c *Console) deadline(h *quarantine.Hold, now time.Time) string {
	switch {
	case h.Ended != nil:
		return ""
	case h.Pinned != nil:
		return "none while it is kept"
	case h.Until.IsZero():
		return "none"
	}
	then := "it is refused and its sender told"
	switch {
	case h.Delay, h.End == policy.EndRelease:
		then = "it is sent"
	case h.End == policy.EndReleaseEncrypted:
		then = "an administrator is called: this version cannot send it encrypted"
	}
	left := h.Until.Sub(now)
	if left <= 0 {
		return "over now; " + then
	}
	return fmt.Sprintf("in %s, %s: then %s", roughly(left), c.when(h.Until), then)
}

// passed is how much of the time is over, in percent; -1 where there is no end.
func passed(h *quarantine.Hold, now time.Time) int {
	whole := h.Until.Sub(h.Since)
	if h.Ended != nil || h.Until.IsZero() || whole <= 0 {
		return -1
	}
	return int(min(max(now.Sub(h.Since)*100/whole, 0), 100))
}

// when is a moment in the console's zone with its day of the week.
func (c *Console) when(t time.Time) string {
	here := t.In(c.zone)
	if here.Year() != time.Now().In(c.zone).Year() {
		return here.Format("Mon 2 Jan 2006 15:04")
	}
	return here.Format("Mon 2 Jan 15:04")
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// endWords says how it ended.
func (c *Console) endWords(e *quarantine.Ending) string {
	who := whoWords(e.By, "")
	switch e.How {
	case quarantine.Released:
		return fmt.Sprintf("Released by %s, %s.", who, c.when(e.At))
	case quarantine.Sent:
		if e.Means == quarantine.ByClock {
			return fmt.Sprintf("Sent when its time had come, %s.", c.when(e.At))
		}
		return fmt.Sprintf("Sent by %s, with a reason, %s.", who, c.when(e.At))
	case quarantine.TimedOut:
		return fmt.Sprintf("Sent without a decision: the time was over, %s.", c.when(e.At))
	case quarantine.Rejected:
		return fmt.Sprintf("Rejected by %s, %s. The sender was told.", who, c.when(e.At))
	case quarantine.Expired:
		return fmt.Sprintf("Refused without a decision: the time was over, %s. The sender was told.", c.when(e.At))
	case quarantine.Cancelled, quarantine.Removed:
		return fmt.Sprintf("Taken back by its sender, %s.", c.when(e.At))
	}
	return fmt.Sprintf("Over: %s by %s, %s.", flat(string(e.How), 40), who, c.when(e.At))
}

// whoWords is a person: an address, or a user of this machine.
func whoWords(by, actor string) string {
	name := first(by, actor)
	switch {
	case name == "gateway" || name == "deadline":
		return "the " + name
	case strings.HasPrefix(name, "uid:"):
		return "user " + flat(strings.TrimPrefix(name, "uid:"), 20) + " of this machine"
	case name == "":
		return "somebody"
	}
	return flat(name, 120)
}

// whyWords says why holds stay as they are.
func whyWords(why quarantine.Why) string {
	switch why {
	case quarantine.NotIdentified:
		return "nobody is identified"
	case quarantine.NotYours:
		return "wait for somebody else, or are another tenant's"
	case quarantine.OwnMail:
		return "are your own mail"
	case quarantine.OverAlready:
		return "were decided meanwhile"
	case quarantine.SaidAlready:
		return "have your word already"
	case quarantine.IsPinned:
		return "are kept and must be let go on first"
	case quarantine.NeedsRight:
		return "need a right that you have not, as for malware"
	case quarantine.NeedsReason:
		return "need a reason"
	case quarantine.WasAltered:
		return "have a row that was changed"
	}
	return "cannot be decided about now"
}

// note is what the chain keeps of an event about held mail.
type note struct {
	By      string           `json:"by"`
	To      []mail.Address   `json:"to"`
	People  []mail.Address   `json:"people"`
	Comment string           `json:"comment"`
	Text    string           `json:"text"`
	Why     string           `json:"why"`
	Choice  string           `json:"choice"`
	Other   string           `json:"other"`
	As      quarantine.As    `json:"as"`
	Depth   quarantine.Depth `json:"depth"`
	Act     quarantine.Act   `json:"act"`
}

// happening is a line of a held message's history.
type happening struct {
	At time.Time
	// Who did What; To are the recipients it was about when not all.
	Who, What string
	To        []mail.Address
	Said      string
}

// happenings puts the events of a held message into words. Those that are no
// concern of people are left out.
func happenings(events []audit.Event) (list []happening) {
	for _, e := range events {
		var n note
		_ = json.Unmarshal(e.Public, &n) // what cannot be read says nothing
		_ = json.Unmarshal(e.Personal, &n)
		what := eventWords(e.Kind, n)
		if what == "" {
			continue
		}
		said := first(n.Comment, n.Text, n.Why)
		if n.Choice != "" {
			said = strings.TrimSuffix(n.Choice+": "+said, ": ")
		}
		list = append(list, happening{At: e.At, Who: whoWords(n.By, e.Actor), What: what, To: n.To, Said: said})
	}
	return list
}

func eventWords(kind string, n note) string {
	switch kind {
	case "released", "declined", "expired", "cancelled", "removed", "agreed", "disagreed":
		return map[string]string{
			"released": "let it go", "declined": "said no", "expired": "ended it without a decision", "cancelled": "took it back",
			"removed": "took a recipient out", "agreed": "agreed; others must too", "disagreed": "said no; others may still agree",
		}[kind]
	case "reminded":
		return "reminded " + people(n.People)
	case "deputies asked":
		return "asked the deputies: " + people(n.People)
	case "handed on":
		return "named " + first(flat(n.Other, 120), "somebody") + " to decide"
	case "asked":
		return "asked the sender"
	case "sender answered":
		return "answered"
	case "explained":
		return "said why it should go"
	case "requested":
		return "asked for it, as its recipient"
	case "pinned":
		return "had it kept"
	case "unpinned":
		return "let it go on"
	case "read":
		if n.Depth == quarantine.Redacted {
			return "looked into it, with what was found blotted out (as " + flat(string(n.As), 20) + ")"
		}
		return "looked into all of it (as " + flat(string(n.As), 20) + ")"
	case "emergency asked":
		return "asked for an emergency: to read it although nobody may"
	case "emergency confirmed":
		return "confirmed the emergency"
	case "not allowed":
		return "tried what no role allows (" + flat(string(n.Act), 20) + ")"
	case "answer by mail":
		return "took an answer by mail"
	}
	return ""
}

func people(list []mail.Address) string {
	var words []string
	for _, a := range list {
		words = append(words, flat(string(a), 80))
	}
	if len(words) > 4 {
		words = append(words[:3], fmt.Sprintf("%d others", len(list)-3))
	}
	return first(strings.Join(words, ", "), "somebody")
}
