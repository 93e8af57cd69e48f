package look

import (
	"io"
	"iter"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// maxFields bounds how much of a header is looked at.
const maxFields = 1 << 20

// items lists everything in m that is looked at: the header's fields for
// labels and rules, the texts in it that people read, and the parts.
func items(m *mail.Message) iter.Seq2[item, io.Reader] {
	return func(yield func(item, io.Reader) bool) {
		if m.Header != nil && !header(m.Header, "", yield) {
			return
		}
		for _, p := range m.Parts() {
			if !part(p, yield) {
				return
			}
		}
	}
}

// header yields the fields and the texts of one header.
func header(h *mail.Header, path string, yield func(item, io.Reader) bool) bool {
	if path == "" && !yield(item{Kind: itemFields}, strings.NewReader(fields(h))) {
		return false
	}
	subject := join(h, "Subject", "Thread-Topic")
	if subject != "" && !yield(item{Kind: itemText, Part: path, Text: detect.Subject}, strings.NewReader(subject)) {
		return false
	}
	names := people(h) + join(h, "Comments", "Keywords", "Organization")
	return names == "" || yield(item{Kind: itemText, Part: path, Text: detect.Header}, strings.NewReader(names))
}

// part yields a part, its name and the header of an attached message.
func part(p *mail.Part, yield func(item, io.Reader) bool) bool {
	if p.Parent != nil && strings.HasPrefix(p.Parent.Type, "message/") && p.Header != nil {
		if !header(p.Header, p.Path, yield) {
			return false
		}
	}
	if p.Name != "" && !yield(item{Kind: itemText, Part: p.Path, Name: p.Name, Text: detect.FileName},
		strings.NewReader(p.Name)) {
		return false
	}
	it := item{
		Kind: itemPart, Part: p.Path, Name: p.Name, Type: p.Type, Charset: p.Charset, Params: p.Params,
		Attachment: p.Attachment(), Text: detect.Body, Size: p.Content.Len(),
	}
	if it.Attachment {
		it.Text = detect.Attachment
	}
	if p.Leaf() {
		return yield(it, p.Open())
	}
	if !it.Attachment {
		return true
	}
	it.Kind = itemContainer
	return yield(it, strings.NewReader(""))
}

// fields writes the header one line a field, decoded, for rules and labels.
func fields(h *mail.Header) string {
	var b strings.Builder
	for _, f := range h.Fields() {
		if b.Len() > maxFields {
			break
		}
		value := h.Value(f)
		if strings.Contains(value, "=?") {
			value = mail.DecodeWords(value)
		}
		b.WriteString(oneLine(f.Name) + ":" + oneLine(value) + "\n")
	}
	return b.String()
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
}

// join writes the decoded values of fields, each once, a line for each.
func join(h *mail.Header, names ...string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, name := range names {
		for _, v := range h.Values(name) {
			v = oneLine(mail.DecodeWords(v))
			if !seen[v] && b.Len() < maxFields {
				seen[v] = true
				b.WriteString(v + "\n")
			}
		}
	}
	return b.String()
}

// people writes the display names of senders and recipients, without their
// addresses: every message has those.
func people(h *mail.Header) string {
	var b strings.Builder
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc"} {
		for _, v := range h.Values(name) {
			if b.Len() > maxFields {
				return b.String()
			}
			if s := withoutAddresses(oneLine(mail.DecodeWords(v))); s != "" {
				b.WriteString(s + "\n")
			}
		}
	}
	return b.String()
}

// withoutAddresses drops "<…>" and words with an "@".
func withoutAddresses(s string) string {
	var kept []string
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			break
		}
		s = s[:open] + " " + s[open+end+1:]
	}
	for _, w := range strings.Fields(s) {
		if !strings.Contains(w, "@") && strings.Trim(w, `,;"'`) != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
