package house_test

// vaultLimits bound keys and what is read of them.
func vaultLimits() []limit {
	return []limit{
		{"Octets of keys that a file, a variable or a program gives", "vault.maxKeyText", "refused; nothing of it is shown", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Time of a program that prints keys", "vault.maxKeyWait", "it is ended with all that it started; there is no key", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Words of a command that prints keys", "vault.maxKeyCommands", "refused", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Time to confirm an emergency", "quarantine.maxAsking", "it cannot be confirmed any more; one asks again", "TestAnEmergencyNeedsTwoPersonsAndIsShort"},
		{"Time to read in an emergency", "quarantine.maxReading", "it opens nothing any more; one asks again", "TestAnEmergencyNeedsTwoPersonsAndIsShort"},
		{"Emergencies that wait for their second person, of one message", "quarantine.maxEmergencies", "refused", "TestAnEmergencyNeedsTwoPersonsAndIsShort"},
		{"Time that a message waits for a decision, whatever its policy says", "retention.bytes", "it is refused and its sender told; what is pinned stays", "TestEachOfThreeClocksEndsWhatItIsFor"},
		{"Time of the personal part of a record", "retention.metadata", "it is erased, with an event in the chain", "TestEachOfThreeClocksEndsWhatItIsFor"},
		{"Time of the audit chain", "retention.audit", "its oldest part is removed, with an event that says so", "TestEachOfThreeClocksEndsWhatItIsFor TestAChainWithoutItsOldestPartStillAddsUp"},
		{"Lines of keys", "vault.maxKeyLines", "refused", "TestKeyFilesAreMadeOnceAndForTheirUserOnly"},
	}
}
