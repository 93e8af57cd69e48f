// Package mapi knows the properties of the messages of Outlook, which lie in
// .msg files and in winmail.dat: what they are called, how their values
// become text, and how the body in RTF is unpacked.
//
// It upholds one law: a property that is text is given out, also when nobody
// here knows its name.
//
// It knows neither of the two file formats.
//
// Standards: MS-OXPROPS (properties), MS-OXCDATA §2.11 (types of values),
// MS-OXRTFCP (compressed RTF), MS-OXCMSG.
package mapi

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/extract/codepage"
)

// LongValue is the length from which on the value of a named property is text
// of the message and no property any more.
const LongValue = 4096

// Types of values (MS-OXCDATA §2.11.1).
const (
	Int16    = 0x0002
	Int32    = 0x0003
	Float32  = 0x0004
	Float64  = 0x0005
	Currency = 0x0006
	AppTime  = 0x0007
	Error    = 0x000A
	Boolean  = 0x000B
	Object   = 0x000D
	Int64    = 0x0014
	String8  = 0x001E
	Unicode  = 0x001F
	Time     = 0x0040
	GUID     = 0x0048
	Binary   = 0x0102
	Multiple = 0x1000
)

// Properties that the readers treat in a way of their own (MS-OXPROPS).
const (
	Subject       = 0x0037
	Headers       = 0x007D
	Body          = 0x1000
	RTFBody       = 0x1009
	HTMLBody      = 0x1013
	DisplayName   = 0x3001
	AddressType   = 0x3002
	Address       = 0x3003
	SMTPAddress   = 0x39FE
	AttachData    = 0x3701
	AttachName8   = 0x3704
	AttachMethod  = 0x3705
	AttachName    = 0x3707
	AttachPath    = 0x370D
	AttachMIME    = 0x370E
	RecipientType = 0x0C15
	InternetPage  = 0x3FDE
	MessagePage   = 0x3FFD
	MessageClass  = 0x001A
)

// Name is the name of a named property: a text, or a number in a set.
type Name struct {
	Set  string
	Text string
	ID   uint32
}

// GUIDText writes an identifier as it stands in a file, octet by octet, with
// dashes: its first groups are in the order of the file.
func GUIDText(p []byte) string {
	if len(p) < 16 {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", p[:4], p[4:6], p[6:8], p[8:10], p[10:16])
}

// Label is what a property is called when it is shown; "" for those that hold
// no words of a person: keys, identifiers, addresses of directories.
func Label(id uint16) string {
	for _, l := range labels {
		if l.id == id {
			return l.name
		}
	}
	return ""
}

var labels = []struct {
	id   uint16
	name string
}{
	{Subject, "Subject"}, {0x0C1A, "From"}, {0x0C1F, "Sender address"}, {0x5D01, "Sender"}, {0x5D02, "Representing"},
	{0x0042, "On behalf of"}, {0x0065, "On behalf of address"}, {0x0E04, "To"}, {0x0E03, "Cc"}, {0x0E02, "Bcc"},
	{0x0070, "Topic"}, {0x0050, "Reply to"}, {0x1035, "Message-ID"}, {0x1042, "In reply to"}, {0x1039, "References"},
	{0x3001, "Name"}, {0x3A06, "Given name"}, {0x3A11, "Surname"}, {0x3A44, "Middle name"}, {0x3A45, "Prefix"},
	{0x3A05, "Generation"}, {0x3A16, "Company"}, {0x3A17, "Title"}, {0x3A18, "Department"}, {0x3A19, "Office"},
	{0x3A08, "Telephone"}, {0x3A09, "Home telephone"}, {0x3A1C, "Mobile telephone"}, {0x3A24, "Fax"}, {0x3A1B, "Telephone"},
	{0x3A1A, "Telephone"}, {0x3A1D, "Telephone"}, {0x3A1E, "Car telephone"}, {0x3A1F, "Telephone"}, {0x3A21, "Pager"},
	{0x3A23, "Fax"}, {0x3A25, "Home fax"}, {0x3A2E, "Telephone of the assistant"}, {0x3A2F, "Home telephone"},
	{0x3A30, "Assistant"}, {0x3A15, "Address"}, {0x3A26, "Country"}, {0x3A27, "City"}, {0x3A28, "State"},
	{0x3A29, "Street"}, {0x3A2A, "Postal code"}, {0x3A2B, "Post office box"}, {0x3A59, "City"}, {0x3A5A, "Country"},
	{0x3A5B, "Postal code"}, {0x3A5C, "State"}, {0x3A5D, "Street"}, {0x3A51, "Page"}, {0x3A50, "Page"},
	{0x3A48, "Spouse"}, {0x3A4F, "Nickname"}, {0x3A4E, "Manager"}, {0x3A46, "Profession"}, {0x3A0B, "Keyword"},
	{0x3A0D, "Location"}, {0x3A07, "Government identifier"}, {0x3A0F, "Name"}, {0x3A0C, "Language"}, {0x3A10, "Account"},
	{0x3A4A, "Computer network"}, {0x3A4C, "FTP"}, {0x3A49, "Customer identifier"}, {0x3A58, "Children"},
	{0x3A4D, "Gender"}, {0x3A43, "Hobbies"}, {0x3A42, "Birthday"}, {0x3A41, "Anniversary"},
	{0x3703, "Extension"}, {AttachName8, "Attachment"}, {AttachName, "Attachment"}, {AttachPath, "Path"}, {AttachMIME, "Type"},
	{0x3712, "Content-ID"}, {0x3713, "Content-Location"}, {0x1000, "Body"}, {0x0E1D, "Subject"}, {0x3FFA, "Last author"},
	{0x3FF8, "Author"}, {0x1001, "Report"}, {0x0C1B, "Report"}, {0x6546, "Text"}, {0x3004, "Comment"},
}

// ShownName is what a named property is called: custom ones by their name.
func (n Name) ShownName() string {
	if n.Text != "" {
		return n.Text
	}
	for _, k := range known {
		if k.id == n.ID {
			return k.name
		}
	}
	return fmt.Sprintf("0x%04X", n.ID)
}

// Custom reports whether a property was made by a user, a form or a program,
// or was a field of the header: it has a name of text. Labels are such.
func (n Name) Custom() bool { return n.Text != "" }

var known = []struct {
	id   uint32
	name string
}{
	{0x8208, "Location"}, {0x8238, "Attendees"}, {0x823B, "Attendees"}, {0x823C, "Attendees"}, {0x8232, "Recurrence"},
	{0x820D, "Begin"}, {0x820E, "End"}, {0x8083, "E-mail"}, {0x8093, "E-mail"}, {0x80A3, "E-mail"}, {0x8080, "E-mail"},
	{0x801B, "Address"}, {0x801A, "Home address"}, {0x801C, "Other address"}, {0x8045, "Street"}, {0x8046, "City"},
	{0x8048, "Postal code"}, {0x8062, "Instant messaging"}, {0x802B, "Page"}, {0x811F, "Owner"}, {0x8121, "Assigner"},
	{0x8539, "Companies"}, {0x8534, "Mileage"}, {0x8535, "Billing"}, {0x853A, "Contacts"}, {0x8530, "Flag"},
	{0x8104, "Begin"}, {0x8105, "Due"}, {0x810F, "Completed"}, {0x8516, "Begin"}, {0x8517, "End"},
}

// Text writes a value; "" when it has no text.
func Text(kind uint16, p []byte, page int) string {
	le := binary.LittleEndian
	short := func(n int) bool { return len(p) < n }
	switch kind {
	case String8:
		return clean(codepage.String(page, p))
	case Unicode:
		return clean(codepage.UTF16(p))
	case Int16:
		if short(2) {
			return ""
		}
		return strconv.Itoa(int(int16(le.Uint16(p))))
	case Int32:
		if short(4) {
			return ""
		}
		return strconv.Itoa(int(int32(le.Uint32(p))))
	case Int64:
		if short(8) {
			return ""
		}
		return strconv.FormatInt(int64(le.Uint64(p)), 10)
	case Float64:
		if short(8) {
			return ""
		}
		return strconv.FormatFloat(math.Float64frombits(le.Uint64(p)), 'f', -1, 64)
	case Boolean:
		if short(1) {
			return ""
		}
		return strconv.FormatBool(p[0] != 0)
	case Time, AppTime:
		if short(8) || kind == AppTime {
			return ""
		}
		return Moment(le.Uint64(p))
	}
	return ""
}

func clean(s string) string {
	s = strings.TrimRight(s, "\x00")
	return strings.ReplaceAll(s, "\x00", " ")
}

// Moment is a FILETIME; "" for times that no message has.
func Moment(t uint64) string {
	const unix = 11644473600
	at := time.Unix(int64(t/10000000)-unix, 0).UTC()
	if at.Year() < 1800 || at.Year() > 4000 {
		return ""
	}
	return at.Format("2006-01-02T15:04:05Z")
}
