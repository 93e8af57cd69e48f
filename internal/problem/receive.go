package problem

// Problems of the receive rooms: P200 to P299.
const (
	ConnectionsFull     Code = "P201"
	PeerConnectionsFull Code = "P202"
	HandshakeFailed     Code = "P203"
	BufferFull          Code = "P204"
	ReceiveFault        Code = "P205"
	CannotListen        Code = "P206"
	BareNewline         Code = "P207"
)

func receiveRows() []Problem {
	return []Problem{
		{ConnectionsFull, "All SMTP connections are in use",
			"New clients are told to come back (421); mail is late, not lost",
			"Look at receive_open_connections and at slow next hops; raise smtp.max_connections"},
		{PeerConnectionsFull, "One address holds too many SMTP connections",
			"Its further connections are told to come back (421)",
			"If the address is Exchange Online's or another sender you trust, add its network to smtp.unlimited"},
		{HandshakeFailed, "A TLS handshake failed",
			"That client cannot hand in mail and will try again",
			"Check the certificate in smtp.tls with `postern check`; when only one peer fails, ask its administrator"},
		{BufferFull, "The octets of a message could not be buffered",
			"Clients are told to try again (452 4.3.1)",
			"Free space in the temporary folder, or move it to a larger disk"},
		{ReceiveFault, "An internal fault ended an SMTP connection",
			"The client tries that message again",
			"Report the log line: it names the place and holds nothing of the message"},
		{CannotListen, "SMTP connections cannot be taken",
			"New clients wait or are turned away by the system",
			"Raise the limit of open files (LimitNOFILE), then look for a peer that holds many connections"},
		{BareNewline, "A message with a bare CR or LF came by DATA",
			"It was refused (554 5.6.11); the sender gets a report",
			"Have the client use BDAT (CHUNKING), repair it, or set smtp.bare_newline to normalize"},
	}
}
