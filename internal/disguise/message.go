package disguise

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// Options are what a message is made with.
type Options struct {
	// Detectors find what is replaced.
	Detectors []detect.Detector
	// Own are the types that policies define themselves, by a pattern or a
	// table.
	Own []string
	// Inside says whether an address belongs to the tenant: its domain stays.
	Inside func(mail.Address) bool
	// Keep says whether a policy names an address, KeepDomain a domain.
	Keep       func(mail.Address) bool
	KeepDomain func(string) bool
	// Fields are further header fields that stay, because policies look at
	// them.
	Fields []string
	// Random makes the fakes.
	Random *rand.Rand
}

// Made is a disguised message.
type Made struct {
	Octets []byte
	// Addresses are those of the original, in lower case, with what stands in
	// their place.
	Addresses map[string]string
	// Replaced counts replacements by type of finding, and "address",
	// "domain" and "name".
	Replaced map[string]int
	// StandIns are files of which only the text is there.
	StandIns []string
	// Weak are types of which no fake was found that is taken for the same.
	Weak []string
	// Kept are addresses that a policy names.
	Kept []string

	originals []string
}

// maxMessage bounds a message of which a test is made.
const maxMessage = 32 << 20

// Message disguises a message. The texts are read in this process.
func Message(body mail.Body, o Options) (*Made, error) {
	if body.Size() > maxMessage {
		return nil, fmt.Errorf("disguise: the message is larger than %d MiB", maxMessage>>20)
	}
	w := &work{
		options: o, message: mail.Parse(body, mail.Limits{}),
		made: &Made{Replaced: map[string]int{}},
		swapper: &swapper{
			people: &people{inside: o.Inside, keep: o.Keep, keepDomain: o.KeepDomain, to: map[string]string{}, domains: map[string]string{},
				words: map[string]string{}, kept: map[string]bool{}},
			values: map[string]string{}, types: map[string]string{},
		},
		faker: &faker{random: o.Random, detectors: o.Detectors, fakes: map[string]string{}, taken: map[string]bool{}},
	}
	w.swapper.counts = w.made.Replaced
	w.texts = look.Texts(w.message)
	w.learn()
	if err := w.swapper.compile(); err != nil {
		return nil, fmt.Errorf("disguise: %w", err)
	}
	w.write()
	for a := range w.swapper.people.kept {
		w.made.Kept = append(w.made.Kept, a)
	}
	slices.Sort(w.made.Kept)
	slices.Sort(w.made.Weak)
	w.made.Weak = slices.Compact(w.made.Weak)
	w.made.Addresses = w.swapper.people.to
	return w.made, w.leaks()
}

// work is one message that is disguised.
type work struct {
	options Options
	message *mail.Message
	texts   []look.Text
	swapper *swapper
	faker   *faker
	made    *Made
	shut    map[string]bool // parts that cannot be written anew
}

// identifies reports whether values of a type belong to somebody; words of
// dictionaries, dates and the like do not.
func identifies(typ string) bool {
	switch typ {
	case "EMAIL", "EMAIL_ADDRESS", "DATE", "URL", "KEYWORD", "BIC":
		return false
	case "PHONE", "IP_ADDRESS", "IPV4", "IPV6", "PERSON", "PASSPORT":
		return true
	}
	if strings.HasPrefix(typ, "SECRET") {
		return true
	}
	_, known := look.Validate(typ, "0")
	return known
}

// learn finds what is to be replaced.
func (w *work) learn() {
	h := mail.ParseHeader(w.message.Root.Body)
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Return-Path", "Disposition-Notification-To"} {
		for _, a := range h.Addresses(name) {
			w.swapper.people.address(string(a))
		}
		for _, v := range h.Values(name) {
			w.names(mail.DecodeWords(v))
		}
	}
	w.learnText(h.Text("Subject"))
	for _, name := range w.options.Fields {
		w.learnText(h.Text(name))
	}
	for _, t := range w.texts {
		w.learnText(t.Text)
		for k, v := range t.Properties {
			w.learnText(v)
			switch k {
			case "author", "last-author", "manager":
				w.swapper.people.name(v)
			}
		}
		w.learnText(t.Name)
	}
}

// names learns the display names of a field with addresses.
func (w *work) names(value string) {
	for _, one := range strings.Split(addressForm.ReplaceAllString(value, ","), ",") {
		w.swapper.people.name(strings.Trim(one, ` "<>()`))
	}
}

// around is how much text before and after a value the detectors see.
const around = 300

func (w *work) learnText(text string) {
	for _, a := range addressForm.FindAllString(text, -1) {
		w.swapper.people.address(strings.Trim(a, "."))
	}
	for _, p := range look.DetectText(text, w.options.Detectors) {
		if !identifies(p.Type) && !slices.Contains(w.options.Own, p.Type) {
			continue
		}
		value := text[p.Start:p.End]
		if _, known := w.swapper.values[value]; known || strings.TrimSpace(value) == "" {
			continue
		}
		before := strings.ToValidUTF8(text[max(0, p.Start-around):p.Start], "")
		after := strings.ToValidUTF8(text[p.End:min(int64(len(text)), p.End+around)], "")
		fake, ok := w.faker.of(p.Type, value, before, after, p.Confidence)
		if !ok {
			w.made.Weak = append(w.made.Weak, p.Type)
		}
		w.swapper.values[value], w.swapper.types[value] = fake, p.Type
		if network(value) { // as it stands in names of hosts
			host := strings.ReplaceAll(value, ".", "-")
			w.swapper.values[host], w.swapper.types[host] = strings.ReplaceAll(fake, ".", "-"), p.Type
		}
		w.made.originals = append(w.made.originals, value)
	}
}

// fields are those of a header that stay, besides those of MIME.
func fields() []string {
	return []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Return-Path", "Subject", "Date", "Auto-Submitted", "Precedence",
		"List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress", "Importance", "Sensitivity", "Msip_labels", "Thread-Topic"}
}

func (w *work) write() {
	var b bytes.Buffer
	clear(w.made.Replaced)
	w.made.StandIns = nil
	h := mail.ParseHeader(w.message.Root.Body)
	w.header(&b, h)
	b.WriteString("Message-ID: <made@test.example>\r\nMIME-Version: 1.0\r\n")
	w.part(&b, w.message.Root)
	w.made.Octets = b.Bytes()
}

func (w *work) header(b *bytes.Buffer, h *mail.Header) {
	all := append(fields(), w.options.Fields...)
	for i, name := range all {
		if slices.ContainsFunc(all[:i], func(o string) bool { return strings.EqualFold(o, name) }) ||
			strings.HasPrefix(strings.ToLower(name), "content-") || strings.EqualFold(name, "mime-version") ||
			strings.EqualFold(name, "message-id") {
			continue
		}
		for _, v := range h.Values(name) {
			fresh := w.swapper.text(mail.DecodeWords(v))
			fmt.Fprintf(b, "%s: %s\r\n", name, encoded(fresh))
		}
	}
}

// encoded is a value of a header field in ASCII (RFC 2047), folded.
func encoded(v string) string {
	v = strings.Join(strings.Fields(v), " ")
	words := strings.Split(v, " ")
	var b strings.Builder
	line := 0
	for i, word := range words {
		if strings.ContainsFunc(word, func(r rune) bool { return r > '~' }) && !strings.Contains(word, "@") {
			if i+1 < len(words) && strings.ContainsFunc(words[i+1], func(r rune) bool { return r > '~' }) {
				word += " " // spaces between encoded words are not shown
			}
			word = mime.QEncoding.Encode("utf-8", word)
		}
		if i > 0 && line+len(word) > 70 {
			b.WriteString("\r\n")
			line = 0
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		line += len(word) + 1
	}
	return b.String()
}

// part writes a part from its Content-Type on.
func (w *work) part(b *bytes.Buffer, p *mail.Part) {
	switch {
	case strings.HasPrefix(p.Type, "multipart/") && len(p.Children) > 0:
		w.multipart(b, p)
	case p.Type == "message/rfc822" && len(p.Children) == 1:
		b.WriteString("Content-Type: message/rfc822\r\n\r\n")
		w.header(b, p.Children[0].Header)
		b.WriteString("MIME-Version: 1.0\r\n")
		w.part(b, p.Children[0])
	default:
		w.leaf(b, p)
	}
}

func (w *work) multipart(b *bytes.Buffer, p *mail.Part) {
	boundary := fmt.Sprintf("made-%s", strings.ReplaceAll(p.Path, ".", "-"))
	params := map[string]string{"boundary": boundary}
	for _, keep := range []string{"report-type", "type"} {
		if v := p.Params[keep]; v != "" {
			params[keep] = v
		}
	}
	fmt.Fprintf(b, "Content-Type: %s\r\n\r\n", mime.FormatMediaType(p.Type, params))
	for _, c := range p.Children {
		if c.Hidden {
			continue
		}
		fmt.Fprintf(b, "--%s\r\n", boundary)
		w.part(b, c)
		b.WriteString("\r\n")
	}
	fmt.Fprintf(b, "--%s--\r\n", boundary)
}

// leaf writes content anew, or its text when that cannot be done.
func (w *work) leaf(b *bytes.Buffer, p *mail.Part) {
	content, typ, name := w.content(p)
	name = w.swapper.text(name)
	params := map[string]string{}
	if strings.HasPrefix(typ, "text/") {
		params["charset"] = "utf-8"
		if v := p.Params["method"]; v != "" {
			params["method"] = v
		}
	}
	if name != "" {
		params["name"] = name
	}
	if t := mime.FormatMediaType(typ, params); t != "" {
		fmt.Fprintf(b, "Content-Type: %s\r\n", strings.ReplaceAll(t, "; ", ";\r\n "))
	} else {
		b.WriteString("Content-Type: application/octet-stream\r\n")
	}
	if p.Disposition != "" || name != "" {
		d := p.Disposition
		if d == "" {
			d = "attachment"
		}
		var file map[string]string
		if name != "" {
			file = map[string]string{"filename": name}
		}
		fmt.Fprintf(b, "Content-Disposition: %s\r\n", mime.FormatMediaType(d, file))
	}
	if strings.HasPrefix(typ, "text/") && readable(content) {
		b.WriteString("Content-Transfer-Encoding: quoted-printable\r\n\r\n")
		q := quotedprintable.NewWriter(b)
		_, _ = q.Write(content) // into memory
		_ = q.Close()
		return
	}
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	text := base64.StdEncoding.EncodeToString(content)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
}

// readable reports whether a text may stand as it is in an archive of tests,
// whose files begin with "-- name --".
func readable(content []byte) bool {
	return !bytes.HasPrefix(content, []byte("-- ")) && !bytes.Contains(content, []byte("\n-- "))
}

// content is what a leaf holds after the replacements.
func (w *work) content(p *mail.Part) (content []byte, typ, name string) {
	if strings.HasPrefix(p.Type, "text/") && !w.closed(p) {
		r, _ := p.Text()
		text, err := io.ReadAll(io.LimitReader(r, maxMessage))
		if err == nil {
			if p.Type == "text/html" || p.Type == "text/xml" {
				return []byte(w.swapper.markup(string(text))), p.Type, p.Name
			}
			return []byte(w.swapper.text(string(text))), p.Type, p.Name
		}
	}
	raw, err := io.ReadAll(io.LimitReader(p.Open(), maxMessage))
	if err == nil && !w.closed(p) {
		if fresh, ok := w.office(raw); ok {
			return fresh, p.Type, p.Name
		}
		if p.Name != "" && textual(raw) {
			return []byte(w.swapper.text(string(raw))), p.Type, p.Name
		}
	}
	return w.standIn(p)
}

// closed reports whether something was left when a part was written anew.
func (w *work) closed(p *mail.Part) bool {
	for part := range w.shut {
		if part == p.Path || strings.HasPrefix(part, p.Path+".") {
			return true
		}
	}
	return false
}

// textual reports whether octets are a text in UTF-8 and nothing more.
func textual(raw []byte) bool {
	if bytes.HasPrefix(raw, []byte("%PDF")) || bytes.HasPrefix(raw, []byte("{\\rtf")) {
		return false // formats of their own
	}
	return !bytes.ContainsRune(raw, 0) && strings.ToValidUTF8(string(raw), "") == string(raw)
}

// standIn is the text of a part, and of what is in it.
func (w *work) standIn(p *mail.Part) ([]byte, string, string) {
	var b strings.Builder
	for _, t := range w.texts {
		if t.Part == p.Path || strings.HasPrefix(t.Part, p.Path+".") {
			b.WriteString(w.swapper.text(t.Text))
			b.WriteByte('\n')
		}
	}
	name := p.Name
	if name == "" {
		name = "file"
	}
	w.made.StandIns = append(w.made.StandIns, w.swapper.text(name))
	return []byte(b.String()), "text/plain", name + ".txt"
}
