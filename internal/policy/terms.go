package policy

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"postern.dev/postern/internal/mail"
)

// End is what happens to a held message when its time is over.
type End string

// The ends of a hold.
const (
	// EndRefuse does not send the message and tells the sender.
	EndRefuse End = "refuse"
	// EndRelease sends it.
	EndRelease End = "release"
	// EndReleaseEncrypted sends it by secure delivery.
	EndReleaseEncrypted End = "release-encrypted"
)

func endWords() []string {
	return []string{string(EndRefuse), string(EndRelease), string(EndReleaseEncrypted)}
}

// Terms are the terms of a hold or override besides who decides and how long
// it waits.
type Terms struct {
	// Delay is set for a message that only waits ("undo send"): its sender is
	// not told, may send it at once or not at all, and it leaves by itself.
	Delay bool `json:"delay,omitempty"`
	// Of is how many must agree; 0 and 1 mean one.
	Of int `json:"of,omitempty"`
	// Deputies decide when the approvers are away.
	Deputies []string `json:"deputies,omitempty"`
	// Working is the time that counts; nil means all of it.
	Working *Working `json:"working,omitempty"`
	// Remind says after how long those who decide are reminded.
	Remind []time.Duration `json:"remind,omitempty"`
	// Reasons are those that the sender chooses from, Comment whether a
	// sentence is asked for too.
	Reasons []string `json:"reasons,omitempty"`
	Comment Comment  `json:"comment,omitempty"`
	// Recipient are the rights of the one who does not get it, Preview what
	// those who decide may see of it.
	Recipient []Right `json:"recipient,omitempty"`
	Preview   Preview `json:"preview,omitempty"`
}

// Right is what a recipient may do about mail that was kept back for him.
type Right string

// The rights. Whoever has any of them sees that the mail is there.
const (
	RightSee     Right = "see"     // that it is there, from whom, and why
	RightPreview Right = "preview" // look into it
	RightRequest Right = "request" // ask for it
	RightRelease Right = "release" // get it
)

func rightWords() []string {
	return []string{string(RightSee), string(RightPreview), string(RightRequest), string(RightRelease)}
}

// Preview is how much of a held mail those who decide may see.
type Preview string

// The values of Preview; "" is PreviewWhole.
const (
	PreviewWhole    Preview = "whole"
	PreviewRedacted Preview = "redacted" // with what was found blotted out
	PreviewNone     Preview = "none"
)

func previewWords() []string {
	return []string{string(PreviewWhole), string(PreviewRedacted), string(PreviewNone)}
}

// Comment says whether a sender who overrides must write why.
type Comment string

// The values of Comment.
const (
	CommentRequired Comment = "required"
	CommentOptional Comment = "optional"
	CommentNone     Comment = "none"
)

func commentWords() []string {
	return []string{string(CommentRequired), string(CommentOptional), string(CommentNone)}
}

// Bounds of a hold.
const (
	defaultHold  = 48 * time.Hour
	maxHold      = 30 * 24 * time.Hour
	maxDelay     = 24 * time.Hour
	maxApprovers = 20
	maxReminders = 5
	maxReasons   = 20
	maxReason    = 200
)

// holdStep reads { approver: manager, for: 48h, then: refuse, … } or
// { delay: 10m }.
func (r *reader) holdStep(n, at ast.Node, s *Step) {
	m := r.parameters(n, HoldFor)
	s.Text = m.text("text")
	if m.has("delay") {
		r.delay(m, s)
		return
	}
	s.Approvers = r.deciders(m, "approver", "an approver")
	s.Terms.Deputies = r.deciders(m, "deputy", "a deputy")
	s.Terms.Of = m.number("of", 0)
	counted := len(s.Approvers)
	if slices.ContainsFunc(s.Approvers, func(a string) bool { return strings.HasPrefix(a, groupPrefix) }) || counted == 0 {
		counted = maxApprovers // a group has members, and there may be several administrators
	}
	if m.has("of") && (s.Terms.Of < 1 || s.Terms.Of > counted) {
		r.wrong(m.keys["of"], "of says how many approvers must agree: from 1 to %d", counted)
	}
	r.rights(m, s)
	r.waiting(m, s)
}

// rights reads what the recipient may do, and what those who decide may see.
func (r *reader) rights(m mapping, s *Step) {
	for _, p := range m.texts("recipient") {
		right := Right(p.text)
		switch {
		case !slices.Contains(rightWords(), p.text):
			r.wrong(p.node, "%q is no right of a recipient: %s%s", p.text, strings.Join(rightWords(), ", "), didYouMean(p.text, rightWords()))
		case slices.Contains(s.Terms.Recipient, right):
			r.wrong(p.node, "the right %q stands here twice", p.text)
		}
		s.Terms.Recipient = append(s.Terms.Recipient, right)
	}
	s.Terms.Preview = Preview(m.word("preview", "a value of preview", previewWords()))
}

// overrideStep reads { reasons: […], comment: required, … }.
func (r *reader) overrideStep(n ast.Node, s *Step) {
	m := r.parameters(n, Override)
	s.Text = m.text("text")
	for _, p := range m.texts("reasons") {
		reason := strings.TrimSpace(p.text)
		switch {
		case reason == "" || utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unprintable):
			r.wrong(p.node, "a reason is a line of 1 to 200 characters")
		case slices.Contains(s.Terms.Reasons, reason):
			r.wrong(p.node, "the reason %q stands here twice", reason)
		}
		s.Terms.Reasons = append(s.Terms.Reasons, reason)
	}
	if len(s.Terms.Reasons) > maxReasons {
		r.wrong(m.keys["reasons"], "an override has 20 reasons at most")
	}
	s.Terms.Comment = Comment(m.word("comment", "a value of comment", commentWords()))
	r.waiting(m, s)
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }

// delay reads the quiet wait of { delay: 10m }, which has no other terms.
func (r *reader) delay(m mapping, s *Step) {
	for _, key := range keys(m.keys) {
		if key != "delay" && key != "text" {
			r.wrong(m.at[key], "a delay ends by itself: %s does not belong to it", key)
		}
	}
	s.For, s.End, s.Terms.Delay = m.duration("delay", time.Minute), EndRelease, true
	if s.For > maxDelay {
		r.wrong(m.keys["delay"], "a delay lasts 24 hours at most")
	}
}

// groupPrefix is in front of the name of a group of the directory.
const groupPrefix = "group:"

func (r *reader) deciders(m mapping, key, what string) (who []string) {
	at := m.texts(key)
	for _, p := range at {
		group, isGroup := strings.CutPrefix(p.text, groupPrefix)
		_, err := mail.ParseAddress(p.text)
		switch {
		case slices.Contains(who, p.text):
			r.wrong(p.node, "%q stands here twice", p.text)
		case isGroup:
			if strings.TrimSpace(group) != group || group == "" || len(group) > 200 || strings.ContainsFunc(group, unprintable) {
				r.wrong(p.node, "%q is not the name of a group (group:legal)", p.text)
			}
		case p.text != "manager" && err != nil:
			r.wrong(p.node, "%s is manager or an address; %q is neither%s", what, p.text,
				didYouMean(p.text, []string{"manager"}))
		}
		who = append(who, p.text)
	}
	if len(at) > maxApprovers {
		r.wrong(m.keys[key], "a hold names 20 people and groups at most")
	}
	return who
}

// waiting reads how long a message waits, and what then happens.
func (r *reader) waiting(m mapping, s *Step) {
	s.For = m.duration("for", defaultHold)
	if s.For > maxHold {
		r.wrong(m.keys["for"], "a hold lasts 30 days at most")
	}
	if m.has("working") {
		s.Terms.Working = r.working(m.keys["working"], s.For)
	}
	s.Terms.Remind = m.durations("remind")
	for _, d := range s.Terms.Remind {
		if d >= s.For {
			r.wrong(m.keys["remind"], "a reminder comes before the time is over")
			break
		}
	}
	if len(s.Terms.Remind) > maxReminders {
		r.wrong(m.keys["remind"], "there are 5 reminders at most")
	}
	s.End = EndRefuse
	if end := m.word("then", "an end of a hold", endWords()); end != "" {
		s.End = End(end)
	}
}

// durations reads one time span or a list of them.
func (m mapping) durations(key string) (all []time.Duration) {
	for _, p := range m.texts(key) {
		one := mapping{r: m.r, keys: map[string]ast.Node{key: p.node}}
		if d := one.duration(key, 0); d > 0 {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// abilities names what an installation must be able to do for a step, besides
// the action itself. An approver needs nothing: whoever is named,
// administrators can decide.
func (s Step) abilities() (list []string) {
	add := func(used bool, what string) {
		if used {
			list = append(list, string(s.Action)+"."+what)
		}
	}
	add(s.Terms.Delay, "delay")
	add(len(s.Terms.Deputies) > 0, "deputy")
	add(s.Terms.Working != nil, "working")
	add(len(s.Terms.Remind) > 0, "remind")
	add(len(s.Terms.Reasons) > 0, "reasons")
	add(s.Terms.Comment == CommentRequired || s.Terms.Comment == CommentOptional, "comment")
	add(s.Keep > 0, "keep")
	add(s.Level != "", "level."+string(s.Level))
	return list
}
