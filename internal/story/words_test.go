package story

// act carries out one line; words are what follows its first words.
type act func(s *stage, words []string) error

// words1 are all words that a line can begin with. Upper case stands for
// something, brackets for what may be left out.
func words1() map[string]act {
	return map[string]act{
		// The house, before anything happens in it. A story that has
		// tenant.yaml, policies.yaml or contoso.directory gives the tenant these settings.
		"house":           setHouse,       // [preset P] [setup S] [retry D,D…] [give-up D] [patience D]
		"switch":          setSwitch,      // NAME VALUE: an assumption about Exchange (fakeexchange.Switches)
		"dns":             setDNS,         // DOMAIN mx PREF HOST … | DOMAIN nothing | HOST at IP
		"tenant seals":    tenantSeals,    // DOMAIN: the tenant has a key for ARC, which is in the DNS
		"tenant signs":    tenantSigns,    // DOMAIN: our mails to its people are signed with a key that is in the DNS
		"console at":      consoleAt,      // NAME: in links, and of our own addresses
		"forwarder seals": forwarderSeals, // DOMAIN FILE as FILE: somebody forwarded it and sealed it
		"exchange is":     exchangeSet,    // rule|connector|group NAME PROPERTY VALUE, at any time
		"role":            giveRole,       // NAME of UID may RIGHT,RIGHT about TENANT: what a user of the machine may do with held mail
		"exchange adds":   exchangeAdds,   // LIST FILE.json

		// Mail.
		"make":           makeFile,      // FILE SIZE: a message of that size
		"exchange sends": exchangeSends, // FILE from A to B,C [notify W,W] [ret full|hdrs] [envid X] [as OOF|…]
		"internet sends": internetSends, // FILE from A to B,C [results FILE]: to Exchange, which found this out about the sender
		"server sends":   serverSends,   // IP NAME FILE from A to B,C: straight to the gateway, NAME or - in the certificate
		"validate":       validate,      // CONNECTOR A,B: Exchange's test of a connector
		"moderator":      moderator,     // A approves | A rejects COMMENT

		// Time and trouble.
		"after":           after,       // D: time goes by
		"fault":           plantFault,  // outbound|inbound STAGE [for A] [reply R] [drop] [keep] [delay D] [times N|always] [twice]
		"faults":          clearFaults, // over
		"engine":          engine,      // down|failed|…: a cause of mail.Cause, or works; takes D
		"store":           storeFull,   // full | works
		"disk":            diskFault,   // full: the next file cannot be written
		"gateway stops":   gatewayStops,
		"gateway crashes": gatewayCrashes,
		"gateway starts":  gatewayStarts,
		"apply":           applyFile,    // NAME FILE: tenants/NAME becomes FILE
		"directory":       newDirectory, // FILE: the tenant's directory becomes FILE; (now) in it is the time
		"tenant is":       tenantIs,     // off | gone (its file is away) | on
		"queue":           queueRetry,   // retry
		"except":          exceptValue,  // N of FILE [days D] [domain D] [rule R]: a finding that is not sensitive
		"rollback":        rollBack,     // N: a version of the policies

		// Decisions.
		"release":  release,      // [B,C] by A
		"reject":   reject,       // [B,C] by A [COMMENT]
		"approve":  approveHeld,  // [B,C] by A [COMMENT]: as somebody whom a device identifies, not by the admin socket
		"decline":  declineHeld,  // [B,C] by A [COMMENT]
		"send":     sendHeld,     // [B,C] by A [choosing R:] [TEXT]: as the sender
		"cancel":   cancelHeld,   // by A
		"remove":   removeHeld,   // B by A
		"request":  requestHeld,  // by B [TEXT]: as the recipient
		"again":    askHeldAgain, // [B] by A: as the sender of what expired, who asks again
		"take":     takeHeld,     // by B: as the recipient, who lets it go himself
		"hand on":  handHeldOn,   // by A to B
		"ask":      askHeld,      // by A TEXT
		"answer":   answerHeld,   // by A TEXT
		"pin":      pinHeld,      // by administrator TEXT
		"unpin":    unpinHeld,    // by administrator
		"evidence": evidenceOf,   // is kept|over|nothing | pin WHY | unpin WHY | gives FILE WHY | refuses uid:N WHY | log is WHAT,WHAT
		"refused":  refusedHeld,  // WHY and one of these: it is refused for that reason (quarantine.Why)

		"mail answer": mailAnswer, // FILE from A [of B] [by IP] [signed DOMAIN] [as CLASS]: to the last request that B got

		// What is seen.
		"message":        choose,        // WORDS: the record with these words in the subject from now on
		"reply":          sawReply,      // CODE [ENHANCED]: the gateway's answer to the last message
		"passes":         sawPasses,     // N: how often Exchange handed the last message to the gateway with success
		"state":          sawState,      // accepted|held|sending|done|none
		"record":         sawRecord,     // FIELD [of B] is VALUE | FIELD [of B] has VALUE
		"audit":          sawAudit,      // QUERY is N
		"timeline":       sawTimeline,   // has STEP
		"problem":        sawProblem,    // CODE [not]: it is in the log
		"custody":        sawCustody,    // is N: bodies on the disk
		"exchange gets":  exchangeGets,  // FILE under HEADER[: VALUE] | nothing | N: what came back over the wire
		"internet gets":  internetGets,  // FILE [for B] | nothing [for B] | N [for B]
		"nobody gets":    nobodyGets,    // FILE
		"mailbox … gets": mailboxGets,   // A gets FILE | nothing | report about B [saying W] | notice saying W | N mails
		"report":         sawReport,     // of A has WORDS: the last report in A's mailbox
		"chain":          sawChain,      // of A is pass|fail|none [by DOMAIN,DOMAIN] [with METHOD=RESULT]: ARC of the last mail in A's mailbox
		"signature":      sawSignature,  // of A is by DOMAIN: DKIM of the last mail in A's mailbox
		"nowhere is":     sawNowhere,    // WORDS: not on the disk, not in the log
		"moderation":     sawModeration, // is N
		"waits":          waitsFor,      // [of B] for A,C|administrators|nobody: who can decide
		"ended":          heldEnded,     // B HOW by A: how the hold of a recipient ended
		"lists":          listsHeld,     // N by uid:U: how many wait whom he sees
		"event":          sawEvent,      // KIND [by A] is N: in the chain of events of the message
		"exchange waits": exchangeWaits, // N: messages in Exchange's queue
	}
}
