package fakeexchange

import "postern.dev/postern/internal/mail"

// The replies of exchange.md 5.4.
var (
	replyRelay      = mail.NewReply(550, "5.7.64", "TenantAttribution; Relay Access Denied [AM0EUR05FT001]")
	replyRestricted = mail.NewReply(550, "5.7.51",
		"TenantInboundAttribution; There is a partner connector configured that matched the message's recipient "+
			"domain. The connector had either the RestrictDomainsToIPAddresses or RestrictDomainsToCertificate set "+
			"[AM0EUR05FT001]")
	replyDirectSend = mail.NewReply(550, "5.7.68",
		"TenantInboundAttribution; Direct Send not allowed for this organization from unauthorized sources")
	replyUnknown   = mail.NewReply(550, "5.4.1", "Recipient address rejected: Access denied. [AM0EUR05FT001]")
	replyTooMany   = mail.NewReply(452, "4.5.3", "Too many recipients (AS780090)")
	replyNoTLS     = mail.NewReply(451, "5.7.3", "STARTTLS is required to send mail")
	replyLoop      = mail.NewReply(554, "5.4.14", "Hop count exceeded - possible mail loop ATTR34 [AM0EUR05FT001]")
	replyBare      = mail.NewReply(550, "5.6.11", "SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds")
	replyTooBig    = mail.NewReply(552, "5.3.4", "Message size exceeds fixed maximum message size")
	replySequence  = mail.NewReply(503, "5.5.1", "Bad sequence of commands")
	replySyntax    = mail.NewReply(501, "5.5.4", "Invalid arguments")
	replyCommand   = mail.NewReply(500, "5.3.3", "Unrecognized command")
	replyOK        = mail.NewReply(250, "2.0.0", "OK")
	replySenderOK  = mail.NewReply(250, "2.1.0", "Sender OK")
	replyRcptOK    = mail.NewReply(250, "2.1.5", "Recipient OK")
	replyBye       = mail.NewReply(221, "2.0.0", "Service closing transmission channel")
	replyStartData = mail.NewReply(354, "", "Start mail input; end with <CRLF>.<CRLF>")
	replyReady     = mail.NewReply(220, "2.0.0", "SMTP server ready")
	replyTooLong   = mail.NewReply(500, "5.5.2", "Line too long")
)

// The replies that the client gives itself when there is no peer's reply.
var (
	answerNoHost   = mail.NewReply(451, "4.4.316", "Connection refused")
	answerNoTLS    = mail.NewReply(451, "4.4.317", "Cannot connect to remote server [TLS is required]")
	answerBroken   = mail.NewReply(451, "4.4.2", "Connection dropped by the remote server")
	answerExpired  = mail.NewReply(550, "4.4.7", "QUEUE.Expired; message expired")
	answerBareLF   = mail.NewReply(550, "5.6.11", "SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds")
	answerUTF8     = mail.NewReply(550, "5.6.7", "SMTPSEND.Utf8RecipientAddress; UTF-8 addresses not supported")
	answerSize     = mail.NewReply(552, "5.3.4", "SMTPSEND.OverSize; message size exceeds the limit of the remote server")
	answerNoUser   = mail.NewReply(550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup")
	answerDisabled = mail.NewReply(451, "4.4.0", "Connector is disabled")
)
