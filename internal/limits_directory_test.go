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
		{"Age above which a directory is too old", "directory_stale", "P121; what then, says switches.stale_directory", "directory-stale.txtar directory-stale-strict.txtar"},
		{"Names of groups of one address in the facts of a message", "gateway.maxPartyGroups", "only those that the policies ask for; of others it cannot be known", "TestFactsOfManyGroupsAreCut"},
		{"The same, of all addresses of a message", "gateway.maxFactGroups", "only those that the policies ask for; of others it cannot be known", "TestFactsOfManyGroupsAreCut"},
		{"Domains of a group's members outside in the facts, and incomplete groups there", "gateway.maxDomains", "the others are counted; of other groups than those asked for it cannot be known", "TestFactsOfManyGroupsAreCut"},
		{"Pairs of a tenant that are remembered", "contact.maxPairs", "the oldest are forgotten, those never written to first", "TestAHistoryIsForgotten"},
		{"Domains of a tenant that are remembered", "contact.maxDomains", "those least written to are forgotten", "TestAHistoryIsForgotten"},
		{"Pairs of one message that are remembered", "contact.maxNoted", "none of them is: mail to more people is no correspondence", "TestMailToVeryManyIsNoCorrespondence"},
		{"Octets of a domain that is compared with others", "contact.maxIndexed", "it looks like none", "TestTheIndexFindsWhatAComparisonFinds"},
		{"Time that a contact is remembered after its last message", "contacts.keep", "forgotten", "TestAHistoryIsForgotten"},
		{"A number that a pack's setting takes", "pack.maxNumber", "refused with the bounds", "TestWhatCannotBeChosenIsSaid"},
		{"Octets of another value of a pack's setting", "pack.maxValue", "refused", "TestWhatCannotBeChosenIsSaid"},
	}
}
