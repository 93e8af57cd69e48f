package amend

import (
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
)

// lineLimit is how long a line with encoded words may be (RFC 2047 §2).
const lineLimit = 76

// tag puts the tags in front of every subject that lacks them. What stood
// there stays as it is, encoded words and folding included.
func (a *amendment) tag(tags []string) {
	list := a.h.All("Subject")
	if len(list) == 0 {
		a.Front = append(a.Front, "Subject: "+encode(strings.Join(tags, " "), false)+"\r\n"...)
		a.changed("subject: tag %s", strings.Join(tags, " "))
		return
	}
	for _, f := range list {
		subject := a.h.Text("Subject")
		if len(list) > 1 {
			subject = mail.DecodeWords(a.h.Value(f))
		}
		var lacks []string
		for _, t := range tags {
			if !tagged(subject, t) {
				lacks = append(lacks, t)
			}
		}
		if len(lacks) == 0 {
			continue
		}
		a.put(mail.Range{Start: f.Value.Start, End: f.Value.Start}, a.prefix(f, strings.Join(lacks, " ")))
		a.original(f)
		a.changed("subject: tag %s", strings.Join(lacks, " "))
	}
}

// prefix is what stands between the colon and the value of a field. The white
// space that begins the value ends the tag.
func (a *amendment) prefix(f mail.Field, tag string) string {
	value := string(a.raw(f.Value, 1<<10))
	first, _, folded := strings.Cut(value, "\n")
	word := encode(tag, strings.HasPrefix(strings.TrimLeft(value, " \t\r\n"), "=?"))
	out := " " + word
	blank := strings.TrimSpace(value) == ""
	spaced := blank || strings.ContainsAny(value[:1], " \t\r\n")
	if !spaced {
		out += " "
	}
	long := len(f.Name)+1+len(out)+len(first) > lineLimit
	if long && spaced && !blank && (value[0] == ' ' || value[0] == '\t') && strings.TrimSpace(first) != "" &&
		(folded || int64(len(value)) == f.Value.Len()) && a.lineEnd(f) == "\r\n" {
		out += "\r\n" // the value becomes the second line
	}
	return out
}

// encode writes text into a header field. Between an encoded word and another
// one white space is not shown (RFC 2047 §6.2): before one the space belongs
// into the word.
func encode(text string, beforeWord bool) string {
	ascii := !strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf })
	if ascii {
		return text
	}
	if beforeWord {
		text += " "
	}
	return mime.BEncoding.Encode("utf-8", text)
}

// tagged reports whether a decoded subject begins with a tag, behind marks of
// replies ("Re:", "AW:", "Fwd:") and other tags in brackets.
func tagged(subject, tag string) bool {
	rest := subject
	for {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if hasFold(rest, tag) {
			return true
		}
		n := replyMark(rest)
		if n == 0 {
			n = bracketed(rest)
		}
		if n == 0 {
			return false
		}
		rest = rest[n:]
	}
}

// hasFold reports whether s begins with a prefix, in any case of letters.
func hasFold(s, prefix string) bool {
	n := 0
	for range prefix {
		if n >= len(s) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[n:])
		n += size
	}
	return strings.EqualFold(s[:n], prefix)
}

// replyMark is the length of a mark of a reply at the start of s: at most 8
// letters, perhaps a number in brackets, and a colon.
func replyMark(s string) int {
	at, letters := 0, 0
	for at < len(s) {
		c, size := utf8.DecodeRuneInString(s[at:])
		if !unicode.IsLetter(c) {
			break
		}
		at += size
		letters++
	}
	if letters == 0 || letters > 8 {
		return 0
	}
	rest := s[at:]
	if n := strings.IndexAny(rest, "])"); n > 0 && n <= 6 && (rest[0] == '[' || rest[0] == '(') &&
		strings.Trim(rest[1:n], "0123456789") == "" {
		at += n + 1
		rest = rest[n+1:]
	}
	trimmed := strings.TrimLeft(rest, " ")
	for _, colon := range []string{":", "："} {
		if strings.HasPrefix(trimmed, colon) {
			return at + len(rest) - len(trimmed) + len(colon)
		}
	}
	return 0
}

// bracketed is the length of a short text in brackets at the start of s.
func bracketed(s string) int {
	if !strings.HasPrefix(s, "[") {
		return 0
	}
	n := strings.IndexByte(s, ']')
	if n < 0 || n > 160 || strings.ContainsRune(s[1:n], '[') {
		return 0
	}
	return n + 1
}
