package house_test

func officeLimits() []limit {
	return []limit{
		{"Groups of RTF in each other", "extract/rtf.maxDepth", "`too-deep`; what is deeper counts as part of the last group", "TestDamageCostsOnlyWhatIsDamaged"},
		{"Fonts of an RTF document", "extract/rtf.maxFonts", "text in the others has the code page of the document", "FuzzRead"},
		{"Letters of a control word", "extract/rtf.maxWord", "the word ends, as in Word", "FuzzRead"},
		{"Storages in each other", "extract/cfb.maxDepth", "`malformed`", "FuzzOpen"},
		{"Characters of the name of a stream that is written", "extract/cfb.maxName", "the name is cut", "FuzzOpen"},
		{"Octets of a number format", "extract/numfmt.maxCode", "the number stands with all its digits", "FuzzFormat"},
		{"Growth of RTF that is unpacked, per octet", "extract/mapi.maxGrowth", "no compressed RTF can grow more", "FuzzStreams"},
		{"Rounds of hashing for the passwords of one file", "extract/officecrypt.maxRounds", "`encrypted`; the other passwords are not tried", "TestWhatIsLockedIsSaid"},
		{"Properties of a set in a compound file", "extract/ole.maxValues", "the others are not read", "FuzzStreams"},
		{"Number formats and sheets of a workbook", "extract/ole.maxFormats", "numbers stand with all their digits, sheets without name", "FuzzStreams"},
		{"Savings of a presentation that are followed", "extract/ole.maxEdits", "its text stands under “other masters and earlier text”", "FuzzStreams"},
		{"Records of a presentation in each other", "extract/ole.maxNested", "what is deeper is not read", "FuzzStreams"},
		{"Octets of an object embedded in a presentation", "extract/ole.maxInflated", "`too-large`", "FuzzStreams"},
		{"Properties of a list in TNEF", "extract/tnef.maxProperties", "the others are not read", "FuzzRead"},
		{"Values of a property in TNEF", "extract/tnef.maxValues", "the others are not read", "FuzzRead"},
		{"Properties of a section of OneNote", "extract/onenote.maxProperties", "`too-large`", "FuzzRead"},
		{"Sets of properties in each other", "extract/onenote.maxNested", "what is deeper is not read", "FuzzRead"},
		{"Texts of a section that are given out once", "extract/onenote.maxKept", "the others may come more than once", "FuzzRead"},
		{"Lists of a document of Word", "extract/ole.maxLists", "paragraphs of the others stand without their numbers", "FuzzStreams"},
		{"Streams of a drawing of Visio", "extract/ole.maxStreams", "the others are not read", "FuzzStreams"},
		{"Octets that all packed streams of a file become", "extract/ole.maxUnpacked", "`too-large`", "TestPackedStreamsAreBounded"},
		{"Octets of the source of a macro", "extract/ole.maxSource", "the rest is not read", "FuzzStreams"},
	}
}
