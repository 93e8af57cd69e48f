//go:build e2e

package e2e

import (
	"fmt"
	"strings"
)

func chunkSizeCases() (list []attack) {
	for _, args := range []string{
		"-1 LAST", "-9223372036854775808 LAST", "+50 LAST", "0x20 LAST", "", "LAST", "9223372036854775807 LAST",
		"18446744073709551616 LAST", "99999999999999999999999999 LAST", "1e3 LAST", "50 LASTX", "50 LAST LAST", "50\tLAST",
		"50  LAST", "5 0 LAST", "50,LAST", "4294967297 LAST",
	} {
		list = append(list, attack{"BDAT sizes", fmt.Sprintf("%q", args), false, func(p *probe) {
			if !p.offers("CHUNKING") || !p.envelope() {
				return
			}
			p.raw("BDAT " + args + "\r\n" + p.smuggled())
			switch r := p.read(); {
			case r.Code/100 == 2 || r.Code/100 == 3:
				p.lax = append(p.lax, "answered "+r.String())
			case r.Code == 0:
				p.note("no answer: %s", r.Text)
			}
		}})
	}
	return append(list,
		attack{"BDAT sizes", "a sum that overflows", false, func(p *probe) {
			if p.offers("CHUNKING") && p.envelope() {
				p.raw(chunk("abc", "") + "BDAT 9223372036854775806 LAST\r\n" + p.smuggled())
				p.rest()
			}
		}},
		attack{"BDAT sizes", "a chunk over the size limit is not run", false, func(p *probe) {
			if p.offers("CHUNKING") && p.envelope() {
				p.raw("BDAT 4000000000 LAST\r\n" + p.smuggled())
				p.rest()
			}
		}},
		attack{"BDAT sizes", "zeros in front", false, func(p *probe) {
			p.mail(0, 1)
			if p.offers("CHUNKING") && p.envelope() {
				text := p.letter("first") + "x\r\n"
				p.raw(fmt.Sprintf("BDAT %012d LAST\r\n%s", len(text), text))
				p.read()
				p.lives()
			}
		}})
}

// chunk is a BDAT command with its content.
func chunk(content, last string) string {
	return fmt.Sprintf("BDAT %d%s\r\n%s", len(content), last, content)
}

func chunkOrderCases() []attack {
	in := func(name string, lo, hi int, run func(*probe)) attack {
		return attack{"BDAT order", name, false, func(p *probe) {
			if p.offers("CHUNKING") {
				p.mail(lo, hi)
				run(p)
			}
		}}
	}
	return []attack{
		in("without MAIL, content is not run", 0, 0, func(p *probe) {
			p.raw(chunk(p.smuggled(), " LAST"))
			p.rest()
		}),
		in("without RCPT, content is not run", 0, 0, func(p *probe) {
			p.raw(p.mailFrom() + "\r\n" + chunk(p.smuggled(), " LAST"))
			p.rest()
		}),
		in("after a refused RCPT, content is not run", 0, 0, func(p *probe) {
			p.raw("MAIL FROM:<mallory@evil.example>\r\nRCPT TO:<victim@elsewhere.example>\r\n" +
				chunk(p.smuggled(), "") + chunk(p.smuggled(), " LAST"))
			p.rest()
		}),
		in("commands inside a chunk stay text", 1, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first")+p.smuggled(), " LAST"))
			p.read()
			p.lives()
		}),
		in("ends of data inside a chunk stay text", 1, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first")+"x\r\n.\r\n"+p.smuggled()+"\n.\n"+p.smuggled(), " LAST"))
			p.read()
			p.lives()
		}),
		in("RSET between chunks throws the message away", 0, 0, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), "") + "RSET\r\n" + chunk("rest", " LAST"))
			p.rest()
		}),
		in("EHLO between chunks throws the message away", 0, 0, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), "") + "EHLO x.example\r\n" + chunk("rest", " LAST"))
			p.rest()
		}),
		in("MAIL between chunks", 0, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), ""))
			p.read()
			p.refused("MAIL FROM:<x@y.example>")
		}),
		in("RCPT between chunks", 0, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), ""))
			p.read()
			p.refused(p.rcptTo())
		}),
		in("QUIT between chunks", 0, 0, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), ""))
			p.rest()
		}),
		in("a chunk after the last one", 1, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first")+"x\r\n", " LAST"))
			p.read()
			p.raw(chunk(p.smuggled(), " LAST"))
			if r := p.read(); r.Code/100 == 2 {
				p.fail("answered %v", r)
			}
			p.rest()
		}),
		in("an endless row of empty chunks", 0, 0, func(p *probe) {
			p.envelope()
			p.raw(strings.Repeat("BDAT 0\r\n", 3000))
			for n := 0; ; n++ {
				if p.read().Code == 0 {
					return
				}
				if n == 2500 {
					p.fail("2,500 of them were answered")
					return
				}
			}
		}),
		in("NOOP between chunks", 1, 1, func(p *probe) {
			p.envelope()
			p.raw(chunk(p.letter("first"), "") + "NOOP\r\n" + chunk("rest\r\n", " LAST"))
			p.rest()
		}),
	}
}

func mixedCases() []attack {
	in := func(name string, lo, hi int, run func(*probe)) attack {
		return attack{"DATA and BDAT", name, false, func(p *probe) {
			if p.offers("CHUNKING") && p.envelope() {
				p.mail(lo, hi)
				run(p)
			}
		}}
	}
	return []attack{
		in("DATA after a chunk", 0, 0, func(p *probe) {
			p.raw(chunk(p.letter("first"), ""))
			p.read()
			p.refused("DATA")
			p.raw(p.letter("second") + "x\r\n.\r\n")
			p.rest()
		}),
		in("BDAT inside DATA is text", 1, 1, func(p *probe) {
			p.taken("DATA")
			p.raw(p.letter("first") + "BDAT 5 LAST\r\nhello\r\n.\r\n")
			p.read()
			p.lives()
		}),
		in("a dot inside a chunk is not taken off", 1, 1, func(p *probe) {
			p.check = func(raw []byte) string {
				if !strings.HasSuffix(string(raw), "\r\n\r\n..x\r\n.\r\n") {
					return "the dots were changed"
				}
				return ""
			}
			p.raw(chunk(p.letter("first")+"..x\r\n.\r\n", " LAST"))
			p.read()
			p.lives()
		}),
		in("BDAT after DATA in another transaction", 2, 2, func(p *probe) {
			p.taken("DATA")
			p.raw(p.letter("first") + "x\r\n.\r\n")
			p.read()
			p.envelope()
			p.raw(chunk(p.letter("other")+"x\r\n", " LAST"))
			p.read()
			p.lives()
		}),
	}
}
