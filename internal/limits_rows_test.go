package house_test

// The rows of docs/reference/limits.md, by the room that keeps them.

func receiveLimits() []limit {
	return []limit{
		{"Octets of a message", "smtp.max_size", "552 5.3.4 at MAIL (SIZE), after DATA or at the chunk", "TestDialogue TestAnEndlessMessageIsCutOff FuzzSession large-message.txtar"},
		{"The same, for the whole house", "limits.message", "552 5.3.4; it is what smtp.max_size is, when that is not set", "TestTheContractsConfigurationLoads TestAHugeMessageIsNeverInMemory"},
		{"Recipients of a transaction", "smtp.max_recipients", "452 4.5.3 for each one more; twice as many count as faults", "TestDialogue FuzzSession"},
		{"Messages of a connection", "smtp.max_messages", "421 4.7.0 at MAIL", "TestFloodsEndInA421 FuzzSession"},
		{"Connections", "smtp.max_connections", "421 4.3.2; strangers have half of the places", "TestServeTakesConnectionsUntilShutdown TestStrangersTakeHalfOfThePlacesAtMost"},
		{"Connections of an address (IPv6: of a /64 network)", "smtp.max_per_peer", "421 4.7.0", "TestThePeerLimitCountsCustomersAndSparesTheExempt TestOneAddressHoldsFewConnections"},
		{"TLS handshakes at a time", "smtp.max_handshakes", "454 4.7.0", "TestHandshakesAreLimited TestHandshakesOfStrangersLeaveRoom"},
		{"Faulty commands between two messages", "smtp.max_errors", "421 4.7.0", "TestFloodsEndInA421 FuzzSession"},
		{"Commands that lead nowhere", "smtp.max_idle_commands", "421 4.7.0", "TestFloodsEndInA421 FuzzSession"},
		{"Octets of a command line", "receive.maxLine", "500 5.5.6; the line is read to its end", "TestLongLinesBreakNothing FuzzSession"},
		{"Octets of a line or message that are thrown away", "receive.maxDiscarded", "421 and the connection ends", "TestAnEndlessLineIsCutOff TestAnEndlessMessageIsCutOff"},
		{"Silence within a command", "smtp.timeout", "421 4.4.2", "TestTimeouts"},
		{"Silence within a message", "smtp.data_timeout", "421 4.4.2; the message is not taken", "TestTimeouts TestASlowMessageIsCutOff"},
		{"Octets a second that a message must bring", "smtp.min_rate", "421 4.4.2; the message is not taken", "TestTimeouts TestASlowButSteadyClientIsServed"},
		{"Waiting that a message may cost before that", "smtp.grace_time", "the rate begins to count", "TestTimeouts"},
		{"Time of a handshake", "smtp.handshake_timeout", "the connection ends", "TestAHandshakeThatNeverComes"},
		{"Time that a reply may stay unread", "smtp.reply_timeout", "the connection ends", "TestAClientThatReadsNothingIsLeft"},
		{"Time of a connection", "smtp.max_session", "421 4.4.2 between two messages", "TestTimeouts"},
		{"Certificates of a client's chain", "receive.maxChain", "the certificate proves nothing", "TestTheClientCertificateIsAFactAndNoCondition"},
		{"Time that judging may take while the client waits", "patience", "the message is taken into custody and judged there", "judged-in-custody.txtar"},
		{"Passes of one message through us", "gateway.maxPasses", "554, P703; the sender gets a report", "loop-stopped.txtar"},
		{"Received fields of a message", "gateway.maxReceived", "554 5.4.6, P704; the sender gets a report", "loop-of-a-hundred-hops.txtar"},
		{"Messages of one tenant that are handled at a time", "400, where there are several tenants", "451 4.3.2; the others go on", "TestATenantThatIsSlowLeavesRoomForAnother"},
	}
}

func mailLimits() []limit {
	return []limit{
		{"Levels of parts", "limits.depth", "`too-deep`", "TestEveryLimitOfTheIndexIsSaid TestLimitsAreSaidAndTheRestStaysReadable"},
		{"Parts of a message", "limits.parts", "`too-many-parts`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Octets of a part's header", "mail.maxHeader", "`too-large`; the rest is read as body", "TestEveryLimitOfTheIndexIsSaid"},
		{"Fields of a header", "mail.maxFields", "`too-large`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Octets of a field's value that are read", "mail.maxValue", "`too-large`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Octets of a MIME field that are read", "mail.maxMIMEValue", "`malformed`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Parameters of a MIME field", "mail.maxParams", "`ambiguous`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Encoded messages in each other", "mail.maxViews", "`too-deep`", "TestEveryLimitOfTheIndexIsSaid"},
		{"Notes of one message", "mail.maxUnseen", "the first of every reason stays", "TestAThousandOdditiesHideNoOtherCause"},
		{"Addresses read of a field", "mail.MaxAddresses", "`too-large` for From; of To and Cc of a copy the others are left out of its record", "TestAddressesOfAField TestAuthorsThatNobodyLooksAtAreSaid"},
		{"Octets of a local part", "mail.maxLocal", "501, or no address", "TestParseAddress TestHostileAddresses"},
		{"Octets of a domain", "mail.maxDomain", "501, or no address", "TestParseAddress TestHostileAddresses"},
		{"Octets of an address", "mail.maxMailbox", "501, or no address", "TestParseAddress TestHostileAddresses"},
	}
}

func lookLimits() []limit {
	return []limit{
		{"Time for one message", "limits.judge", "`out-of-time`", "TestTheBudgetEndsEverything fail-closed.txtar"},
		{"Processes that look", "limits.lookers", "messages wait for their turn, in the same time", "TestPool"},
		{"Time without a sign of a step", "10 s, at most a quarter of the time for the message; 1 s after three in a minute", "the process is killed; `engine-failed` for the step", "TestFaults TestPool TestStepsGetLessTimeWhileOthersHang"},
		{"CPU time of a process between two messages", "2 min", "the process is killed; `engine-failed`", "TestFaults"},
		{"Memory of a process", "512 MiB", "the process is killed; `engine-failed`", "TestPool TestFaults"},
		{"Attempts with one message after a step killed the process", "3", "`engine-failed`", "TestFaults"},
		{"Text of one part", "256 MiB", "`too-large`", "TestTheLimitIsSaid TestEveryLimitOfTheLookIsSaid"},
		{"Text of one message", "512 MiB", "`too-large`", "TestEveryLimitOfTheLookIsSaid"},
		{"Decoded header that labels and rules see", "look.maxFields", "`too-large`", "TestEveryLimitOfTheLookIsSaid"},
		{"Sensitivity labels of a message", "detect/label.maxLabels", "`too-large`", "TestMoreLabelsThanAreKeptAreSaid TestEveryLimitOfTheLookIsSaid"},
		{"Mails in a mailbox file", "look.maxMails", "`too-large`", "TestEveryLimitOfTheLookIsSaid"},
		{"Mails in files in each other", "look.maxDepth", "`too-deep`", "TestEveryLimitOfTheLookIsSaid"},
		{"Octets of a mail in a file", "look.maxKept", "`too-large`", "TestEveryLimitOfTheLookIsSaid"},
		{"One tag or text of a page", "extract.maxToken", "`too-large`", "FuzzExtract"},
		{"Style rules of a page", "extract.maxRules", "`too-large`", "TestEveryLimitOfTheLookIsSaid"},
		{"Styles and titles of pictures in each other", "extract.maxForeign", "`ambiguous`", "TestEveryLimitOfTheLookIsSaid FuzzPageLikeABrowser"},
		{"Records of one look", "extract.maxRecords", "the process is killed; `engine-failed`", "TestFaults FuzzFromChild"},
		{"Octets of those records", "extract.maxRecordBytes", "the process is killed; `engine-failed`", "TestFaults FuzzFromChild"},
		{"One frame of the wire to the process", "extract.maxFrame", "the process is killed; `engine-failed`", "FuzzFromChild FuzzFromParent"},
		{"Names in a step", "extract.maxStep", "the process is killed; `engine-failed`", "FuzzFromChild"},
		{"Parts in an answer", "look.maxParts", "`engine-failed`", "TestFaults"},
		{"Findings in an answer", "look.maxFindings", "`engine-failed`", "TestFaults"},
		{"Octets of a masked sample", "look.maxSample", "`engine-failed`", "TestFaults"},
		{"Different values of one type that are counted", "detect.maxDistinct", "the count is \"at least\"", "TestCountingDifferentValues"},
		{"Text that `postern inspect --text` shows of a part", "look.maxText", "the rest is not shown", "TestDetectText"},
	}
}

func policyLimits() []limit {
	return []limit{
		{"Octets of a policy file", "policy.maxFile", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure TestHostileFilesAreRefusedQuickly"},
		{"Levels of a policy file", "policy.maxDepth", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Keys of a policy document", "policy.maxColons", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Characters of a condition", "policy.maxCondition", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Nodes of a condition", "policy.maxNodes", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Steps that a condition can cost at worst", "policy.maxEstimate", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Steps that a condition does cost", "policy.maxCost", "the condition is unknown: the rule counts as matched, and it is said", "TestConditions TestARuleThatCannotBeEvaluatedIsNeverSilent"},
		{"Time of a hold", "policy.maxHold", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Terms of a dictionary", "policy.maxTerms", "a mistake", "TestADictionaryHasAsManyTermsAsTheDetectorsTake"},
		{"Octets of a term", "policy.maxTerm", "a mistake", "TestEveryLimitOfAPolicyFileIsToldWithItsFigure"},
		{"Terms that a detector takes", "detect.MaxTerms", "a mistake", "TestTheCatalogueIsChecked"},
		{"Octets of a term that a detector takes", "detect.MaxTerm", "a mistake", "TestTheCatalogueIsChecked"},
		{"Octets of a pattern", "detect.MaxPattern", "a mistake", "TestTheCatalogueIsChecked"},
		{"Octets of a message in `postern policy test`", "policy.maxCase", "the case fails", "TestPolicyTests"},
		{"Deferrals of one message", "policy.maxDeferrals", "the message is held", "fail-closed.txtar TestGatesOfEveryCause"},
		{"Time of deferrals of one message", "policy.maxDeferring", "the message is held", "fail-closed.txtar TestGatesOfEveryCause"},
		{"Characters of a tenant's name in its header", "tenant.maxName", "the header is none: 550", "TestEveryValidValueOfTheTenantHeaderIsAccepted FuzzTenantHeader"},
		{"Characters of a secret or a mark", "tenant.maxSecret", "a mistake", "TestAllMistakesOfAFileAreToldAtOnceWithTheirPlaces FuzzTenantFile"},
		{"Validation messages that go outside", "tenant.MaxValidations", "the next one is swallowed, and recorded", "TestAValidationGoesOutForTheTenantThatValidates TestValidationsAreCountedForEachTenantAndKept"},
		{"Forged fields whose names are recorded", "tenant.maxForged", "all are cut out; the names of the others are not kept", "TestAHeaderOfManyForgeriesIsRecordedBriefly"},
		{"Networks in Microsoft's list", "tenant.maxPrefixes", "the new list is refused, the last good one stays", "TestARefreshKeepsTheLastGoodListWhenTheNewOneIsWrong FuzzEndpoints"},
		{"Rules of a read Exchange setup", "mailflow.maxRules", "a mistake", "TestMistakes"},
		{"Characters of a rule's comment", "mailflow.maxComments", "a mistake", "TestMistakes"},
		{"Characters of a rule's reason", "mailflow.maxReason", "a mistake", "TestMistakes"},
		{"Octets of a rule", "mailflow.maxRuleSize", "a mistake", "TestMistakes"},
		{"Characters of all patterns", "mailflow.maxPatterns", "a mistake", "TestMistakes"},
	}
}

func deliverLimits() []limit {
	return []limit{
		{"Connections of a tenant to a next hop", "deliver.connections", "messages wait; throttling lowers it for a while", "TestThrottling"},
		{"Messages of a connection", "deliver.messages", "a new connection", "TestAConnectionCarriesALimitedNumberOfMessages"},
		{"Rest of an unused connection", "deliver.idle", "it is ended with QUIT", "TestIdleConnections"},
		{"Connections at rest in all", "deliver.maxIdle", "one more is ended with QUIT", "TestIdleConnections"},
		{"Time to connect", "deliver.connect", "the next address or host, then later", "TestTheNextHostIsTriedWhenOneFails"},
		{"Time for the answer to a command", "deliver.command", "tried again later", "TestASilentHostIsLeftAfterItsTime"},
		{"Time to read 64 KiB of content", "deliver.block", "tried again later", "TestAHostThatReadsOneOctetASecond"},
		{"Time for the answer to the end", "deliver.final", "unknown: 451, or tried again as a possible duplicate", "TestTheAnswerToTheEndMayTakeTenMinutes broken-after-the-dot.txtar"},
		{"Recipients of a transaction", "deliver.MaxRecipients", "the others go in another one", "TestMoreThanAHundredRecipientsWaitForAnotherTransaction"},
		{"Recipients of one task", "gateway.maxGroup", "the others are another task", "TestPlanForGroups"},
		{"Octets of a reply", "deliver.maxReply", "the connection ends: later", "TestEndlessRepliesCostBoundedMemory FuzzReadReply"},
		{"Octets of a line of a reply", "deliver.maxReplyLine", "the rest is not kept", "TestARepliesLengthDoesNotHideItsMeaning"},
		{"Lines of a reply", "deliver.maxReplyLines", "the rest is not kept", "TestARepliesLengthDoesNotHideItsMeaning"},
		{"Octets of a reply's text", "deliver.maxReplyText", "the rest is not kept", "TestARepliesLengthDoesNotHideItsMeaning"},
		{"Hosts of a domain", "deliver.maxHops", "the others are not tried in this attempt", "TestAtMostEightHostsOfADomainAreTried"},
		{"Addresses of a host", "deliver.maxAddresses", "the others are not tried in this attempt", "TestAtMostFourAddressesOfAHostAreTried"},
		{"Header in which 8-bit octets are looked for", "1 MiB", "a longer one is taken for one that needs SMTPUTF8", "TestAHeaderOfMoreThanAMegabyteIsTakenForOneThatNeedsSMTPUTF8"},
		{"Records of a DNS answer", "dns.maxRecords", "the best are kept", "TestAThousandExchangersAreCutToTheBest"},
		{"Aliases in a row", "dns.maxAliases", "the answer could not be had: later", "TestAliasesAcrossSeveralAnswersHaveALimit"},
		{"Octets of a TXT answer", "dns.maxText", "the others are left out", "FuzzRead"},
		{"Time of a DNS server", "dns.timeout", "the next server", "TestASilentServerIsATimeout"},
		{"Rounds over the DNS servers", "dns.rounds", "the answer could not be had: later", "TestTheNextServerAnswersWhatOneCannot"},
		{"DNS answers kept", "dns.cache", "an old one makes room", "TestTheCacheIsBounded"},
		{"Time a DNS answer is kept", "dns.maxTTL", "it is asked for again", "TestTheCacheHonorsTheTTL TestALieIsForgotten"},
		{"Time an old DNS answer is used while servers fail", "dns.maxStale", "the answer could not be had: later", "TestNameServersThatFailDoNotStopMailToHostsThatAreKnown"},
		{"Time that \"there is none\" is kept", "dns.maxNegative", "it is asked for again", "TestTheCacheHonorsTheTTL"},
	}
}
