package look

import (
	"io"
	"iter"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// maxFields bounds how much of a header is looked at, decoded.
const maxFields = 4 << 20

// items lists everything in m that is looked at: the header's fields for
// labels and rules, the texts in it that people read, the parts, and what was
// read in pictures.
func items(m *mail.Message, read []letters) iter.Seq2[item, io.Reader] {
	return func(yield func(item, io.Reader) bool) {
		if m.Header != nil && !header(m.Header, "", yield) {
			return
		}
		for _, p := range m.Parts() {
			if !part(p, yield) {
				return
			}
		}
		for _, p := range read {
			it := item{Kind: itemText, Part: p.part, Name: p.name, Text: detect.Attachment}
			if p.err == nil && !yield(it, strings.NewReader(p.text)) {
				return
			}
		}
	}
}

// header yields the fields and the texts of the header of a message.
func header(h *mail.Header, path string, yield func(item, io.Reader) bool) bool {
	if path == "" && !yield(item{Kind: itemFields}, strings.NewReader(fields(h))) {
		return false
	}
	subject := join(h, "Subject", "Thread-Topic")
	if subject != "" && !yield(item{Kind: itemText, Part: path, Text: detect.Subject}, strings.NewReader(subject)) {
		return false
	}
	return words(said(h, nil), path, yield)
}

// words yields what the fields of a header say.
func words(text, path string, yield func(item, io.Reader) bool) bool {
	return text == "" || yield(item{Kind: itemText, Part: path, Text: detect.Header}, strings.NewReader(text))
}

// part yields a part, its name and the header of an attached message.
func part(p *mail.Part, yield func(item, io.Reader) bool) bool {
	if p.Parent != nil && strings.HasPrefix(p.Parent.Type, "message/") && p.Header != nil {
		if !header(p.Header, p.Path, yield) {
			return false
		}
	} else if p.Parent != nil && p.Header != nil && !words(said(p.Header, p.Params), p.Path, yield) {
		return false
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
		it.Follows = before(p)
		return yield(it, p.Open())
	}
	if !it.Attachment {
		return true
	}
	it.Kind = itemContainer
	return yield(it, strings.NewReader(""))
}

// before is the inline text that is shown directly before that of p; "" for
// none.
func before(p *mail.Part) string {
	if p.Parent == nil || p.Parent.Type == "multipart/alternative" || !inlineText(p) {
		return ""
	}
	var last *mail.Part
	for _, sibling := range p.Parent.Children {
		if sibling == p {
			break
		}
		last = sibling
	}
	if last == nil || !inlineText(last) {
		return ""
	}
	return last.Path
}

func inlineText(p *mail.Part) bool {
	return p.Leaf() && !p.Attachment() && !p.Hidden && strings.HasPrefix(p.Type, "text/")
}

// fields writes the header one line a field, decoded, for rules and labels.
func fields(h *mail.Header) string {
	var b strings.Builder
	b.Grow(int(min(h.End(), maxFields)))
	for _, f := range h.Fields() {
		if b.Len() > maxFields { // enough for the worker to see that it is too much
			break
		}
		value := h.Value(f)
		if strings.Contains(value, "=?") {
			value = mail.DecodeWords(value)
		}
		b.WriteString(oneLine(f.Name))
		b.WriteByte(':')
		b.WriteString(oneLine(value))
		b.WriteByte('\n')
	}
	return b.String()
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return lineEnds.Replace(s)
}

var lineEnds = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")
