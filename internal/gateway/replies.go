package gateway

import (
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

// The answers of the gateway. A permanent one makes Exchange write a report
// to the sender, so each says what an administrator must know.

func replyTaken(trace string) mail.Reply {
	return mail.NewReply(250, "2.6.0", "Taken by Postern as "+trace)
}

func replyInFlight() mail.Reply {
	return mail.NewReply(451, "4.3.0", "The same message is being handled on another connection; try again")
}

func replyTenantBusy() mail.Reply {
	return mail.NewReply(451, "4.3.2", "Too many messages of this tenant are being handled; try again")
}

func replyStoreFull() mail.Reply {
	return mail.NewReply(452, "4.3.1", "No room to keep the message now; try again")
}

func replyNotNow(code problem.Code) mail.Reply {
	return mail.NewReply(451, "4.3.0", "Not everything could be looked at just now; try again ("+string(code)+")")
}

func replyStoreDown() mail.Reply {
	return mail.NewReply(451, "4.3.0", "The store does not answer; try again")
}

func replyUnknownOutcome() mail.Reply {
	return mail.NewReply(451, "4.4.2", "The next hop did not answer after the message; it may have taken it")
}

func replyLoop() mail.Reply {
	return mail.NewReply(554, "5.4.6", "Mail loop: this message has been here twice in this direction; "+
		"the exception for returned mail in Exchange's rule does not work")
}

func replyTooManyHops() mail.Reply {
	return mail.NewReply(554, "5.4.6", "Too many hops: the message has 100 or more Received fields")
}

func replyValidationSpent() mail.Reply {
	return mail.NewReply(550, "5.7.1", "Refused ("+string(problem.ValidationSpent)+
		"): more than five validation messages; set validate.done, or use the probe address")
}

func replyBlocked(text string) mail.Reply { return mail.NewReply(550, "5.7.1", text) }

func replyHoldWithoutSpool() mail.Reply {
	return mail.NewReply(452, "4.3.1", "The message must be held, and there is no room to hold it; try again")
}

func replyNoSuchAddress() mail.Reply {
	return mail.NewReply(550, "5.1.1", "There is no such address of Postern: answer the request that you got, or write to check@")
}

func replyComesAlone() mail.Reply {
	return mail.NewReply(452, "4.5.3", "An address of Postern takes no message with others; send it to the rest apart")
}
