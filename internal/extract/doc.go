// Package extract turns the octets of a part into the text that a reader
// sees, and runs hostile work in a child process that may die.
//
// It upholds two laws:
//
//	what could not be read is said: a part is text, or it has a Cause, and
//	it may be both; it is never silently clean;
//	nothing that arrives can hurt the process that holds the mail: parsers
//	run in a child with limits on memory, time and rights (child.go,
//	pool.go), and what the child says is checked (wire.go).
//
// An extractor is a function from a stream to a stream (see Extractors): to
// add a format, write one file and add one row.
//
// Properties have these names: title, subject, author, keywords, comments,
// category, company, manager, last-author, created, modified; custom:NAME
// for a custom property; info:KEY for PDF's dictionary; xmp:PREFIX:NAME for
// XMP; labelinfo:ID:ATTRIBUTE for a label in docMetadata/LabelInfo.xml.
//
// The package knows no message, detector or policy.
//
// Standards: RFC 4180 (CSV), WHATWG HTML (tokenization), RFC 8118 (PDF), RFC
// 8551 (S/MIME), RFC 9580 (OpenPGP), PKWARE APPNOTE (ZIP), MS-CFB and
// MS-OFFCRYPTO (Office).
package extract
