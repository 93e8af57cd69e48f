package mail

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Reply is an answer in SMTP (RFC 5321 §4.2) with its enhanced status code
// (RFC 3463). The zero Reply means that no answer came.
type Reply struct {
	// Code has three digits, e.g. 250.
	Code int `json:"code"`
	// Enhanced is the status code without brackets, e.g. "5.7.1"; "" when
	// the reply has none.
	Enhanced string `json:"enhanced,omitempty"`
	// Text is what follows; several lines are separated by "\n".
	Text string `json:"text,omitempty"`
}

// Ok reports whether the command succeeded (2xx).
func (r Reply) Ok() bool { return r.Code/100 == 2 }

// Temporary reports whether a later try may succeed (4xx, or no answer).
func (r Reply) Temporary() bool { return r.Code == 0 || r.Code/100 == 4 }

// Permanent reports whether the answer will not change (5xx).
func (r Reply) Permanent() bool { return r.Code/100 == 5 }

// None reports whether no answer came.
func (r Reply) None() bool { return r.Code == 0 }

// String is the reply on one line, as it goes into logs and reports.
func (r Reply) String() string {
	if r.None() {
		return "no answer"
	}
	s := strconv.Itoa(r.Code)
	if r.Enhanced != "" {
		s += " " + r.Enhanced
	}
	if r.Text != "" {
		s += " " + strings.ReplaceAll(r.Text, "\n", " ")
	}
	return s
}

// Wire is the reply as it is sent, every line with code and enhanced code
// (RFC 2034 §4). Characters that would break the line are replaced.
func (r Reply) Wire() string {
	if isPlain(r.Text) && 100 <= r.Code && r.Code <= 999 {
		if r.Enhanced == "" {
			return strconv.Itoa(r.Code) + " " + r.Text + "\r\n"
		}
		return strconv.Itoa(r.Code) + " " + r.Enhanced + " " + r.Text + "\r\n"
	}
	lines := strings.Split(r.Text, "\n")
	var b strings.Builder
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		fmt.Fprintf(&b, "%03d%s", r.Code, sep)
		if r.Enhanced != "" {
			b.WriteString(r.Enhanced + " ")
		}
		b.WriteString(printable(line))
		b.WriteString("\r\n")
	}
	return b.String()
}

// isPlain reports whether a text is one line that printable leaves as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 480
}

// printable keeps a reply line inside RFC 5321 §4.2 (textstring) and short
// enough for §4.5.3.1.5 (512 octets). A next hop's words go to the client and
// from there to people, so nothing in them may command a terminal or turn the
// direction of the writing.
func printable(s string) string {
	if len(s) > 480 {
		s = s[:480]
	}
	return strings.Map(func(c rune) rune {
		if c == '\uFFFD' || !unicode.IsGraphic(c) {
			return '?'
		}
		return c
	}, s)
}

// NewReply builds a reply from its enhanced code's usual form:
// NewReply(550, "5.7.1", "text").
func NewReply(code int, enhanced, text string) Reply {
	return Reply{Code: code, Enhanced: enhanced, Text: text}
}

// ParseReply reads the lines of one reply without their line ends. The
// enhanced code is recognised when the first line carries one of the same
// class (RFC 2034 §4).
func ParseReply(lines []string) (Reply, error) {
	var r Reply
	var text []string
	for i, line := range lines {
		if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return Reply{}, fmt.Errorf("mail: malformed reply line %q", line)
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil || code < 200 || code > 599 || i > 0 && code != r.Code {
			return Reply{}, fmt.Errorf("mail: malformed reply line %q", line)
		}
		r.Code = code
		rest := strings.TrimPrefix(line[3:], "-")
		if len(line) > 3 && line[3] == ' ' {
			rest = line[4:]
		}
		enhanced, tail := splitEnhanced(code, rest)
		if i == 0 {
			r.Enhanced = enhanced
		}
		if enhanced != "" && enhanced == r.Enhanced {
			rest = tail
		}
		text = append(text, rest)
	}
	if len(lines) == 0 {
		return Reply{}, fmt.Errorf("mail: empty reply")
	}
	r.Text = strings.Join(text, "\n")
	return r, nil
}

func splitEnhanced(code int, s string) (enhanced, rest string) {
	word, rest, _ := strings.Cut(s, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return "", s
	}
	for _, p := range parts {
		if len(p) < 1 || len(p) > 3 || strings.Trim(p, "0123456789") != "" {
			return "", s
		}
	}
	return word, rest
}
