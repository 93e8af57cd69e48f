package house_test

// packedLimits are those of files that are packed in others.
func packedLimits() []limit {
	return []limit{
		{"Entries of a ZIP file", "extract/zipped.MaxEntries", "`too-many-parts`", "TestTooManyEntriesAreSaid TestTooManyFilesOfAnArchiveAreSaid"},
		{"Entries of another archive", "extract/archive.maxEntries", "`too-many-parts`", "TestTooManyFilesOfAnArchiveAreSaid"},
		{"Memory that a compression may ask for", "extract/archive.maxWindow", "`malformed`", "TestAWindowThatIsTooLargeIsSaid"},
		{"The same, within a ZIP file", "extract/zipped.maxWindow", "`unsupported` or `malformed`", "FuzzOpen"},
		{"Octets of the parts of one Office document", "extract/ooxml.maxInflated", "`too-large`", "TestLimitsOfADocumentAreSaid"},
		{"The same, of an OpenDocument", "extract/odf.maxInflated", "`too-large`", "TestLimitsOfAnOpenDocumentAreSaid"},
		{"Octets of a file within a flat OpenDocument, or of an encrypted part", "extract/odf.maxOctets", "`too-large`; `encrypted`", "TestLimitsOfAnOpenDocumentAreSaid"},
		{"Rounds of key derivation that an OpenDocument may ask for", "extract/odf.maxRounds", "`encrypted`", "TestAnEncryptedOpenDocument"},
		{"Pieces of text of a fixed page", "extract/ooxml.maxRuns", "`too-large`", "TestAFixedPageIsReadAsItIsWrittenAndAsItIsSeen"},
		{"Elements in each other of a fixed page", "extract/ooxml.maxLayers", "those inside count as one", "TestAFixedPageIsReadAsItIsWrittenAndAsItIsSeen"},
		{"Files in the addresses of a page", "extract.maxInline", "`too-many-parts`", "TestFilesInTheAddressesOfAPageAreLookedAt"},
		{"Lists, and styles of lists, of a document", "extract/ooxml.maxLists", "the paragraphs of the others have no numbers", "TestAParagraphOfAListHasItsNumber"},
		{"Text of the shared strings of a workbook", "extract/ooxml.maxStrings", "`too-large`", "TestLimitsOfADocumentAreSaid"},
		{"Octets of a record of a binary workbook", "extract/ooxml.maxRecord", "`malformed`", "TestABinaryWorkbookThatIsDamagedIsSaid"},
		{"Octets of an unknown record's search for text", "extract/ooxml.maxEffort", "`too-large`", "TestLimitsOfADocumentAreSaid"},
		{"Octets of a tag of XML", "extract/xmlread.maxTag", "`malformed`; the rest is read as text", "TestATagThatIsTooLongIsCutAndSaid"},
		{"Octets of an archive unpacked to see whether a password fits", "extract/archive.maxTried", "it fits", "TestConformancePackedDocuments"},
		{"The same, of an entry of a ZIP file", "extract/zipped.maxTried", "it fits", "TestEncryptedEntriesOpenWithTheirPassword"},
	}
}
