package journal

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// Limits of a report text. Exchange splits what has more recipients than it
// allows (at most 1000 named, and the members of groups).
const (
	maxReport = 16 << 20 // octets
	maxLine   = 64 << 10 // octets of one line with its continuations
	maxLines  = 50_000   // recipients
)

// reader collects the lines of a report text.
type reader struct {
	sender, behalf     mail.Address
	subject, id        string
	hasSender, hasSubj bool
	hasID, hasBehalf   bool
	lines              []Line

	// What was odd, counted.
	unreadable, sources, repeated, attributes, long, over int
	cut                                                   bool // the text is longer than maxReport
	broken                                                bool // the octets could not be read
	charset                                               mail.Cause
}

// useful reports whether the text is a report at all.
func (t *reader) useful() bool { return t.hasSender || len(t.lines) > 0 }

// read reads the text of p as a report.
func read(p *mail.Part) *reader {
	t := &reader{}
	text, cause := p.Text()
	t.charset = cause
	limited := &io.LimitedReader{R: text, N: maxReport}
	in := bufio.NewReaderSize(limited, 8<<10)
	var logical []byte // a line with its continuations
	for {
		line, err := t.line(in)
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(logical) > 0:
			logical = t.join(logical, line)
		case err == nil || len(line) > 0:
			t.take(logical)
			logical = append(logical[:0], line...)
		}
		if err != nil {
			t.broken = err != io.EOF
			break
		}
	}
	t.take(logical)
	if limited.N == 0 {
		n, _ := text.Read(make([]byte, 1))
		t.cut = n > 0
	}
	return t
}

// line reads one line without its end. A CR alone ends none: a subject may
// hold one, and must not write lines of the report.
func (t *reader) line(in *bufio.Reader) ([]byte, error) {
	var b []byte
	long := false
	for {
		piece, err := in.ReadSlice('\n')
		room := maxLine - len(b)
		long = long || len(piece) > room
		b = append(b, piece[:min(len(piece), room)]...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if long {
			t.long++
		}
		return bytes.TrimPrefix(bytes.TrimRight(b, " \t\r\n"), []byte("\uFEFF")), err
	}
}

// join appends a continuation line.
func (t *reader) join(line, more []byte) []byte {
	more = bytes.TrimSpace(more)
	if len(line)+1+len(more) > maxLine {
		t.long++
		return line
	}
	return append(append(line, ' '), more...)
}

// take reads one logical line. Names that it does not know are no mistake:
// Exchange has added some over the years.
func (t *reader) take(octets []byte) {
	name, value, ok := strings.Cut(strings.ToValidUTF8(string(octets), "\uFFFD"), ":")
	if !ok {
		return
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "sender":
		t.address(value, &t.sender, &t.hasSender)
	case "on-behalf-of":
		t.address(value, &t.behalf, &t.hasBehalf)
	case "subject":
		t.text(value, &t.subject, &t.hasSubj)
	case "message-id":
		t.text(value, &t.id, &t.hasID)
	case "to":
		t.recipient(To, value)
	case "cc":
		t.recipient(Cc, value)
	case "bcc":
		t.recipient(Bcc, value)
	case "recipient":
		t.recipient(Recipient, value)
	}
}

// address reads a line with one address, of which the first counts.
func (t *reader) address(value string, to *mail.Address, has *bool) {
	if *has {
		t.repeated++
		return
	}
	*has = true
	if value == "" || value == "<>" {
		return
	}
	a, ok := parseAddress(value)
	if !ok {
		t.unreadable++
		return
	}
	*to = a
}

// text keeps a line of text, of which the first counts.
func (t *reader) text(value string, to *string, has *bool) {
	if *has {
		t.repeated++
		return
	}
	*has = true
	*to = strings.Map(printable, value)
}

// printable makes a space of a control character.
func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return ' '
	}
	return r
}

// recipient reads a recipient line:
// address [", " ("Expanded" | "Forwarded") ": " address].
func (t *reader) recipient(class Class, value string) {
	has, name := false, false // an address before; a piece that may be a name
	counted := false
	for _, piece := range pieces(value) {
		if how, source, ok := attribute(piece); ok {
			t.came(how, source, has)
			continue
		}
		a, ok := parseAddress(piece)
		switch {
		case !ok && strings.Contains(piece, "@"):
			t.unreadable++
			has, counted = false, true
			continue
		case !ok: // a display name without quotes may hold a comma
			name = true
			continue
		}
		has, name, counted = true, false, true
		if len(t.lines) >= maxLines {
			t.over++
			continue
		}
		t.lines = append(t.lines, Line{Class: class, Address: a})
	}
	if name || !counted {
		t.unreadable++
	}
}

// came adds to the recipient before how it came to be one.
func (t *reader) came(how How, source string, has bool) {
	switch {
	case !has || t.over > 0: // the line as a whole is counted
		return
	case how == Direct:
		t.attributes++
		return
	}
	l := &t.lines[len(t.lines)-1]
	if l.How != Direct {
		t.attributes++
		return
	}
	l.How = how
	a, ok := parseAddress(source)
	if !ok {
		t.sources++
		return
	}
	l.Source = a
}

// attribute splits "Expanded: address". how is Direct for a word that is not
// known.
func attribute(piece string) (how How, source string, ok bool) {
	name, source, ok := strings.Cut(piece, ":")
	if !ok {
		return Direct, "", false
	}
	name = strings.TrimSpace(name)
	switch strings.ToLower(name) {
	case "expanded":
		return Expanded, strings.TrimSpace(source), true
	case "forwarded":
		return Forwarded, strings.TrimSpace(source), true
	case "smtp", "mailto", "": // an address with its type
		return Direct, "", false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return Direct, "", false
		}
	}
	return Direct, "", true
}

// pieces splits a recipient line at its commas, except those in quotes and
// angle brackets. Where one of these does not end, every comma counts.
func pieces(s string) []string {
	var list []string
	quoted, angle, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			list = append(list, s[from:i])
			from = i + 1
		}
	}
	if quoted || angle {
		return strings.Split(s, ",")
	}
	return append(list, s[from:])
}

// parseAddress reads one address as reports have it: bare, in angle brackets,
// with a display name, or with "SMTP:" in front. An encapsulated one (IMCEA)
// may have a longer local part than SMTP allows.
func parseAddress(s string) (mail.Address, bool) {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '<'); i >= 0 && strings.HasSuffix(s, ">") {
		s = strings.TrimSpace(s[i+1 : len(s)-1])
	}
	if kind, rest, ok := strings.Cut(s, ":"); ok && (strings.EqualFold(kind, "smtp") || strings.EqualFold(kind, "mailto")) {
		s = strings.TrimSpace(rest)
	}
	if a, err := mail.ParseAddress(s); err == nil {
		return a, true
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || len(s) > maxAddress || !utf8.ValidString(s) {
		return "", false
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0xa0 || strings.ContainsRune(`<>()[],;:\"`, r) || r == utf8.RuneError
	}) {
		return "", false
	}
	return mail.Address(s), true
}

// maxAddress is more than any address of Exchange has: 571 characters for a
// proxy address.
const maxAddress = 1100

// report makes a Report of what was read from p.
func (t *reader) report(p *mail.Part) Report {
	r := Report{
		Lines: t.lines, OnBehalfOf: t.behalf, Subject: t.subject, MessageID: t.id,
		Envelope: mail.Envelope{From: t.sender},
	}
	var list []mail.Address
	for _, class := range [...]Class{To, Cc, Bcc, Recipient} {
		for _, l := range t.lines {
			if l.Class == class {
				list = append(list, l.Address)
			}
		}
	}
	r.Envelope.To = recipients(list)
	r.Envelope.UTF8 = r.Envelope.NeedsUTF8()
	t.notes(&r, p)
	return r
}

// notes says what was odd, never with a word of the report.
func (t *reader) notes(r *Report, p *mail.Part) {
	count := func(n int, reason mail.Cause, what string) {
		if n > 0 {
			r.note(p, reason, "the journal report has "+strconv.Itoa(n)+" "+what)
		}
	}
	say := func(odd bool, reason mail.Cause, what string) {
		if odd {
			r.note(p, reason, "the journal report "+what)
		}
	}
	say(!t.useful(), mail.Malformed, "has no lines that can be read")
	say(t.useful() && !t.hasSender, mail.Malformed, "names no sender")
	say(t.useful() && len(t.lines) == 0, mail.Malformed, "names no recipient")
	count(t.unreadable, mail.Malformed, "addresses that cannot be read")
	count(t.sources, mail.Malformed, "groups or mailboxes whose address cannot be read")
	count(t.repeated, mail.Ambiguous, "lines that may stand only once and stand again")
	count(t.attributes, mail.Unsupported, "notes on recipients that are not known")
	count(t.long, mail.TooLarge, "lines that are too long")
	count(t.over, mail.TooLarge, "recipients more than are kept")
	say(t.cut, mail.TooLarge, "is too long to be read to its end")
	say(t.broken, mail.Malformed, "cannot be read to its end")
	say(t.charset != "", t.charset, "is in a charset that had to be guessed")
}

// recipients makes each address a recipient once, whatever the case of its
// letters.
func recipients(list []mail.Address) []mail.Recipient {
	var to []mail.Recipient
	seen := make(map[string]bool, len(list))
	for _, a := range list {
		key := string(a.Fold())
		if seen[key] {
			continue
		}
		seen[key] = true
		to = append(to, mail.Recipient{Address: a})
	}
	return to
}
