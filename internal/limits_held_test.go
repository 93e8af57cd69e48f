package house_test

// heldLimits bound what people who decide about held mail can ask for.
func heldLimits() []limit {
	return []limit{
		{"Holds of one bulk decision", "quarantine.mostBulk", "no more are counted in a preview; a larger one is refused", "TestABulkDecisionGoesOnWhereItsLastCommitWas"},
		{"Holds of a bulk decision in one transaction", "gateway.mostAtOnce", "another transaction; mail goes between", "TestABulkDecisionIsCarriedOutAHundredAtATime"},
		{"Reminders in one transaction", "gateway.mostReminders", "another transaction", "TestRemindersAreWrittenAHundredAtATime"},
		{"Octets of a reply's text that are read", "quarantine.mostReply", "the rest is not read", "TestOnlyTheFirstWordOfAReplyDecides FuzzParseReply"},
		{"Words of a search", "quarantine.mostAsked", "the others do not restrict it", "TestWords"},
		{"Words by which a search finds a hold", "quarantine.mostWords", "the rest of the subject is not searched", "TestASubjectOfAnyLengthTakesLittleRoom"},
		{"Characters of a subject in lists", "quarantine.mostSubject", "cut", "TestASubjectOfAnyLengthTakesLittleRoom"},
		{"People who may decide about a hold", "quarantine.mostSeats", "the others are not asked; it is said", "TestWhoDecidesIsFoundWhenTheHoldBegins"},
		{"Mails of a person that are read for a digest", "quarantine.mostUntold", "the others are counted", "TestADigestSaysWhatIsTrueWhenItIsSent"},
		{"Mails of a digest that have a link of their own", "gateway.mostLinks", "the page for all of them is in the digest", "TestADigestSaysWhatIsTrueWhenItIsSent"},
		{"Time in which somebody is told of what was kept back", "quarantine.keepUntold", "he is not told any more; it is on the page", "TestWhatIsUntoldForAMonthIsForgotten"},
		{"Time in which the sender of what expired may ask again", "gateway.keepAgain", "the octets go; he sends it again himself", "held-asked-too-late.txtar"},
		{"Messages whose octets one transaction gives up", "gateway.mostUnkept", "a further transaction", "TestWhatIsKeptToAskAgainEnds"},
		{"Tries of one code", "quarantine.mostTries", "the code is void", "TestCodesAndDevicesAreFew"},
		{"Codes for one mailbox in an hour, to who came by a link or asks from where it was confirmed", "quarantine.mostCodes", "no further one is sent", "TestCodesAndDevicesAreFew"},
		{"The same, to who names it, from one network", "quarantine.mostOfOne", "no further one is sent", "TestNobodyLocksAPersonOutByAskingForHisCodes"},
		{"The same, to all who name it", "quarantine.mostStrange", "no further one is sent", "TestNobodyLocksAPersonOutByAskingForHisCodes"},
		{"Devices of one mailbox", "quarantine.mostDevices", "the oldest is forgotten", "TestCodesAndDevicesAreFew"},
		{"Characters of a device's name", "quarantine.mostLabel", "cut", "TestCodesAndDevicesAreFew"},
		{"Characters of a comment, a question, an answer", "quarantine.mostComment", "refused with a sentence; of a reply by mail, cut", "TestAReasonIsOneOfTheRules TestOnlyTheFirstWordOfAReplyDecides"},
		{"Questions about one hold", "quarantine.mostQuestions", "refused with a sentence", "TestSomethingMayBeAskedOnlySoOften"},
	}
}
