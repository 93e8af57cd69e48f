package house_test

func pictureLimits() []limit {
	const shown = "TestAProgramIsBounded"
	return []limit{
		{"Pictures of a message that are read", "look.maxPictures", "`unsupported` for the others", "TestPicturesAreReadWhenSwitchedOn"},
		{"Octets of those that lie inside files", "look.maxPictured", "`unsupported` for the others", "TestPicturesInsideFilesAreBounded"},
		{"Pictures of a scanned page", "extract/pdf.maxShown", "`unsupported` for the page", "TestPicturesThatCannotBeMadeFilesLeaveThePageUnread"},
		{"Points of a scanned page", "extract/pdf.maxPixels", "`unsupported` for the page", "TestPicturesThatCannotBeMadeFilesLeaveThePageUnread"},
		{"Octets of a picture", "ocr.maxPicture", "`engine-failed` and `unsupported`", shown},
		{"Points of a picture", "ocr.maxPixels", "`engine-failed` and `unsupported`", shown},
		{"Octets of its text", "ocr.maxText", "the rest is not read", shown},
		{"Memory of the program", "ocr.maxMemory", "the program ends; `engine-failed` and `unsupported`", shown},
		{"Time for a picture", "ocr.timeout", "`out-of-time` and `unsupported`", shown},
	}
}

func pdfLimits() []limit {
	const bounds, inner = "TestBoundsAreSaid", "TestInnerBoundsLeaveTheRestReadable"
	return []limit{
		{"Objects of a document", "extract/pdf.maxObjects", "`too-large`", bounds},
		{"Octets that one stream becomes", "extract/pdf.maxStream", "`too-large`", bounds},
		{"Octets that all streams become", "extract/pdf.maxInflated", "`too-large`", bounds},
		{"Octets out for one octet of a stream, above 1 MiB", "extract/pdf.maxRatio", "`too-large`", bounds},
		{"Steps: operators, letters, octets searched", "extract/pdf.maxSteps", "`too-large`", bounds},
		{"Octets of text", "extract/pdf.maxGiven", "`too-large`", bounds},
		{"Pages", "extract/pdf.maxPages", "`too-large`", bounds},
		{"Levels of trees, forms and outlines", "extract/pdf.maxLevels", "`too-deep`", bounds},
		{"Arrays and dictionaries in each other", "extract/pdf.maxNested", "`too-deep`", bounds},
		{"References that lead to one object", "extract/pdf.maxFollow", "`too-deep`", bounds},
		{"Filters of a stream", "extract/pdf.maxFilters", "`too-deep`", bounds},
		{"Tables of objects: one for each revision", "extract/pdf.maxTables", "`too-large`", bounds},
		{"Rows of a table of letters", "extract/pdf.maxRows", "`too-large`", bounds},
		{"Octets of XMP", "extract/pdf.maxXMP", "`too-large`", bounds},
		{"Octets of a value of XMP", "extract/pdf.maxValue", "`too-large`", bounds},
		{"Properties in XMP, and values of one", "extract/pdf.maxProperties", "`too-large`", bounds},
		{"Characters of the name of a glyph", "extract/pdf.maxGlyphName", "a letter without a name: `unsupported` when there are many", inner},
		{"Operands of an operator", "extract/pdf.maxOperands", "the first are forgotten", inner},
		{"States of the pen that are kept", "extract/pdf.maxSaved", "the state is not kept", inner},
		{"Marked contents in each other", "extract/pdf.maxMarks", "`too-deep`", inner},
		{"Pieces of text of a page that are put in order at a time", "extract/pdf.maxRuns", "written, and on", inner},
		{"Octets of unpacked objects kept", "extract/pdf.maxKept", "unpacked again", "FuzzRead"},
		{"Objects kept from page to page", "extract/pdf.keepObjects", "read again", "FuzzRead"},
		{"Fonts kept", "extract/pdf.keepFonts", "read again", "FuzzRead"},
		{"Octets of forms kept", "extract/pdf.keepForms", "unpacked again", "FuzzRead"},
		{"Ranges of pages that a note names", "extract/pdf.keepRanges", "the others are \"and others\"", "TestWhatIsNotReadIsSaid"},
	}
}
