package notice

import (
	"fmt"
	"html"
	"strings"
)

// maxListed keeps a text about a thousand recipients readable; the
// machine-readable part of a report lists them all.
const maxListed = 50

// plainText writes paragraphs for every mail program.
func plainText(paras [][]span, cut func([]Item) []Item) string {
	var b strings.Builder
	for i, p := range paras {
		if i > 0 {
			b.WriteString("\n")
		}
		line := ""
		flush := func() {
			if strings.TrimSpace(line) != "" {
				b.WriteString(wrap(line) + "\n")
			}
			line = ""
		}
		for _, s := range p {
			if s.list == nil {
				line += s.text
				continue
			}
			flush()
			for _, x := range cut(s.list) {
				b.WriteString("  " + x.Text + "\n")
				if x.Link != "" {
					b.WriteString("    " + x.Link + "\n")
				}
			}
		}
		flush()
	}
	return b.String()
}

// wrap breaks a paragraph at 76 characters.
func wrap(s string) string {
	var b strings.Builder
	width := 0
	for i, w := range strings.Fields(s) {
		n := len([]rune(w))
		switch {
		case i == 0:
		case width+1+n > 76:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(w)
		width += n
	}
	return b.String()
}

// htmlText writes the same paragraphs as HTML: no pictures, no scripts, no
// style that hides, nothing from elsewhere.
func htmlText(lang, title string, paras [][]span, cut func([]Item) []Item) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=%q>\n<head><meta charset=\"utf-8\">"+
		"<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title></head>\n", lang, html.EscapeString(title))
	b.WriteString("<body style=\"font-family:sans-serif;font-size:16px;line-height:1.5;max-width:38em\">\n")
	for _, p := range paras {
		open := false
		for _, s := range p {
			if s.list != nil {
				if open {
					b.WriteString("</p>\n")
					open = false
				}
				b.WriteString("<ul>\n")
				for _, x := range cut(s.list) {
					line := html.EscapeString(x.Text)
					if x.Link != "" {
						line += "<br>" + span{text: x.Link, link: true}.html()
					}
					b.WriteString("<li>" + line + "</li>\n")
				}
				b.WriteString("</ul>\n")
				continue
			}
			if !open {
				if strings.TrimSpace(s.text) == "" {
					continue
				}
				b.WriteString("<p>")
				open = true
			}
			b.WriteString(s.html())
		}
		if open {
			b.WriteString("</p>\n")
		}
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

func (s span) html() string {
	text := html.EscapeString(s.text)
	if s.link {
		text = "<a href=\"" + text + "\">" + text + "</a>"
	}
	if s.strong {
		text = "<strong>" + text + "</strong>"
	}
	return text
}
