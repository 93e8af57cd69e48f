package receive

import (
	"fmt"

	"postern.dev/postern/internal/mail"
)

// Every answer of this room. Answers that depend on nothing are written where
// they are looked for first: here. None repeats what the client said.

func ok(enhanced, text string) mail.Reply     { return mail.NewReply(250, enhanced, text) }
func syntax(text string) mail.Reply           { return mail.NewReply(501, "5.5.4", text) }
func sequence(text string) mail.Reply         { return mail.NewReply(503, "5.5.1", text) }
func closing(enhanced, why string) mail.Reply { return mail.NewReply(421, enhanced, why) }

// The connection as a whole.
func replyTooManyConnections() mail.Reply {
	return closing("4.3.2", "Too many connections, try again later")
}
func replyTooManyFromPeer() mail.Reply {
	return closing("4.7.0", "Too many connections from your address, try again later")
}
func replyShutdown() mail.Reply { return closing("4.3.2", "Server is shutting down, try again") }
func replyTimeout() mail.Reply  { return closing("4.4.2", "Waited too long for the client") }
func replyTooSlow() mail.Reply  { return closing("4.4.2", "The message comes too slowly") }
func replySessionOver() mail.Reply {
	return closing("4.4.2", "The connection lasted long enough, connect again")
}
func replyTooManyErrors() mail.Reply { return closing("4.7.0", "Too many errors") }
func replyTooManyIdle() mail.Reply   { return closing("4.7.0", "Too many commands without a message") }
func replyTooManyMails() mail.Reply {
	return closing("4.7.0", "Too many messages in one connection, connect again")
}
func replyInternalFault() mail.Reply       { return closing("4.3.0", "Internal fault, try again later") }
func replyNotHTTP() mail.Reply             { return mail.NewReply(554, "5.5.1", "This is an SMTP server") }
func replyBye() mail.Reply                 { return mail.NewReply(221, "2.0.0", "Bye") }
func replyGreeting(name string) mail.Reply { return mail.NewReply(220, "", name+" ESMTP") }

// Commands.
func replyLineTooLong() mail.Reply { return mail.NewReply(500, "5.5.6", "Line too long") }
func replyBareCommand() mail.Reply { return mail.NewReply(500, "5.5.2", "Lines end with CR LF") }
func replyGarbled() mail.Reply {
	return mail.NewReply(500, "5.5.2", "Control character or broken UTF-8 in a command")
}
func replyUnknown() mail.Reply    { return mail.NewReply(500, "5.5.1", "Command not recognized") }
func replyNotOffered() mail.Reply { return mail.NewReply(502, "5.5.1", "Command not offered") }
func replyNoArgument() mail.Reply { return syntax("This command takes no argument") }
func replyHelp() mail.Reply {
	return mail.NewReply(214, "2.0.0", "EHLO HELO STARTTLS MAIL RCPT DATA BDAT\nRSET NOOP VRFY HELP QUIT; see RFC 5321")
}
func replyVerify() mail.Reply {
	return mail.NewReply(252, "2.5.2", "Cannot verify, but will take mail and try")
}

// TLS.
func replyMustTLS() mail.Reply  { return mail.NewReply(530, "5.7.0", "Must issue STARTTLS first") }
func replyGoTLS() mail.Reply    { return mail.NewReply(220, "2.0.0", "Ready to start TLS") }
func replyTLSAgain() mail.Reply { return sequence("TLS is active already") }
func replyTLSBusy() mail.Reply {
	return mail.NewReply(454, "4.7.0", "Too many handshakes, try again later")
}
func replyTLSInjected() mail.Reply {
	return mail.NewReply(554, "5.5.1", "Nothing may follow STARTTLS before TLS")
}

// The envelope.
func replyPathSyntax(enhanced string) mail.Reply {
	return mail.NewReply(501, enhanced, "Not an address in angle brackets")
}
func replySourceRoute(enhanced string) mail.Reply {
	return mail.NewReply(553, enhanced, "Source routes are not supported")
}
func replyNeedsUTF8() mail.Reply {
	return mail.NewReply(553, "5.6.7", "This address needs SMTPUTF8")
}
func replyUnknownParameter() mail.Reply {
	return mail.NewReply(555, "5.5.4", "Parameter not recognized")
}
func replyTooManyRecipients() mail.Reply { return mail.NewReply(452, "4.5.3", "Too many recipients") }
func replyTooBig(limit int64) mail.Reply {
	return mail.NewReply(552, "5.3.4", fmt.Sprintf("Message is larger than %d octets", limit))
}

// The message.
func replySendData() mail.Reply     { return mail.NewReply(354, "", "End data with <CR><LF>.<CR><LF>") }
func replyNoRecipients() mail.Reply { return mail.NewReply(554, "5.5.1", "No valid recipients") }
func replyNeedsChunks() mail.Reply  { return sequence("BINARYMIME needs BDAT") }
func replyChunk(n int64) mail.Reply { return ok("2.0.0", fmt.Sprintf("%d octets taken", n)) }
func replyChunkLost() mail.Reply {
	return sequence("A chunk was refused, the transaction is over: RSET")
}
func replyChunkSyntax() mail.Reply { return syntax("BDAT takes a size and LAST") }
func replyBareNewline() mail.Reply {
	return mail.NewReply(554, "5.6.11", "Message has a bare CR or LF, which needs CHUNKING (BDAT)")
}
func replyStoreFull() mail.Reply { return mail.NewReply(452, "4.3.1", "Insufficient system storage") }
func replyNoAnswer() mail.Reply {
	return mail.NewReply(451, "4.3.0", "Internal fault, try again later")
}
