// Package ole reads the documents that lie in compound files: Word 6 to 2003,
// Excel 2 to 2003, PowerPoint 97 to 2003, messages of Outlook, drawings of
// Visio, publications, Hangul documents, and what Office encrypts.
//
// It upholds three laws:
//
//	what was put in is given out: text that is shown, and in sections of its
//	own the text that is hidden, deleted, in notes, comments, boxes, headers,
//	codes of fields, and macros; embedded files as files;
//	what is locked is opened with the right password, or said to be locked;
//	what is not understood is said: its pieces of text are given out, but it
//	never counts as read.
//
// The package knows no part, detector or child process.
//
// Standards: MS-CFB, MS-DOC, MS-XLS, MS-PPT, MS-ODRAW, MS-OSHARED, MS-OLEPS
// (property sets), MS-OLEDS, MS-OVBA (macros), MS-OXMSG and MS-OXPROPS
// (messages), MS-OFFCRYPTO, Hangul document file format 5.0.
package ole

import (
	"postern.dev/postern/internal/extract/cfb"
)

// Out takes what is read. An error of its methods ends the reading.
type Out interface {
	// Write takes text in UTF-8.
	Write(p []byte) (int, error)
	// Section says where the text that follows stands.
	Section(name string) error
	// Begin starts a table, Cell gives one of its cells (rows and columns from
	// 1, in ascending order), End ends it.
	Begin(name string) error
	Cell(row, col int, text []byte) error
	End() error
	// Property takes what the document says about itself.
	Property(name, value string)
	// Embed takes a file that lies inside.
	Embed(name, declared string, octets []byte) error
	// Note takes a cause ("encrypted", "malformed", "unsupported",
	// "too-large") for which not everything was read, and a sentence.
	Note(cause, detail string)
}

// Causes of Note.
const (
	encrypted   = "encrypted"
	malformed   = "malformed"
	unsupported = "unsupported"
	tooLarge    = "too-large"
)

// Is reports whether octets begin like a compound file.
func Is(head []byte) bool { return cfb.Is(head) }

// reader is the state of reading one file.
type reader struct {
	out       Out
	root      *cfb.Entry
	passwords []string
	err       error
	read      bool // something was understood

	number int // of embedded files without a name
	room   int // octets that may still come out of packed streams
}

// Read reads a compound file. Passwords are tried on what is encrypted.
func Read(p []byte, passwords []string, out Out) error {
	root, err := cfb.Open(p)
	if root == nil {
		out.Note(malformed, "the compound file is damaged")
		return nil
	}
	r := &reader{out: out, root: root, passwords: passwords, room: maxUnpacked}
	r.storage(root)
	if err != nil || root.Damaged() {
		r.out.Note(malformed, "the compound file is damaged, a part of it could not be read")
	}
	return r.err
}

// storage reads what a storage holds. One file can be several documents at a
// time: all of them are read.
func (r *reader) storage(s *cfb.Entry) {
	r.properties(s)
	for _, k := range kinds {
		if r.err == nil && s.Child(k.entry) != nil {
			r.read = true
			k.read(r, s)
		}
	}
	if r.err == nil && !r.read {
		r.out.Note(unsupported, "the kind of the compound file is not known; only pieces of its text were read")
		r.pieces(s, 0)
	}
}

// maxUnpacked is what all packed streams of a file may become.
const maxUnpacked = 256 << 20

// unpacked takes note of octets that came out of a packed stream.
func (r *reader) unpacked(n int) bool {
	if r.room -= n; r.room < 0 {
		r.out.Note(tooLarge, "the packed streams of the file are too long to be unpacked")
		return false
	}
	return true
}

// kinds are the entries that say what a storage is.
var kinds = []struct {
	entry string
	read  func(r *reader, s *cfb.Entry)
}{
	{"EncryptedPackage", (*reader).encrypted},
	{"\x09DRMContent", (*reader).protected},
	{"WordDocument", (*reader).word},
	{"Workbook", (*reader).workbook},
	{"Book", (*reader).book},
	{"PowerPoint Document", (*reader).presentation},
	{"__properties_version1.0", (*reader).message},
	{"VisioDocument", (*reader).visio},
	{"Quill", (*reader).publication},
	{"BodyText", (*reader).hangul},
	{"\x01Ole10Native", (*reader).native},
	{"Package", (*reader).packaged},
	{"CONTENTS", (*reader).contents},
	{"EmbeddedOdf", (*reader).openDocument},
	{"VBA", (*reader).macros},
}

// write gives text out.
func (r *reader) write(p []byte) {
	if r.err == nil && len(p) > 0 {
		_, r.err = r.out.Write(p)
	}
}

func (r *reader) section(name string) {
	if r.err == nil {
		r.err = r.out.Section(name)
	}
}

// beside gives out a text that stands in a section of its own.
func (r *reader) beside(name string, text []byte) {
	if blank(text) {
		return
	}
	r.section(name)
	r.write(text)
}

func blank(p []byte) bool {
	for _, c := range p {
		if c > ' ' {
			return false
		}
	}
	return true
}

func (r *reader) embed(name, declared string, p []byte) {
	if r.err == nil && len(p) > 0 {
		r.err = r.out.Embed(name, declared, p)
	}
}
