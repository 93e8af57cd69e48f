package quarantine

import (
	"slices"
	"time"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/store"
)

// Depth is how much of a held message somebody sees.
type Depth string

// The depths, the least first.
const (
	Nothing  Depth = ""
	Redacted Depth = "redacted" // what was found is blotted out
	Whole    Depth = "whole"
)

func (d Depth) less(o Depth) bool {
	order := []Depth{Nothing, Redacted, Whole}
	return slices.Index(order, d) < slices.Index(order, o)
}

// As is in which part somebody sees a held message.
type As string

// The parts.
const (
	AsApprover  As = "approver"
	AsSender    As = "sender"
	AsRecipient As = "recipient"
	AsReader    As = "reader"    // by the right to content
	InEmergency As = "emergency" // with somebody else's agreement
)

// Shows says how much of the message a person may see because of this hold,
// and in which part; or a *Refusal. It is the only place where that is decided.
// The list of held mail is another right, and so is deciding: an administrator
// who has both sees no content.
func (h *Hold) Shows(p Person) (Depth, As, error) {
	switch p = h.as(p); {
	case p.By == "" || p.Key() == "" || p.By == ByClock:
		return Nothing, "", refuse(NotIdentified, "nobody is identified")
	case p.Tenant != h.Tenant && !(p.By == ByAdmin && p.Tenant == ""):
		return Nothing, "", refuse(NotYours, "this is another tenant's")
	case p.Rights.Content:
		return Whole, AsReader, nil
	case h.Ended != nil && !h.concerns(p):
		return Nothing, "", refuse(NotYours, "this waited for somebody else, and is over")
	case h.Ended != nil:
		return Nothing, "", refuse(OverAlready, "this was %s by %s", h.Ended.How, h.Ended.By)
	case h.Altered:
		return Nothing, "", refuse(WasAltered, "the row of this hold was changed; an administrator must decide")
	case p.Address != "" && h.isSender(p.Address):
		return Whole, AsSender, nil
	case p.Address != "" && same(h.Panel.active(), p.Address):
		switch h.Preview {
		case policy.PreviewNone:
			return Nothing, "", refuse(NeedsRight, "the policy shows nothing of this mail to those who decide")
		case policy.PreviewRedacted:
			return Redacted, AsApprover, nil
		}
		return Whole, AsApprover, nil
	case p.Address != "" && h.isRecipient(p.Address):
		if !h.Allows(policy.RightPreview) {
			return Nothing, "", refuse(NeedsRight, "the policy does not let you look into this mail")
		}
		return Whole, AsRecipient, nil
	case p.By == ByAdmin:
		return Nothing, "", refuse(NeedsRight, "administrators see who, when and why, and no content; "+
			"two persons can open it in an emergency")
	}
	return Nothing, "", refuse(NotYours, "this waits for somebody else")
}

// View is the most that a person may see of a message because of its holds.
func View(holds []Hold, p Person) (most Depth, as As, err error) {
	err = refuse(NotPossible, "nobody waits there: the id is wrong, or it is long over")
	for i := range holds {
		depth, part, no := holds[i].Shows(p)
		switch {
		case no == nil && most.less(depth):
			most, as, err = depth, part, nil
		case no != nil && most == Nothing && (WhyOf(err) == NotPossible || WhyOf(err) == NotYours):
			err = no
		}
	}
	return most, as, err
}

// ViewNow is View with what two persons have agreed on in an emergency.
func ViewNow(tx *store.Tx, holds []Hold, p Person, now time.Time) (Depth, As, error) {
	depth, as, no := View(holds, p)
	if no == nil || len(holds) == 0 {
		return depth, as, no
	}
	_, found, err := InForce(tx, holds[0].Message, p, now)
	switch {
	case err != nil:
		return Nothing, "", err
	case found:
		return Whole, InEmergency, nil
	}
	return Nothing, "", no
}
