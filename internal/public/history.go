package public

import (
	"strings"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/mail"
)

// file is an attachment on the page.
type file struct {
	// Name is that of the file, Kind its type and size.
	Name []run
	Kind []run
	// Read says whether all of it was read, and if not, why; Tone how that is
	// meant.
	Read, Tone string
}

// Files are the attachments, and what was read of each.
func (m *matter) Files() (list []file) {
	for _, p := range m.record.Parts {
		if !p.Attachment || len(list) == mostFound {
			continue
		}
		kind := octets(p.Size)
		if p.Type != "" {
			kind = p.Type + ", " + kind
		}
		f := file{
			Name: m.v.text(p.Name, longName), Kind: m.v.text(kind, longName), Read: m.v.speech.say("file_read"), Tone: "good",
		}
		if causes := m.unread(p); len(causes) > 0 {
			f.Read, f.Tone = m.v.speech.say("file_unread", "why", strings.Join(causes, ", ")), "warn"
		}
		list = append(list, f)
	}
	return list
}

// unread are the causes for which something of an attachment was not read, each
// once: of the file itself, and of what is inside of it.
func (m *matter) unread(p audit.Part) (causes []string) {
	seen := map[mail.Cause]bool{}
	for _, u := range m.record.Unseen {
		inside, of := strings.CutPrefix(u.Part, p.Path)
		if !of || seen[u.Reason] || inside != "" && inside[0] >= '0' && inside[0] <= '9' {
			continue
		}
		seen[u.Reason] = true
		causes = append(causes, m.v.speech.say("cause_"+string(u.Reason)))
	}
	return causes
}

// told are the steps of a record that people read of, and their texts.
func told() map[string]string {
	return map[string]string{
		"received": "step_received", "reminded": "step_reminded", "deputies asked": "step_deputies", "handed on": "step_handed",
		"looked again": "step_looked", "asked again": "step_again", "requested": "step_requested", "explained": "step_explained",
		"pinned": "step_pinned", "unpinned": "step_unpinned",
	}
}

// mostSteps is how many lines of the history a page shows, the last ones.
const mostSteps = 30

// History is what happened so far, in its order: for its sender and for those
// who decide.
func (m *matter) History() (list []string) {
	if !m.Sender && !m.Decider {
		return nil
	}
	say, zone, h := m.v.speech.say, m.v.tenant.Zone, m.one()
	asked := false
	for _, s := range m.record.Steps {
		if text, ok := told()[s.Name]; ok {
			list = append(list, say(text, "at", m.v.speech.moment(s.At, zone)))
		}
		if !asked && !h.Delay && !h.Override && !h.Panel.Administrators() {
			asked = true
			list = append(list, say("step_asked", "who", h.Panel.String(), "at", m.v.speech.moment(h.Since, zone)))
		}
	}
	return list[max(0, len(list)-mostSteps):]
}

// Before says how many mails the sender wrote to those outside before; "" when
// nobody counts them.
func (m *matter) Before() string {
	if !m.Decider || m.Incoming() || m.before == nil {
		return ""
	}
	if *m.before == 0 {
		return m.v.speech.say("before_first")
	}
	return m.v.speech.say("before_known", "n", *m.before)
}
