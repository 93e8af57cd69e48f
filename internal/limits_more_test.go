package house_test

func queueLimits() []limit {
	return []limit{
		{"Octets of a body kept in memory", "limits.memory_per_message", "the rest goes to an encrypted, unlinked file; no room there is 452", "TestALargeBodyNeedsLittleMemory TestALargeMessageCostsLessThan64MiB TestAFullStoreDefers"},
		{"Pauses between attempts", "retry.schedule", "the last one repeats", "TestSchedule"},
		{"Time after which a message is given up", "retry.give_up", "the sender gets a report", "TestATaskIsGivenUpWhenItsTimeIsUp given-up.txtar"},
		{"Attempts at a time", "retry.workers", "the others wait; each tenant and each next hop has its share", "TestTwoTenantsThatBothHaveMuchToDoShareThePlaces TestAThrottledNextHopDoesNotStarveAnother"},
		{"Next hops of a tenant that are looked at for one place", "task.maxHops", "the others come by turns", "TestATenantWithManyNextHopsDoesNotStarveAnother"},
		{"Tenants that are looked at for one place", "task.maxTenants", "the others come by turns", "TestTwoTenantsThatBothHaveMuchToDoShareThePlaces"},
		{"Pause of a next hop that is down", "task.maxPause", "it is tried again", "TestALane TestABacklogGoesWhenTheNextHopIsBackAndFreshMailDoesNotWaitForIt"},
		{"Messages in custody that are judged at a time", "gateway.judgePlaces", "the others wait", "TestOneTenantDoesNotTakeAllPlacesForJudgingInCustody"},
		{"The same, of one tenant", "gateway.judgePerTenant", "the others wait", "TestOneTenantDoesNotTakeAllPlacesForJudgingInCustody"},
		{"Answers remembered for a repeat", "spool.RepeatLife", "an equal message is a new one", "TestRepeatsAndDeferrals answer-not-read.txtar"},
		{"Late outcomes that wait for the store", "gateway.maxRecords", "mail slows down", "TestADiskThatStaysFullPassesWithoutANewStart"},
		{"Late outcomes in one transaction", "gateway.maxBatch", "another transaction", "TestManyUpdatesShareFewCommits"},
		{"Changes in one COMMIT, SQLite", "store.mostSQLite", "another COMMIT", "TestManyUpdatesShareFewCommits"},
		{"Changes in one COMMIT, PostgreSQL", "store.mostPostgres", "another COMMIT", "TestManyUpdatesShareFewCommits"},
		{"Time to wait for a locked database", "5 s", "451; it passes", "TestALockedDatabasePasses TestWhoWaitsForALockedDatabaseIsToldTogether"},
		{"Room on the disk", "what the disk has", "452 4.3.1, or on: store-full", "TestAFullDiskPasses store-full-open.txtar store-full-closed.txtar"},
		{"Time to end, at a stop", "75 s", "what was not answered comes again", "TestShutdownDoesNotWaitForever graceful-stop.txtar"},
	}
}

func reportLimits() []limit {
	return []limit{
		{"Octets of the original's header in a report", "dsn.maxOriginal", "further fields are left out", "TestTheOriginalsSecretsStayHere TestAReportIsTheGolden"},
		{"Octets of a report's line", "998", "the subject is folded, a value is cut", "TestALongSubjectIsFoldedAndReadsAsBefore FuzzReport"},
		{"Octets of a foreign report that are read", "dsn.maxStatus", "the rest is not read", "FuzzReadStatus"},
		{"Notices for a person within an hour", "post.mostSingle", "the others come as one digest when the hour is over", "TestTheSixthNoticeOfAnHourWaitsForTheDigest"},
		{"Notices that a digest lists", "post.mostListed", "the others are counted", "TestTheSixthNoticeOfAnHourWaitsForTheDigest"},
		{"Addresses listed in a notice", "notice.maxListed", "their number is written", "TestALongListIsCut"},
		{"Reports of a tenant to senders outside in an hour", "gateway.scatterPerTenant", "not sent; in the record, and alarmed once", "TestReportsToSendersOutsideHaveALimit back-scatter.txtar"},
		{"Senders outside that are remembered", "gateway.maxScattered", "the list begins anew", "TestReportsToSendersOutsideHaveALimit"},
		{"Octets of a journal report", "journal.maxReport", "read in part, and said", "TestAReportThatIsTooLargeIsReadInPart"},
		{"Octets of a line of it", "journal.maxLine", "read in part, and said", "TestAReportThatIsTooLargeIsReadInPart FuzzLines"},
		{"Recipients in it", "journal.maxLines", "read in part, and said", "TestAReportThatIsTooLargeIsReadInPart"},
		{"Texts that are tried as the report", "journal.maxTexts", "no journal report: on its gate", "TestWhatIsNoJournalReport FuzzOpen"},
		{"Problems of a journal report that are listed", "journal.maxProblems", "the others are not listed", "FuzzOpen"},
		{"Octets of an address in it", "journal.maxAddress", "said as a line that was not understood", "TestRecipientLines"},
	}
}

func recordLimits() []limit {
	return []limit{
		{"Record of a message", "keep", "erased; the chain keeps a gap that is accounted for", "TestErasingLeavesAGapThatIsAccountedFor TestARecordComesBackAsItWasSaved"},
		{"Facts for a replay", "app.keepFacts", "erased", "TestFactsHaveARetentionOfTheirOwn"},
		{"Records of strangers and of tenants that are gone", "app.keepNobody", "erased", "TestFactsHaveARetentionOfTheirOwn"},
		{"Rows of finished messages", "app.keepRows", "erased; the record stays", "TestTheLifeOfAMessage"},
		{"Differences that a balance names", "balance.mostDifferences", "all are counted", "TestAHundredRemovedRecordsAreFound TestWhatDoesNotAddUpIsNamed"},
		{"Octets of a search", "audit.maxQuery", "refused with a sentence", "TestParseQuery"},
		{"Conditions of a search", "audit.maxTerms", "refused with a sentence", "TestParseQuery"},
		{"Records of a page of a search", "100, at most 500", "the next page begins behind the last", "TestExportGoesThroughAllPages TestAPIPagesHoldEveryMessageOnce"},
	}
}

func publicLimits() []limit {
	return []limit{
		{"Connections", "app.maxPublic", "the others are hung up on", "TestOneClientTakesOnlyItsOwnPlaces TestOneClientDoesNotTakeAllPlacesOfThePages"},
		{"Connections of one client (an IPv4 address, an IPv6 /64)", "app.maxPublicOfOne", "the others are hung up on", "TestOneClientTakesOnlyItsOwnPlaces TestOneClientDoesNotTakeAllPlacesOfThePages"},
		{"Octets of a request's header", "16 KiB", "431", "TestThePagesForPeopleServeNothingElse"},
		{"Time for a whole request", "20 s", "the connection is closed", "TestASlowClientOfThePagesIsHungUpOn"},
		{"Octets of a request's address", "public.maxURL", "414", "TestWhatIsNotServed"},
		{"Octets of a request's body", "public.maxBody", "nothing is done", "TestWhatIsNotServed"},
		{"Pages for one client in a minute", "public.maxReads", "429; clients on this machine have no bound", "TestOneClientCannotAskForever"},
		{"Presses of one client in a minute", "public.maxWrites", "429", "TestOneClientCannotAskForever"},
		{"Codes that one client asks for in an hour", "public.maxCodes", "429", "TestOneClientCannotAskForever"},
		{"Clients that are told apart", "public.maxClients", "all others share one bound", "TestManyClientsShareTheLastBound"},
		{"Codes that wait to be sent", "public.mostErrands", "no code is sent; people ask again", "TestTooManyCodesAtOnceAreDropped"},
		{"Octets of an address that is typed", "public.mostAddress", "refused with a sentence", "TestWhatIsNoAddressIsSaid"},
		{"Octets of what a browser keeps sealed for us", "public.mostSealed", "it does not count", "FuzzSealed"},
		{"Octets of a browser's name that are kept with a device", "public.mostLabel", "the rest is not kept", "TestACodeIsForOneBrowserAndOneMailbox"},
		{"Octets of a text that is typed", "public.mostText", "refused with a sentence", "TestLongTextsAreRefused"},
		{"Recipients on a page", "public.mostLines", "their number is shown", "TestALongListIsCut"},
		{"Findings and attachments on a page", "public.mostFound", "the others are not shown", "TestALongListIsCut"},
		{"Mails in each list of a person", "public.mostRows", "those that are due first are shown, and that there are more", "TestALongListIsCut"},
		{"Recipients of one mail in it", "public.mostNamed", "the mail stands there once more", "TestALongListIsCut"},
		{"Octets of a mail's text that are shown", "public.maxLetter", "the rest is not shown, and that is said", "TestALongMailIsCut"},
		{"Characters of it", "public.maxBlocks", "the rest is not shown, and that is said", "TestALongMailIsCut"},
		{"Elements of it in each other", "public.maxOpen", "deeper ones are left out, their text is not", "FuzzHarmless"},
		{"Octets of a browser's list of languages", "public.mostAccepted", "the rest is not read", "TestThePageSpeaksTheReadersLanguage"},
	}
}

func webLimits() []limit {
	return []limit{
		{"Connections of an HTTP listener", "app.maxHTTP", "the others wait", "TestSlowAndManyHTTPClientsDoNotTouchMail"},
		{"Octets of a request's address", "web.maxURL", "414", "TestMethodsAndSizesAreLimited"},
		{"Octets of a request's body", "web.maxBody", "413", "TestMethodsAndSizesAreLimited"},
		{"Octets of a request's header", "64 KiB", "431", "TestSlowAndManyHTTPClientsDoNotTouchMail"},
		{"Rows of a list on a page of a message", "web.maxRows", "their number is shown", "TestVeryManyRowsAreNotAllShown"},
		{"Links and sessions, each", "web.maxDoors", "the oldest ends", "TestTheOldestSessionMakesRoom"},
		{"Life of a link", "web.linkLife", "403", "TestALinkWorksOnceAndForFifteenMinutes"},
		{"Life of a session", "web.sessionLife", "a new link is needed", "TestASessionEnds"},
	}
}

func innerLimits() []limit {
	return []limit{
		{"Octets of a header kept after indexing", "mail.keepHeader", "read again from the message", "TestHeaderFieldsAreRangesOverTheOriginal"},
		{"The same, of all parts", "mail.keepTotal", "read again from the message", "TestALargeMessageIsIndexedInLittleMemory"},
		{"Characters of a uuencoded line", "mail.maxUULine", "no uuencoded line", "FuzzTransfer"},
		{"Padding skipped in base64", "mail.maxPadding", "read in another step", "FuzzTransfer"},
		{"Octets of a file inside another between two looks at its limits", "look.maxPiece", "read in pieces", "TestAFileThatUnpacksToTooMuchIsSaid"},
		{"Octets of a table's cell at a time", "extract.maxCell", "written in pieces", "TestTables"},
		{"Octets of a heading repeated beside a number", "extract.maxHeading", "the rest is not repeated", "TestTables"},
		{"Columns whose headings are repeated", "extract.maxColumns", "the others stand without heading", "TestTables"},
		{"Octets of a section's name in a finding", "detect.maxPlace", "the name is cut", "TestAPlaceInWords"},
		{"Text of a message in which passwords are looked for", "look.maxWords", "no more is looked for", "TestPasswordsInTheTextOfAMessage"},
		{"Words of a message tried as passwords, of each kind", "look.keepWords", "the others are not tried", "TestPasswordsInTheTextOfAMessage"},
		{"Octets of such a word", "look.maxPassword", "not tried", "TestPasswordsInTheTextOfAMessage"},
		{"Passwords of a tenant", "tenant.mostPasswords", "a mistake", "TestWhatTheLookIsTold"},
		{"Octets of a label's name, given by the tenant", "tenant.maxLabelName", "a mistake", "TestWhatTheLookIsTold"},
		{"Octets of a label's words", "detect/label.maxName", "cut", "TestLabelsOfDocuments"},
		{"Rows of a table for exact match", "detect/exact.maxRows", "a mistake, when it is built", "TestWhatIsNoTableIsRefused"},
		{"Other columns of it", "detect/exact.maxColumns", "a mistake, when it is built", "TestWhatIsNoTableIsRefused"},
		{"Words of a cell", "detect/exact.maxRun", "the row is left out, or its cell not compared; the builder says so", "TestRowsAreFoundWithWhatStandsBesideThem"},
		{"Octets of a cell", "detect/exact.maxCell", "the row is left out, or its cell not compared; the builder says so", "TestRowsAreFoundWithWhatStandsBesideThem"},
		{"Octets of the head of a table's file", "detect/exact.maxHead", "no table", "FuzzParse"},
		{"Octets around a primary cell in which others count", "detect/exact.maxWindow", "a mistake of the policy", "TestRowsAreFoundWithWhatStandsBesideThem"},
		{"Rows with one primary cell that are compared", "detect/exact.maxSame", "the others do not count", "TestRowsAreFoundWithWhatStandsBesideThem"},
		{"Fields that a policy may demand", "policy.maxFields", "a mistake", "TestTablesAndFingerprintsStayWhereTheyAre"},
		{"Octets around a primary cell, in a policy", "policy.maxWindow", "a mistake", "TestTablesAndFingerprintsStayWhereTheyAre"},
		{"Hashes of a fingerprint", "detect/fingerprint.mostHashes", "a mistake, when it is built", "TestWhatIsNoPrintIsRefused"},
		{"Octets of a word in a fingerprint", "detect/fingerprint.maxWord", "the rest does not count", "FuzzMatch"},
		{"Catalogues of tenants kept ready", "look.maxSets", "made again", "TestCataloguesAreKeptReady"},
		{"Names of secrets inside the value of another", "detect/secret.maxNested", "the others are not read", "TestALongWordIsReadOnce"},
		{"What compressed texts of a picture become", "extract/picture.maxUnpacked", "`too-large`", "TestLimitsOfWhatAPictureSaysAreSaid"},
		{"Texts of a picture", "extract/picture.maxTexts", "`too-large`", "TestLimitsOfWhatAPictureSaysAreSaid"},
		{"Folders of a TIFF file", "extract/picture.maxFolders", "`too-large`", "FuzzPicture"},
		{"Entries of such a folder", "extract/picture.maxEntries", "`too-large`", "TestLimitsOfWhatAPictureSaysAreSaid"},
		{"Rows among which headings are looked for", "extract.maxAbove", "numbers below stand without heading", "TestATableSaysItsCellsAndRepeatsItsHeadings"},
		{"Text waiting for the end of a line", "extract.maxLater", "the line ends", "FuzzExtract"},
		{"Visible text kept at a time", "extract.maxVisible", "given out, and on", "FuzzExtract"},
		{"What of it stays for context", "extract.keepVisible", "context is shorter", "FuzzExtract"},
		{"Turned text at a time", "look.maxTurned", "given out, and on", "TestANumberIsFoundHoweverItIsHidden"},
		{"Ends of texts joined over parts", "look.maxSeam", "a number is not longer", "TestANumberIsFoundHoweverItIsHidden"},
		{"Hits that overlap in a row", "detect.maxGroup", "resolved group by group", "TestTheSurestOfOverlappingHitsStays"},
		{"Octets of a local part of a found address", "detect/dlp.maxLocal", "no address", "FuzzDetectors"},
		{"Octets of its domain", "detect/dlp.maxDomain", "no address", "FuzzDetectors"},
		{"Octets of a label of its domain", "detect/dlp.maxLabel", "no address", "FuzzDetectors"},
		{"Octets of it all", "detect/dlp.maxPath", "no address", "FuzzDetectors"},
		{"Digits of a card number", "detect/dlp.maxDigits", "no card", "FuzzDetectors"},
		{"Octets of a word near a finding", "detect/dlp.maxWord", "no word of the context", "FuzzDetectors"},
		{"Letters and digits of a token", "detect/dlp.maxToken", "encoded data: no identifier", "TestTheEngineWeighsWhatStandsAround"},
		{"Readings that are weighed against one", "detect/dlp.maxNeighbors", "the others do not count", "TestAColumnOfNumbersIsWeighed"},
		{"Digits of a telephone number", "detect/dlp.mostPhone", "no telephone number", "TestSamplesOfPacks FuzzDetectors"},
		{"Octets of the first word of a term", "detect/dlp.maxTermKey", "no term begins there", "TestALexiconFindsWhatAnAutomatonFinds"},
		{"Octets of a secret that are measured and kept", "detect/secret.maxValue", "the rest does not count", "TestALongSecretIsFoundByItsBeginning FuzzScan"},
		{"Top-level domains that are remembered", "detect/dlp.maxTops", "the others are looked up each time", "TestSamplesOfPacks"},
		{"Packs of detectors", "detect/dlp.maxPacks", "the program ends when it starts: a bug that every test would show", "TestEveryPackIsSound"},
		{"Characters that a form of a pack describes", "detect/dlp.maxShape", "a mistake in the pack", "TestShapes"},
		{"Octets of a form of a pack", "detect/dlp.maxSource", "a mistake in the pack", "TestShapes"},
		{"Next hops remembered by the queue", "task.maxLanes", "idle ones are forgotten", "TestALane"},
		{"Next hops remembered for throttling", "deliver.maxLanes", "idle ones are forgotten", "TestThrottling"},
		{"Hosts remembered as down", "deliver.maxDown", "the list begins anew", "TestTheNextHostIsTriedWhenOneFails"},
	}
}
