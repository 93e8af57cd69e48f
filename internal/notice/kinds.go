package notice

// Kind names a text.
type Kind string

// The texts, T1 to T22 of the product's list and some more. T13 is a page and
// no mail.
const (
	NotSent         Kind = "not-sent"         // T1: a policy stopped it; to a sender of the tenant
	NotSentOutside  Kind = "not-sent-outside" // T2: to an outside sender, who is told no reason
	Undelivered     Kind = "undelivered"      // the next hop refused it, or the time was over
	Relayed         Kind = "relayed"          // handed on to a system without reports (RFC 3461 §5.2.2)
	Waiting         Kind = "waiting"          // T3: held; to the sender
	Decide          Kind = "decide"           // T4: to who approves
	Reminder        Kind = "reminder"         // T5
	Approved        Kind = "approved"         // T6
	Declined        Kind = "declined"         // T7
	Expired         Kind = "expired"          // T8: to the sender
	ExpiredApprover Kind = "expired-approver" // T9
	Override        Kind = "override"         // T10
	Overridden      Kind = "overridden"       // T11
	Note            Kind = "note"             // T12
	Secure          Kind = "secure"           // T14
	PhoneNeeded     Kind = "phone-needed"     // T15
	Code            Kind = "code"             // T16, by mail
	Digest          Kind = "digest"           // T17: of incoming mail that was kept back
	Asked           Kind = "asked"            // T18
	Released        Kind = "released"         // T18
	KeptBack        Kind = "kept-back"        // T18
	Removed         Kind = "removed"          // T19
	Uninspected     Kind = "uninspected"      // T20: to administrators
	Drift           Kind = "drift"            // T21
	Loop            Kind = "loop"             // T22
	HeldDigest      Kind = "held-digest"      // what would be too many notices within an hour
	Passed          Kind = "passed"           // sent because nobody decided; to the sender
	Question        Kind = "question"         // of who decides; to the sender
	Answer          Kind = "answer"           // of the sender; to who decides
	Decided         Kind = "decided"          // what an answer by mail came to
	Ignored         Kind = "ignored"          // why an answer by mail came to nothing
	Draft           Kind = "checked"          // what would happen to a draft
)

// form says what a text may and must hold.
type form struct {
	kind Kind
	// needs are the variables without which the text says too little; may are
	// the others. Those of all texts are common.
	needs, may []string
}

// common may stand in every text.
func common() []string { return []string{"subject", "organization", "contact", "ref"} }

// forms has a row per kind.
func forms() []form {
	held := []string{"names", "finding", "rule"}
	return []form{
		{NotSent, []string{"finding", "rule", "list"}, []string{"share", "others", "advice", "names", "link_secure", "link_wrong"}},
		{NotSentOutside, []string{"list"}, []string{"several"}},
		{Undelivered, []string{"list"}, []string{"share", "names", "silent", "later", "refused", "answer", "host"}},
		{Relayed, []string{"names"}, []string{"host"}},
		{Waiting, held, []string{"who", "due", "end", "link", "advice"}},
		{Decide, []string{"sender", "names", "finding", "link"}, []string{
			"outside", "rule", "reason", "history", "by_mail", "due", "end", "role", "link_pass",
		}},
		{Reminder, []string{"sender", "link"}, []string{"own", "due", "left", "end"}},
		{Approved, []string{"names", "who"}, []string{"at", "accepted", "comment"}},
		{Declined, []string{"names", "who"}, []string{"comment"}},
		{Expired, []string{"names"}, []string{"finding", "rule", "waited", "link_again", "days", "told"}},
		{ExpiredApprover, []string{"sender"}, []string{"link"}},
		{Override, []string{"names", "finding"}, []string{"rule", "advice", "link", "due", "end"}},
		{Overridden, []string{"names", "reason"}, []string{"at", "audience", "until"}},
		{Note, []string{"finding", "rule"}, []string{"names", "advice", "from", "link_wrong"}},
		{Secure, []string{"sender", "link"}, []string{"digits", "until"}},
		{PhoneNeeded, []string{"names", "link"}, []string{"due"}},
		{Code, []string{"code"}, []string{"what"}},
		{Digest, []string{"n", "list"}, []string{"several", "since", "until", "link"}},
		{Asked, nil, []string{"at", "who", "due"}},
		{Released, []string{"at"}, []string{"date"}},
		{KeptBack, []string{"reason"}, nil},
		{Removed, []string{"sender", "kind"}, []string{"arrived", "at", "opened", "advice", "link_wrong"}},
		{Uninspected, []string{"n", "cause"}, []string{"tenant", "since", "until", "link"}},
		{Drift, []string{"n", "object", "effect"}, []string{"tenant", "who", "at", "change", "link"}},
		{Loop, []string{"n", "reason"}, []string{"tenant", "link"}},
		{HeldDigest, []string{"n", "list"}, []string{"link"}},
		{Passed, []string{"names", "rule"}, []string{"waited"}},
		{Question, []string{"names", "question"}, []string{"who", "link"}},
		{Answer, []string{"sender", "answer"}, []string{"link", "by_mail"}},
		{Decided, []string{"sender", "names"}, []string{"approved", "rejected", "open", "missing", "comment", "rest"}},
		{Ignored, []string{"reason"}, []string{"link", "by_mail"}},
		{Draft, []string{"list"}, []string{"advice", "cause", "change", "assumed"}},
	}
}

func formOf(k Kind) (form, bool) {
	for _, f := range forms() {
		if f.kind == k {
			return f, true
		}
	}
	return form{}, false
}

// Kinds lists every text.
func Kinds() []Kind {
	var list []Kind
	for _, f := range forms() {
		list = append(list, f.kind)
	}
	return list
}

// Variables lists what may stand in braces in a text; needed are those that
// must.
func Variables(k Kind) (needed, others []string) {
	f, _ := formOf(k)
	return f.needs, append(append([]string(nil), f.may...), common()...)
}

// Meaning says what a variable stands for.
func Meaning(name string) string {
	for _, m := range meanings {
		if m[0] == name {
			return m[1]
		}
	}
	return ""
}

var meanings = [...][2]string{
	{"accepted", "when the next hop took it"},
	{"advice", "the author's text of the rule"},
	{"answer", "the last answer of the next hop, or what the sender answered"},
	{"approved", "set when the mail was let go"},
	{"arrived", "when it arrived"},
	{"assumed", "set when a recipient was assumed"},
	{"at", "when it happened"},
	{"audience", "who can read the reason"},
	{"by_mail", "set when an answer by mail decides"},
	{"cause", "why something was not looked at"},
	{"change", "what was changed, or is to be"},
	{"code", "the code"},
	{"comment", "what the person who decided wrote"},
	{"contact", "whom to ask"},
	{"date", "the original's date"},
	{"days", "for how many days"},
	{"digits", "the last digits of the phone number"},
	{"due", "when the time is over"},
	{"effect", "what a change does to mail"},
	{"end", "what happens when the time is over"},
	{"finding", "what was found: kind, number and place, never the value"},
	{"from", "from when on"},
	{"history", "earlier mail to these recipients"},
	{"host", "the next hop"},
	{"kind", "what it turned out to be"},
	{"later", "set when the next hop put it off"},
	{"left", "how much time is left"},
	{"link", "the page for this message"},
	{"link_again", "the page to ask again"},
	{"link_pass", "the page to hand the decision on"},
	{"link_secure", "the page to send it securely"},
	{"link_wrong", "the page to say that something is wrong"},
	{"list", "the recipients, or what is listed, a line each"},
	{"missing", "how many must still agree"},
	{"n", "how many"},
	{"names", "the recipients in a line"},
	{"object", "what was changed in Exchange"},
	{"open", "set when more people must agree"},
	{"opened", "when it was opened"},
	{"organization", "the tenant's name"},
	{"others", "set when other recipients are not affected"},
	{"own", "set when it is the reader's own mail"},
	{"outside", "the recipients outside, short"},
	{"question", "what is asked"},
	{"reason", "the reason that was given, or why not"},
	{"ref", "the reference"},
	{"refused", "set when the next hop refused it"},
	{"rejected", "set when the mail was refused"},
	{"rest", "set when other recipients still wait"},
	{"role", "why this person was asked"},
	{"rule", "the name of the rule"},
	{"sender", "who sent it"},
	{"several", "set when there are several"},
	{"share", "how many of all recipients"},
	{"silent", "set when the next hop did not answer"},
	{"since", "since when"},
	{"subject", "the original's subject, when it may be repeated"},
	{"tenant", "the tenant's id"},
	{"told", "who else was told"},
	{"until", "until when"},
	{"waited", "how long nobody decided"},
	{"what", "what the code opens"},
	{"who", "who decides or decided"},
}
