package house_test

// directoryLimits are those of who is who in a tenant, and of its history.
func directoryLimits() []limit {
	return []limit{
		{"Octets of a directory file", "directory.maxFile", "the file is broken", "TestAFileThatIsTooLongIsRefused"},
		{"Octets of a line of it", "directory.maxLine", "the file is broken", "TestALineThatIsTooLongIsRefused"},
		{"Entries of a directory", "directory.maxEntries", "the file is broken", "TestTooManyEntriesAreRefused"},
		{"Octets of a name, department or id in it", "directory.maxText", "the file is broken", "TestBrokenFilesAreRefusedWithTheirPlace"},
		{"Memory of all memberships of a directory, in octets", "directory.maxMembership", "the file is broken", "TestALongChainAndATangleEndWell"},
		{"Mistakes of a directory file that are told at once", "directory.maxMistakes", "the others are told when these are gone", "TestManyMistakesAreToldUpToABound"},
	}
}
