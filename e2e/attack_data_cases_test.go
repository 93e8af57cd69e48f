//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"strings"
)

// attacks is the whole driver.
func attacks() []attack {
	var list []attack
	for _, part := range [][]attack{
		endCases("end of data", fakeEnds()), exactEndCases(), dotCases(), cutCases(), longCases(), structureCases(),
		bareCommandCases(), orderCases(), startTLSCases(), floodCases(), protocolCases(), nobodyCases(), verbCases(),
		echoCases(), parameterCases(), addressCases(),
		chunkSizeCases(), chunkOrderCases(), mixedCases(),
	} {
		list = append(list, part...)
	}
	return list
}

// fakeEnds are ends of data that some server took for the end.
func fakeEnds() []string {
	return []string{
		"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n.\r\r\n", "\r\n\n.\r\n",
		"\r\r.\r\n", "\n\n.\n\n", "\r\n\x00.\r\n", "\r\n.\x00\r\n", "\n\x00.\r\n", "\r\x00\n.\r\n", "\r\n.\r\x00\n",
		"\r\n . \r\n", "\r\n. \r\n", "\x00\r\n.\n", "\r\n.\x85", "\u0085.\u0085", "\u2028.\u2028", "\x0b.\x0b",
		"\x0c.\x0c", "\r\n..\r\n", "\r\n.\r\x00\n\r\n", "\n.\x00\n", "\r\n\xe2\x80\xa8.\r\n",
	}
}

// combinations are all strings of up to n octets of CR, LF, dot and NUL that do
// not hold the exact end.
func combinations(n int) (list []string) {
	const alphabet = "\r\n.\x00"
	last := []string{""}
	for range n {
		var next []string
		for _, s := range last {
			for _, c := range alphabet {
				if t := s + string(c); !strings.Contains(t, "\r\n.\r\n") {
					next = append(next, t)
				}
			}
		}
		list = append(list, next...)
		last = next
	}
	return list
}

func endCases(group string, ends []string) (list []attack) {
	for _, end := range ends {
		list = append(list, attack{group, fmt.Sprintf("%q ends nothing", end), false, func(p *probe) {
			p.mail(0, 1)
			p.check = func(raw []byte) string {
				if !bytes.Contains(raw, []byte("X-Attack: second")) {
					return fmt.Sprintf("the message ends at %q", end)
				}
				return ""
			}
			if !p.envelope() || p.taken("DATA").Code != 354 {
				return
			}
			p.raw(p.letter("first") + "text" + end + p.smuggled())
			if r := p.read(); r.Code/100 == 3 || r.Code == 0 {
				p.fail("answer to the end of data: %v", r)
			}
			p.lives()
		}})
	}
	return list
}

func exactEndCases() (list []attack) {
	for _, before := range []string{"\r", "\n", "\x00", "\r\r", "\n\r", "\x00\r\n\x00"} {
		list = append(list, attack{"exact end", fmt.Sprintf("after %q", before), false, func(p *probe) {
			p.mail(0, 1)
			if !p.envelope() || p.taken("DATA").Code != 354 {
				return
			}
			p.raw(p.letter("first") + "text" + before + "\r\n.\r\n")
			if r := p.read(); r.Code/100 != 2 && r.Code/100 != 5 {
				p.fail("the exact end does not end: %v", r)
			}
			p.lives()
		}})
	}
	return list
}

func dotCases() (list []attack) {
	for _, c := range []struct{ name, wire, content string }{
		{"a doubled dot is one dot", "..\r\n", ".\r\n"},
		{"a dot before text goes", ".text\r\n", "text\r\n"},
		{"three dots are two", "...\r\n", "..\r\n"},
		{"a dot and a blank stay a line", ".. \r\n", ". \r\n"},
		{"a line of 900 dots", strings.Repeat(".", 900) + "\r\n", strings.Repeat(".", 899) + "\r\n"},
		{"a doubled dot at the first line of the body", "..\r\n..\r\n..\r\n", ".\r\n.\r\n.\r\n"},
	} {
		list = append(list, attack{"dots", c.name, false, func(p *probe) {
			p.mail(1, 1)
			p.check = func(raw []byte) string {
				if !bytes.HasSuffix(raw, []byte("\r\n\r\n"+c.content+"end\r\n")) {
					return fmt.Sprintf("the text came out as %.80q", raw[max(0, len(raw)-80):])
				}
				return ""
			}
			if !p.envelope() || p.taken("DATA").Code != 354 {
				return
			}
			p.taken(p.letter("first") + c.wire + "end\r\n.")
			p.lives()
		}})
	}
	return list
}

func cutCases() (list []attack) {
	for _, c := range []struct {
		name, begin string
		chunks      bool
	}{
		{"DATA in a line", "half", false}, {"DATA after a line", "half\r\n", false},
		{"DATA before the last LF", "half\r\n.\r", false}, {"DATA with a dot", "half\r\n.", false},
		{"DATA with a bare end", "half\n.\n", false},
		{"a chunk", "BDAT 100000\r\n", true}, {"the last chunk", "BDAT 100000 LAST\r\n", true},
		{"one octet before the end of the last chunk", "", true},
		{"between two chunks", "", true}, {"in a BDAT command", "", true},
	} {
		list = append(list, attack{"cut off", c.name, false, func(p *probe) {
			if c.chunks && !p.offers("CHUNKING") || !p.envelope() {
				return
			}
			text := p.letter("first") + "half"
			switch {
			case !c.chunks:
				p.taken("DATA")
				p.raw(p.letter("first") + c.begin)
			case strings.HasPrefix(c.name, "one"):
				p.raw(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text)+1, text))
			case strings.HasPrefix(c.name, "between"):
				p.raw(chunk(text, ""))
				p.read()
			case strings.HasPrefix(c.name, "in a"):
				p.raw(fmt.Sprintf("BDAT %d\r\n%sBDAT 0 LAST\r", len(text), text))
			default:
				p.raw(c.begin + text)
			}
			if half, ok := p.conn.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
				for p.read().Code != 0 {
				}
			}
		}})
	}
	return list
}

func longCases() []attack {
	return []attack{
		{"long lines", "a command of 5,000 octets", false, func(p *probe) {
			p.refused("RCPT TO:<" + strings.Repeat("a", 5000) + "@b.example>")
			p.lives()
		}},
		{"long lines", "a command of 900,000 octets", false, func(p *probe) {
			if r := p.cmd("NOOP " + strings.Repeat("x", 900_000)); r.Code == 250 {
				p.note("taken")
			}
		}},
		{"long lines", "a command inside a long line is not run", false, func(p *probe) {
			p.raw("NOOP " + strings.Repeat("x", 4096) + p.mailFrom() + "\r\n")
			p.read()
			p.refused(p.rcptTo())
		}},
		{"long lines", "a name of 3,000 octets in EHLO", false, func(p *probe) {
			p.strict("EHLO " + strings.Repeat("a.", 1500))
		}},
		{"long lines", "a command that never ends is cut off", false, func(p *probe) {
			for range 64 {
				p.raw(strings.Repeat("x", 1<<16))
			}
			if r := p.read(); r.Code == 250 {
				p.fail("taken: %v", r)
			}
		}},
		{"long lines", "a text line of 1 MB", false, func(p *probe) {
			p.mail(0, 1)
			if p.envelope() && p.taken("DATA").Code == 354 {
				p.raw(p.letter("first") + strings.Repeat("y", 1<<20) + "\r\n.\r\n")
				p.read()
				p.lives()
			}
		}},
	}
}

func structureCases() (list []attack) {
	for _, c := range []struct{ name, text string }{
		{"nothing at all", ""},
		{"no header", "\r\njust text\r\n"},
		{"no empty line", "X-Attack: first %s\r\n"},
		{"a header line that begins with a colon", "%s: \r\n:x\r\nX-A: %s\r\n\r\nt\r\n"},
		{"a NUL in the header", "X-Attack\x00: %s\r\n\r\nt\r\n"},
		{"a header that begins folded", " folded %s\r\nX: y\r\n\r\nt\r\n"},
		{"120 Received fields", strings.Repeat("Received: by a; x\r\n", 120) + "X-Attack: first %s\r\n\r\nt\r\n"},
		{"5,000 header fields", strings.Repeat("X-Many: y\r\n", 5000) + "X-Attack: first %s\r\n\r\nt\r\n"},
	} {
		list = append(list, attack{"structure", c.name, false, func(p *probe) {
			p.mail(0, 1)
			if p.envelope() && p.taken("DATA").Code == 354 {
				p.raw(p.head + strings.ReplaceAll(c.text, "%s", p.token) + ".\r\n")
				if r := p.read(); r.Code/100 == 3 || r.Code == 0 {
					p.fail("answered %v", r)
				}
				p.lives()
			}
		}})
	}
	return list
}
