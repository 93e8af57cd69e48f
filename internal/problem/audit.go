package problem

// Problems of the audit rooms: P800 to P899.
const (
	ChainBroken   Code = "P800"
	HeadWrong     Code = "P801"
	ChainCut      Code = "P802"
	PersonalLost  Code = "P803"
	PersonalWrong Code = "P804"
)

func auditRows() []Problem {
	return []Problem{
		{ChainBroken, "An event of the audit chain was changed, removed or put in",
			"None for mail; the record from the named number on proves nothing",
			"Compare with an exported copy, and find out who wrote into the database"},
		{HeadWrong, "The head of an audit chain does not carry our key",
			"None for mail; the chain may have been made anew by somebody without the key",
			"Check that the key file is the one of this installation; else compare with an exported copy"},
		{ChainCut, "The end of an audit chain is missing",
			"None for mail; the last events were removed",
			"Compare with an exported copy, and find out who wrote into the database"},
		{PersonalLost, "Personal fields of an event are gone without an event that says so",
			"None for mail; the event itself still stands",
			"Find out who deleted from the database; a deletion by Postern leaves an event"},
		{PersonalWrong, "Personal fields of an event were changed",
			"None for mail; addresses and names of this event prove nothing",
			"Compare with an exported copy, and find out who wrote into the database"},
	}
}
