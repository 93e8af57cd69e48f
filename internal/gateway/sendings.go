package gateway

import "postern.dev/postern/internal/notice"

// Sending says what sends a text.
type Sending struct {
	Kind notice.Kind
	// Number is the text's in the list of the product, "" for one beside it.
	Number string
	// To is who gets it, When the occasion, By the place in the code.
	To, When, By string
	// Later is why nothing sends it in this version.
	Later string
}

// Sendings lists for every text what sends it. docs/reference/notices.md shows
// the list, and a test holds it against the texts.
func Sendings() []Sending {
	const sender, decider, recipient, admin = "sender", "who decides", "recipient", "administrators"
	return []Sending{
		{notice.NotSent, "T1", sender, "a policy stopped it", "letter blocked, enacting.refuse", ""},
		{notice.NotSentOutside, "T2", "sender outside", "the same, for a stranger; also declined and expired", "letter.said", ""},
		{notice.Waiting, "T3", sender, "it waits for somebody", "letter waiting, enacting.tellWaiting", ""},
		{notice.Decide, "T4", decider, "asked, handed on, asked as deputy, asked for by the recipient", "letter decide, enacting.tellOne", ""},
		{notice.Reminder, "T5", "who decides or chooses", "before the deadline, as the policy says", "letter reminder, enacting.tellOne", ""},
		{notice.Approved, "T6", sender, "let go, and all who were let go together have it", "letter approved, enacting.said", ""},
		{notice.Declined, "T7", sender, "declined", "letter declined, enacting.decline", ""},
		{notice.Expired, "T8", sender, "nobody decided in time", "letter expired, enacting.decline", ""},
		{notice.ExpiredApprover, "T9", decider, "the same, to who was asked and said nothing", "letter closed, enacting.tellOthers", ""},
		{notice.Override, "T10", sender, "it waits for his own choice", "letter override, enacting.tellWaiting", ""},
		{notice.Overridden, "T11", sender, "he sent it with a reason, and they have it", "letter overridden, enacting.said", ""},
		{notice.Note, "T12", sender, "it went, and a policy says something about it", "letter note, enacting.note", ""},
		{notice.Secure, "T14", recipient, "", "", "secure delivery is not part of this version"},
		{notice.PhoneNeeded, "T15", sender, "", "", "secure delivery is not part of this version"},
		{notice.Code, "T16", "whoever asked for it", "somebody wants to be identified on a page", "Gateway.SendCode", ""},
		{notice.Digest, "T17", recipient, "once a day (`notices.digest`), when something was kept back that he may see", "Gateway.digest", ""},
		{notice.Asked, "T18", recipient, "he asked for what was kept back", "letter asked, enacting.tellRecipient", ""},
		{notice.Released, "T18", recipient, "he has it", "letter released, enacting.arrived", ""},
		{notice.KeptBack, "T18", recipient, "it stays back", "letter kept-back, enacting.tellOthers", ""},
		{notice.Removed, "T19", recipient, "", "", "nothing is taken out of mailboxes in this version"},
		{notice.Uninspected, "T20", admin, "mail went through an open gate, put together", "Gateway.countOpen, sendTally", ""},
		{notice.Drift, "T21", admin, "", "", "Exchange's settings are not watched in this version"},
		{notice.Loop, "T22", admin, "a loop was stopped, put together", "Gateway.stopLoop, sendTally", ""},
		{notice.Undelivered, "", sender, "the next hop refused it, or the time was over", "letter undelivered, Gateway.tellSender", ""},
		{notice.Relayed, "", sender, "success was to be reported, and the next hop reports nothing", "letter relayed, Gateway.tellSender", ""},
		{notice.HeldDigest, "", "anybody", "more than five notices within an hour", "Gateway.bundle", ""},
		{notice.Passed, "", sender, "nobody decided, and the policy lets it go", "letter passed, enacting.said", ""},
		{notice.Question, "", sender, "who decides asks", "letter question, enacting.tellOne", ""},
		{notice.Answer, "", decider, "the sender answered", "letter answer, enacting.tellOne", ""},
		{notice.Decided, "", decider, "an answer by mail decided", "Gateway.tellAnswered", ""},
		{notice.Ignored, "", "who wrote it", "an answer by mail decided nothing", "Gateway.tellAnswered", ""},
		{notice.Draft, "", sender, "a draft was sent to check@", "Gateway.checkDraft", ""},
	}
}
