package problem

// Problems of the gateway room: P700 to P799.
const (
	LateWrite         Code = "P701"
	BodyUnreadable    Code = "P702"
	MailLoop          Code = "P703"
	TooManyHops       Code = "P704"
	StoreSilent       Code = "P705"
	NoRoom            Code = "P706"
	NextHopSilent     Code = "P707"
	UnrecordedPass    Code = "P708"
	PossibleDuplicate Code = "P709"
	TenantGone        Code = "P710"
	LetterRefused     Code = "P711"
	NotErased         Code = "P712"
	NoSecureWay       Code = "P713"
	ReportsWithheld   Code = "P714"
	NotSigned         Code = "P716"
	AnswerIgnored     Code = "P717"
	NoticeAltered     Code = "P718"
)

func gatewayRows() []Problem {
	return []Problem{
		{
			LateWrite, "Something that nobody waits for could not be written",
			"Mail is not affected; the record of a message may lack its last step",
			"Look at the store: disk, locks, the line's error",
		},
		{
			BodyUnreadable, "A message in custody cannot be read",
			"It is kept and not sent; nothing that might be damaged ever leaves",
			"Look for the key in keys and at the disk; restore the body file, then postern queue retry",
		},
		{
			MailLoop, "A mail loop was stopped: the same message came a third time",
			"The sender gets a report from Exchange",
			"The exception for returned mail in the route rule does not match: compare it with the tenant's mark and header preset",
		},
		{
			TooManyHops, "A message with 100 or more Received fields was refused",
			"The sender gets a report from Exchange", "Find the loop in the trace fields of the report",
		},
		{
			StoreSilent, "The store does not answer",
			"Messages are deferred and wait in Exchange", "Look at the disk or at PostgreSQL; postern recovers by itself",
		},
		{
			NoRoom, "The disk has no room to keep a message",
			"Messages that need custody are deferred; others are handed back as store-full says",
			"Make room under data; postern recovers by itself",
		},
		{
			NextHopSilent, "The next hop gave no transaction",
			"The message is deferred and waits in Exchange", "Look at the host named in the line, at DNS and at the firewall",
		},
		{
			UnrecordedPass, "A message was handed back without a record, because the store is full",
			"It was delivered; audit does not know it", "Make room; set store-full: closed when a record matters more than mail flow",
		},
		{
			PossibleDuplicate, "The connection broke between our last octet and the next hop's answer",
			"The message may be delivered twice", "Nothing for a single case; many point to the network or to a time-out at the other side",
		},
		{
			TenantGone, "Mail in custody belongs to a tenant that is not configured any more",
			"It is kept and not sent", "Load the tenant's file again, or decide with postern held and postern queue",
		},
		{
			NotSigned, "A mail of our own could not be signed",
			"It left without a signature of the tenant's; Exchange may sign it",
			"Look at the line's error and at the key of notices.sign",
		},
		{
			AnswerIgnored, "A mail that should decide about held mail decided nothing",
			"The mail is held as before; who wrote was told why, unless that was not certain",
			"Nothing, when it is rare; many of them from outside mean that somebody tries addresses",
		},
		{
			NoticeAltered, "A mail of our own was changed in the database",
			"It is sent to nobody and was removed",
			"Look at the disk and at who writes into the database",
		},
		{
			LetterRefused, "A report, notice or copy was refused by the tenant's Exchange",
			"Nobody was told by it; the message itself is not affected",
			"Look at the answer in postern audit; usually the connector does not match mails with the null sender",
		},
		{
			NotErased, "The octets of a finished message could not be erased",
			"Mail is not affected; an encrypted copy stays on the disk until the next start", "Look at the disk",
		},
		{
			NoSecureWay, "A hold ended with release-encrypted, and the tenant has no header field by which Exchange encrypts",
			"The message waits for another day at a time", "Decide with postern held approve or postern held reject",
		},
		{
			ReportsWithheld, "A tenant has more reports to senders outside than may go in an hour",
			"The messages are stopped as decided and recorded; their senders are not told, since their addresses may be forged",
			"Look at what comes in: a storm of mail with one pattern is better refused by Exchange, before it is redirected here",
		},
	}
}
