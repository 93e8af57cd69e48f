package dsn

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Action is what happened for one recipient (RFC 3464 §2.3.3).
type Action string

// The actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Report is one delivery report.
type Report struct {
	// Hostname is the reporting MTA.
	Hostname string
	// FromName and From are the author of the report.
	FromName string
	From     mail.Address
	// To is the sender of the original; the report's only recipient.
	To mail.Address
	// Subject and Text are for the person who reads it.
	Subject, Text string
	// HTML says the same; a notice then has both, a report the text alone.
	HTML string
	// MessageID is the report's own, without angle brackets; InReplyTo is
	// that of the original as it came, "" when it had none.
	MessageID, InReplyTo string
	// Thread are earlier messages of the thread, each with angle brackets; they
	// stand before InReplyTo in References (RFC 5322 §3.6.4).
	Thread []string
	// ReplyTo is where an answer goes; "" for From.
	ReplyTo mail.Address
	// Date is when the report is written, Arrival when the original came.
	Date, Arrival time.Time
	// EnvID is the ENVID parameter of the original, in xtext.
	EnvID string
	// Extra are further header fields of the report (the mark), in order.
	Extra []Field
	// Recipients have a block each.
	Recipients []Recipient
	// Original are header fields of the original (see Headers); nil for none.
	Original []byte
}

// Field is a header field of a report.
type Field struct{ Name, Value string }

// Recipient is what is said about one recipient.
type Recipient struct {
	Address mail.Address
	// ORcpt is the ORCPT parameter as it came.
	ORcpt  string
	Action Action
	// Status is the enhanced status code; "" is taken from Reply, or made
	// of the action.
	Status string
	// Reply is what the next hop, or we, answered; the zero Reply is left out.
	Reply mail.Reply
	// Remote is the next hop that answered; "" when we did.
	Remote string
	// Last is when the last attempt was made.
	Last time.Time
}

// Bytes is the report as a message with CR LF line ends. The same report
// gives the same octets.
func (r Report) Bytes() []byte {
	var b bytes.Buffer
	w := &writer{Buffer: &b}
	boundary := r.boundary()
	utf8 := r.needsUTF8()
	r.head(w)
	w.field("MIME-Version", "1.0")
	w.field("Content-Type", `multipart/report; report-type=delivery-status; boundary="`+boundary+`"`)
	w.line("")
	w.line("--" + boundary)
	w.text("text/plain", r.Text)
	w.line("--" + boundary)
	w.status(r, utf8)
	if r.Original != nil {
		w.line("--" + boundary)
		w.original(r.Original, utf8)
	}
	w.line("--" + boundary + "--")
	return b.Bytes()
}

// head writes the fields that every mail of ours has.
func (r Report) head(w *writer) {
	w.field("From", mailbox(r.FromName, r.From))
	w.field("To", "<"+string(r.To)+">")
	w.field("Subject", encoded(oneLine(r.Subject)))
	w.field("Date", r.Date.Format(time.RFC1123Z))
	w.field("Message-ID", "<"+oneLine(r.MessageID)+">")
	if r.ReplyTo != "" {
		w.field("Reply-To", "<"+string(r.ReplyTo)+">")
	}
	if r.InReplyTo != "" {
		w.field("In-Reply-To", oneLine(r.InReplyTo))
		w.field("References", references(append(r.Thread[:len(r.Thread):len(r.Thread)], r.InReplyTo)))
	}
	w.field("Auto-Submitted", r.submitted())
	w.field("X-Auto-Response-Suppress", "All")
	for _, f := range r.Extra {
		w.field(f.Name, oneLine(f.Value))
	}
}

// references writes ids one a line: together they may be longer than one.
func references(ids []string) string {
	for i, id := range ids {
		ids[i] = oneLine(id)
	}
	return strings.Join(ids, "\r\n ")
}

// submitted follows RFC 3834 §5: a report answers a message.
func (r Report) submitted() string {
	if len(r.Recipients) == 0 {
		return "auto-generated"
	}
	return "auto-replied"
}

func (r Report) boundary() string {
	h := sha256.New()
	fmt.Fprintln(h, r.MessageID, r.Date.UnixNano(), r.To, len(r.Original))
	h.Write(r.Original)
	return "=_postern_" + hex.EncodeToString(h.Sum(nil))[:32]
}

func (r Report) needsUTF8() bool {
	for _, x := range r.Recipients {
		if !x.Address.ASCII() {
			return true
		}
	}
	return !r.To.ASCII() || !r.From.ASCII()
}

type writer struct{ *bytes.Buffer }

func (w *writer) line(s string) { w.WriteString(s + "\r\n") }

func (w *writer) field(name, value string) { w.line(name + ": " + value) }

// quoted writes text as quoted-printable, ended by a line end.
func (w *writer) quoted(text string) {
	q := quotedprintable.NewWriter(w)
	text = strings.ReplaceAll(text, "\r\n", "\n")
	_, _ = io.WriteString(q, strings.ReplaceAll(text, "\n", "\r\n")) // a bytes.Buffer takes everything
	_ = q.Close()
	w.line("")
}

func (w *writer) status(r Report, utf8 bool) {
	kind := "message/delivery-status"
	if utf8 {
		kind = "message/global-delivery-status" // RFC 6533 §3
	}
	w.field("Content-Type", kind)
	w.line("")
	w.field("Reporting-MTA", "dns; "+oneLine(r.Hostname))
	if r.EnvID != "" {
		w.field("Original-Envelope-Id", oneLine(unxtext(r.EnvID)))
	}
	if !r.Arrival.IsZero() {
		w.field("Arrival-Date", r.Arrival.Format(time.RFC1123Z))
	}
	for _, x := range r.Recipients {
		w.line("")
		w.recipient(x)
	}
	w.line("")
}

func (w *writer) recipient(x Recipient) {
	if kind, addr, ok := strings.Cut(x.ORcpt, ";"); ok {
		w.field("Original-Recipient", oneLine(kind+"; "+unxtext(addr)))
	}
	kind := "rfc822"
	if !x.Address.ASCII() {
		kind = "utf-8"
	}
	w.field("Final-Recipient", kind+"; "+oneLine(string(x.Address)))
	w.field("Action", string(x.Action))
	w.field("Status", x.status())
	if x.Remote != "" {
		w.field("Remote-MTA", "dns; "+oneLine(x.Remote))
	}
	if !x.Reply.None() {
		w.field("Diagnostic-Code", "smtp; "+oneLine(x.Reply.String()))
	}
	if !x.Last.IsZero() {
		w.field("Last-Attempt-Date", x.Last.Format(time.RFC1123Z))
	}
}

func (x Recipient) status() string {
	switch {
	case x.Status != "":
		return x.Status
	case x.Reply.Enhanced != "" && agrees(x.Action, x.Reply.Enhanced):
		return x.Reply.Enhanced
	case x.Action == Failed:
		return "5.0.0"
	case x.Action == Delayed:
		return "4.0.0"
	}
	return "2.0.0"
}

// agrees keeps a 4.x.x answer that was given up on from standing beside
// "failed" (RFC 3464 §2.3.4: the class must fit the action).
func agrees(a Action, status string) bool {
	class := map[Action]string{Failed: "5", Delayed: "4"}[a]
	if class == "" {
		class = "2"
	}
	return strings.HasPrefix(status, class)
}

func (w *writer) original(fields []byte, utf8 bool) {
	kind := "text/rfc822-headers"
	if utf8 {
		kind = "message/global-headers" // RFC 6533 §5
	}
	w.field("Content-Type", kind)
	if !ascii(fields) && !utf8 {
		w.field("Content-Transfer-Encoding", "8bit")
	}
	w.line("")
	w.Write(fields)
	if !bytes.HasSuffix(fields, []byte("\n")) {
		w.line("")
	}
}

// mailbox is a display name and address, or the address alone.
func mailbox(name string, a mail.Address) string {
	if name == "" {
		return "<" + string(a) + ">"
	}
	return encoded(oneLine(quoteName(name))) + " <" + string(a) + ">"
}

// encoded is text for a field as RFC 2047 writes it, one encoded word a line:
// a subject of 120 Chinese characters would pass 998 octets on one.
func encoded(s string) string {
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", s), "?= =?", "?=\r\n =?")
}

func quoteName(name string) string {
	if strings.ContainsAny(name, `()<>[]:;@\,."`) && ascii([]byte(name)) {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// oneLine keeps a value inside its field: nobody may end it.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	if len(s) > 900 { // RFC 5322 §2.1.1: a line has at most 998 octets
		s = strings.ToValidUTF8(s[:900], "")
	}
	return s
}

// unxtext undoes xtext (RFC 3461 §4); what is malformed stays as it is.
func unxtext(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && i+2 < len(s) {
			if c, err := hex.DecodeString(strings.ToLower(s[i+1 : i+3])); err == nil {
				b.Write(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Notice is a mail with the head and the text of r and nothing else, for
// what is said to a person and is no delivery report.
func (r Report) Notice() []byte {
	var b bytes.Buffer
	w := &writer{Buffer: &b}
	r.head(w)
	w.field("MIME-Version", "1.0")
	if r.HTML == "" {
		w.text("text/plain", r.Text)
		return b.Bytes()
	}
	boundary := r.boundary()
	w.field("Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	w.line("")
	w.line("--" + boundary)
	w.text("text/plain", r.Text)
	w.line("--" + boundary)
	w.text("text/html", r.HTML)
	w.line("--" + boundary + "--")
	return b.Bytes()
}

// text writes a text as a part.
func (w *writer) text(kind, text string) {
	w.field("Content-Type", kind+"; charset=utf-8")
	w.field("Content-Transfer-Encoding", "quoted-printable")
	w.line("")
	w.quoted(text)
}
