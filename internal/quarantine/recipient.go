package quarantine

import (
	"slices"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// Allows reports whether the policy gives the recipient a right. Whoever has
// any right also sees that the mail is there.
func (h *Hold) Allows(r policy.Right) bool {
	return slices.Contains(h.Rights, r) || r == policy.RightSee && len(h.Rights) > 0
}

// isRecipient reports whether somebody is the one for whom it was kept back.
func (h *Hold) isRecipient(a mail.Address) bool {
	return a != "" && (keyOf(h.Recipient) == keyOf(a) || same(h.Aliases, a))
}

// recipientMay is about the one who does not get it.
func (h *Hold) recipientMay(p Person, a Act) error {
	right := policy.RightRequest
	if a == Release {
		right = policy.RightRelease
	}
	switch {
	case !h.isRecipient(p.Address) || !h.Allows(policy.RightSee):
		return refuse(NotYours, "only the one for whom it is may do this")
	case a == Release && h.isSender(p.Address):
		return refuse(OwnMail, "nobody decides about mail of his own")
	case !h.Allows(right):
		return refuse(NeedsRight, "the policy does not let the recipient %s it", right)
	case h.Delay:
		return refuse(NotPossible, "it only waits, and comes by itself")
	case a == Release && h.Danger:
		return refuse(NeedsRight, "malware was found in it")
	case a == Request && h.Request != nil:
		return refuse(SaidAlready, "it was asked for already")
	}
	return nil
}
