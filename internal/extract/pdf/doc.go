// Package pdf reads what a PDF document says: the text of its pages as a
// person sees it and as a program copies it, its annotations, form fields,
// outline, properties, scripts and the files inside it.
//
// It upholds two laws:
//
//	what was not read is said with a Cause: encrypted, not supported,
//	damaged, too large or nested too deep; never silently nothing;
//	no input makes it panic, loop or use more than its bounds of memory and
//	work (work.go).
//
// Text that a reader does not show counts as well: white, invisible, outside
// of the page, in a hidden layer, or in an earlier revision of the file.
//
// The package knows octets and an Output. It knows no part, message or
// detector, and opens no file.
//
// Standards: ISO 32000-1 and ISO 32000-2 (PDF), RFC 8118 (application/pdf),
// RFC 1950 and RFC 1951 (Flate), Adobe Glyph List Specification, Adobe
// Technical Notes 5014 (CMap) and 5176 (CFF), ISO 16684-1 (XMP), TIFF 6.0.
package pdf
