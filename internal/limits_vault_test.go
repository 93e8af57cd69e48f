package house_test

// vaultLimits bound keys and what is read of them.
func vaultLimits() []limit {
	return []limit{
		{"Octets of keys that a file, a variable or a program gives", "vault.maxKeyText", "refused; nothing of it is shown", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Time of a program that prints keys", "vault.maxKeyWait", "it is ended with all that it started; there is no key", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Words of a command that prints keys", "vault.maxKeyCommands", "refused", "TestACommandThatGivesNoKeyTellsNothingOfWhatItSaid"},
		{"Lines of keys", "vault.maxKeyLines", "refused", "TestKeyFilesAreMadeOnceAndForTheirUserOnly"},
	}
}
