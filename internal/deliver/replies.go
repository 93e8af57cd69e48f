package deliver

import "postern.dev/postern/internal/mail"

// The replies that we give in the place of a next hop.

func replyBadAddress() mail.Reply {
	return mail.NewReply(553, "5.1.3", "An address holds a control character")
}

func replyNoRecipients() mail.Reply {
	return mail.NewReply(554, "5.5.1", "No recipients")
}

func replyNeedsUTF8() mail.Reply {
	return mail.NewReply(550, "5.6.7",
		"The next hop does not take internationalized addresses or headers (SMTPUTF8)")
}

func replyNeedsEightBit() mail.Reply {
	return mail.NewReply(550, "5.6.3",
		"The next hop does not take 8-bit content, and converting it would break signatures")
}

func replyNeedsBinary() mail.Reply {
	return mail.NewReply(550, "5.6.1",
		"The next hop does not take binary content, and converting it would break signatures")
}

func replyNeedsChunking() mail.Reply {
	return mail.NewReply(550, "5.6.11",
		"The message holds bare line ends and the next hop does not take it in chunks (BDAT)")
}

func replyNeedsRequireTLS() mail.Reply {
	return mail.NewReply(550, "5.7.30", "REQUIRETLS was asked for, and the next hop does not support it")
}

func replyTooLarge() mail.Reply {
	return mail.NewReply(552, "5.3.4", "The message is larger than the next hop takes")
}

func replyTooMany() mail.Reply {
	return mail.NewReply(452, "4.5.3", "Too many recipients for one transaction")
}

func replyBroken() mail.Reply {
	return mail.NewReply(451, "4.4.2", "The connection to the next hop broke before the end of the message")
}

func replyUnreadable() mail.Reply {
	return mail.NewReply(451, "4.3.0", "The message could not be read")
}
