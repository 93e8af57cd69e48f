//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"
)

func bareCommandCases() (list []attack) {
	for _, c := range []struct{ name, line string }{
		{"LF ends no command", "NOOP\nVRFY x\r\n"}, {"a CR ends no command", "NOOP\rVRFY x\r\n"},
		{"an LF before a command", "\nNOOP\r\n"}, {"CR CR LF", "NOOP\r\r\n"}, {"LF CR LF", "NOOP\n\r\n"},
		{"MAIL that ends with LF", "MAIL FROM:<a@b.example>\n"}, {"NUL before CR LF", "NOOP\x00\r\n"},
		{"a NUL in the verb", "NO\x00OP\r\n"},
	} {
		list = append(list, attack{"ends of commands", c.name, false, func(p *probe) {
			p.raw(c.line)
			good := 0
			for _, r := range p.rest() {
				if r.Code/100 == 2 && r.Code != 221 {
					good++
				}
			}
			if good > 1 {
				p.fail("%d commands were run", good)
			} else if good == 1 {
				p.note("one command was run")
			}
		}})
	}
	return list
}

func orderCases() []attack {
	simple := func(name string, before []string, wrong string) attack {
		return attack{"order", name, false, func(p *probe) {
			for _, line := range before {
				p.cmd(strings.NewReplacer("MAIL!", p.mailFrom(), "RCPT!", p.rcptTo()).Replace(line))
			}
			p.refused(strings.NewReplacer("MAIL!", p.mailFrom(), "RCPT!", p.rcptTo()).Replace(wrong))
			p.lives()
		}}
	}
	list := []attack{
		simple("RCPT before MAIL", nil, "RCPT!"), simple("DATA before MAIL", nil, "DATA"),
		simple("DATA before RCPT", []string{"MAIL!"}, "DATA"),
		simple("a second MAIL", []string{"MAIL!"}, "MAIL FROM:<x@y.example>"),
		simple("MAIL inside a transaction", []string{"MAIL!", "RCPT!"}, "MAIL FROM:<x@y.example>"),
		simple("EHLO forgets the recipients", []string{"MAIL!", "RCPT!", "EHLO x.example"}, "DATA"),
		simple("HELO forgets the recipients", []string{"MAIL!", "RCPT!", "HELO x.example"}, "DATA"),
		simple("EHLO forgets the sender", []string{"MAIL!", "EHLO x.example"}, "RCPT!"),
		simple("RSET forgets the recipients", []string{"MAIL!", "RCPT!", "RSET"}, "DATA"),
		simple("DATA with an argument", []string{"MAIL!", "RCPT!"}, "DATA now"),
		simple("EHLO without a name", nil, "EHLO"), simple("MAIL without a colon", nil, "MAIL FROM <a@b.example>"),
		simple("a verb that begins like one", nil, "MAILX FROM:<a@b.example>"),
		simple("RCPT after the message", []string{"MAIL!", "RCPT!", "RSET"}, "RCPT!"),
	}
	return append(list,
		attack{"order", "QUIT inside a transaction sends nothing", false, func(p *probe) {
			p.envelope()
			p.rest()
		}},
		attack{"order", "MAIL before EHLO", true, func(p *probe) {
			p.conn.Close()
			if p.openQuiet() {
				p.strict(p.mailFrom())
			}
		}},
		attack{"order", "content before 354 is one message at most", false, func(p *probe) {
			p.mail(0, 1)
			p.raw(p.mailFrom() + "\r\n" + p.rcptTo() + "\r\nDATA\r\n" + p.letter("first") + "text\r\n.\r\n")
			p.rest()
		}},
	)
}

// openQuiet connects and says nothing.
func (p *probe) openQuiet() bool {
	conn, err := net.DialTimeout("tcp", p.address, p.patience)
	if err != nil {
		p.fail("%v", err)
		return false
	}
	p.conn, p.r = conn, bufio.NewReader(conn)
	return p.read().Code == 220
}

func startTLSCases() []attack {
	in := func(name string, run func(*probe)) attack {
		return attack{"STARTTLS", name, true, func(p *probe) {
			if p.offers("STARTTLS") {
				run(p)
			}
		}}
	}
	injected := func(behind func(*probe) string, pause time.Duration) func(*probe) {
		return func(p *probe) {
			if pause == 0 {
				p.raw("STARTTLS\r\n" + behind(p))
			} else {
				p.raw("STARTTLS\r\n")
				time.Sleep(pause)
				p.raw(behind(p))
			}
			if r := p.read(); r.Code != 220 {
				return // refused
			}
			if p.handshake() != nil {
				return
			}
			if r := p.cmd("NOOP"); r.Code != 250 || p.r.Buffered() > 0 || strings.Contains(r.Text, "VRFY") {
				p.note("after the handshake: %v", r)
			}
			_ = p.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := p.r.Peek(1); err == nil {
				p.fail("an answer that nobody asked for: what was said in clear is run in TLS")
			}
		}
	}
	return []attack{
		in("NOOP behind it", injected(func(*probe) string { return "NOOP\r\n" }, 0)),
		in("a transaction behind it", injected(func(p *probe) string { return p.mailFrom() + "\r\n" + p.rcptTo() + "\r\n" }, 0)),
		in("a message behind it", injected((*probe).smuggled, 0)),
		in("RSET in a segment of its own", injected(func(*probe) string { return "RSET\r\n" }, 50*time.Millisecond)),
		in("half a command behind it", injected(func(*probe) string { return "NOO" }, 0)),
		in("with an argument", func(p *probe) { p.refused("STARTTLS now") }),
		in("twice", func(p *probe) {
			if p.startTLS() == nil {
				p.refused("STARTTLS")
				if strings.Contains(p.ext, "STARTTLS") {
					p.fail("it is offered inside TLS")
				}
			}
		}),
		in("MAIL from before it is forgotten", func(p *probe) {
			p.cmd(p.mailFrom())
			if p.cmd("STARTTLS").Code == 220 && p.handshake() == nil {
				p.refused(p.rcptTo())
			}
		}),
		in("recipients from before it are forgotten", func(p *probe) {
			p.cmd(p.mailFrom())
			p.cmd(p.rcptTo())
			if p.cmd("STARTTLS").Code == 220 && p.handshake() == nil {
				p.refused("DATA")
			}
		}),
		in("EHLO from before it is forgotten", func(p *probe) {
			if p.cmd("STARTTLS").Code == 220 && p.handshake() == nil {
				if r := p.cmd(p.mailFrom()); r.Code/100 == 2 {
					p.note("MAIL without EHLO inside TLS: %v", r)
				}
			}
		}),
		in("commands in the place of the handshake", func(p *probe) {
			p.taken("STARTTLS")
			p.raw(p.smuggled())
			if r := p.read(); r.Code != 0 && r.Code/100 == 2 {
				p.fail("an answer in clear: %v", r)
			}
		}),
		in("TLS without STARTTLS", func(p *probe) {
			if p.handshake() == nil {
				p.fail("TLS began")
			}
		}),
	}
}

func floodCases() (list []attack) {
	for _, c := range []struct{ name, before, line string }{
		{"NOOP", "", "NOOP\r\n"}, {"RSET", "", "RSET\r\n"}, {"EHLO", "", "EHLO x.example\r\n"},
		{"faults", "", "XYZZY\r\n"}, {"empty lines", "", "\r\n"}, {"VRFY", "", "VRFY a\r\n"},
		{"MAIL and RSET", "", "MAIL FROM:<>\r\nRSET\r\n"}, {"broken recipients", "MAIL FROM:<>\r\n", "RCPT TO:<x>\r\n"},
	} {
		list = append(list, attack{"floods", c.name, false, func(p *probe) {
			p.raw(c.before)
			go func(conn interface{ Write([]byte) (int, error) }) {
				many := []byte(strings.Repeat(c.line, 100))
				for range 30 {
					if _, err := conn.Write(many); err != nil {
						return
					}
				}
			}(p.conn)
			n := 0
			for ; n < 2500; n++ {
				if p.read().Code == 0 {
					break
				}
			}
			if n == 2500 {
				p.fail("2,500 of them were answered")
			}
		}})
	}
	return list
}

func protocolCases() (list []attack) {
	for _, c := range []struct{ name, first string }{
		{"GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, {"POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"},
		{"PUT", "PUT / HTTP/1.1\r\nHost: x\r\n\r\n"}, {"CONNECT", "CONNECT x:25 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"OPTIONS", "OPTIONS * HTTP/1.0\r\nHost: x\r\n\r\n"},
	} {
		list = append(list, attack{"other protocols", c.name + " with mail in its body", true, func(p *probe) {
			p.conn.Close()
			if !p.openQuiet() {
				return
			}
			p.raw(c.first + "EHLO x.example\r\n" + p.smuggled())
			p.rest()
		}})
	}
	return list
}

func nobodyCases() []attack {
	stranger, away := "MAIL FROM:<mallory@evil.example>", "RCPT TO:<victim@elsewhere.example>"
	return []attack{
		{"nobody's mail", "a stranger to a stranger", false, func(p *probe) {
			p.cmd(stranger)
			p.refused(away)
			p.refused("DATA")
		}},
		{"nobody's mail", "content after refused recipients is not run", false, func(p *probe) {
			p.raw(stranger + "\r\n" + away + "\r\nDATA\r\n" + p.letter("first") + "x\r\n.\r\n")
			p.rest()
		}},
		{"nobody's mail", "a source route", false, func(p *probe) {
			p.cmd(p.mailFrom())
			if r := p.cmd("RCPT TO:<@" + domain(p.to) + ":victim@elsewhere.example>"); r.Code/100 == 2 {
				p.fail("taken: %v", r)
			}
		}},
		{"nobody's mail", "a source route in MAIL", false, func(p *probe) {
			if r := p.cmd("MAIL FROM:<@evil.example:" + p.from + ">"); r.Code/100 == 2 {
				p.note("taken: %v", r)
			}
		}},
		{"nobody's mail", "a stranger with a percent sign", false, func(p *probe) {
			p.cmd(stranger)
			p.refused("RCPT TO:<victim%elsewhere.example@elsewhere.example>")
		}},
		{"nobody's mail", "a stranger with two at signs", false, func(p *probe) {
			p.cmd(stranger)
			p.refused("RCPT TO:<victim@elsewhere.example@" + domain(p.to) + ">")
		}},
	}
}

func domain(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return d
}

func verbCases() (list []attack) {
	for _, line := range []string{
		"AUTH PLAIN AGEAYg==", "AUTH LOGIN", "TURN", "ETRN example.com", "EXPN postmaster", "DEBUG", "WIZ", "SEND FROM:<a@b.example>",
		"SAML FROM:<a@b.example>", "XCLIENT ADDR=127.0.0.1 LOGIN=root", "XFORWARD ADDR=127.0.0.1", "BURL imap://x LAST", "ATRN x",
	} {
		list = append(list, attack{"other verbs", line, false, func(p *probe) {
			p.refused(line)
			p.lives()
		}})
	}
	return list
}

func echoCases() (list []attack) {
	for _, c := range []struct{ name, line string }{
		{"ESC in EHLO", "EHLO x\x1b[2Jy"}, {"BEL in EHLO", "EHLO x\x07"}, {"DEL in EHLO", "EHLO x\x7f"},
		{"a CR in EHLO", "EHLO x\r250 y"}, {"broken UTF-8 in MAIL", "MAIL FROM:<\xff\xfe@b.example> SMTPUTF8"},
		{"ESC in a verb", "XY\x1b[2JZ"}, {"an overlong slash", "MAIL FROM:<a\xc0\xaf@b.example> SMTPUTF8"},
		{"broken UTF-8 in EHLO", "EHLO \xff\xff"}, {"a blank in EHLO", "EHLO a b\x0bc"},
	} {
		list = append(list, attack{"control characters", c.name, false, func(p *probe) {
			r := p.strict(c.line)
			if strings.ContainsAny(r.Text, "\x1b\x07\x7f\xff\xfe") {
				p.fail("echoed in %q", r.Text)
			}
		}})
	}
	return list
}

func parameterCases() (list []attack) {
	for _, c := range []struct{ of, what string }{
		{"MAIL", "SIZE=abc"}, {"MAIL", "SIZE=-1"}, {"MAIL", "SIZE="}, {"MAIL", "SIZE=99999999999999999999999"},
		{"MAIL", "SIZE=9000000000000000000"}, {"MAIL", "SIZE=1 SIZE=2"}, {"MAIL", "BODY=FOO"}, {"MAIL", "BODY="},
		{"MAIL", "UNKNOWN=1"}, {"MAIL", "SMTPUTF8=yes"}, {"MAIL", "RET=SOME"}, {"MAIL", "ENVID=a=b"},
		{"MAIL", "RET=FULL RET=HDRS"}, {"MAIL", "=x"}, {"RCPT", "NOTIFY=NEVER,DELAY"}, {"RCPT", "NOTIFY="},
		{"RCPT", "NOTIFY=SOMETIMES"}, {"RCPT", "ORCPT=nothing"}, {"RCPT", "ORCPT=rfc822;a+zz"}, {"RCPT", "UNKNOWN"},
		{"RCPT", "SIZE=1"}, {"RCPT", "NOTIFY=DELAY NOTIFY=NEVER"},
	} {
		list = append(list, attack{"parameters", c.of + " " + c.what, false, func(p *probe) {
			name, _, _ := strings.Cut(c.what, "=")
			switch name {
			case "SIZE", "SMTPUTF8":
				if c.of == "MAIL" && !p.offers(name) {
					return
				}
			case "RET", "ENVID", "NOTIFY", "ORCPT":
				if !p.offers("DSN") {
					return
				}
			case "BODY":
				if !p.offers("8BITMIME") {
					return
				}
			}
			if c.of == "MAIL" {
				p.strict(p.mailFrom() + " " + c.what)
				return
			}
			p.cmd(p.mailFrom())
			p.strict(p.rcptTo() + " " + c.what)
		}})
	}
	return append(list, attack{"parameters", "BINARYMIME by DATA", false, func(p *probe) {
		if p.offers("BINARYMIME") {
			p.cmd(p.mailFrom() + " BODY=BINARYMIME")
			p.cmd(p.rcptTo())
			p.refused("DATA")
		}
	}})
}

func addressCases() (list []attack) {
	for _, path := range []string{
		"<a@b@%s>", "<a\x00@%s>", "<a\x01b@%s>", "<a\tb@%s>", "<<a@%s>>", "<a@%s", "<a@%s>X", "<a b@%s>", "<a@%s\x00>",
		"<\"a\r\"@%s>", "<a..b@%s>", "<.a@%s>", "<a@" + strings.Repeat("b.", 140) + "%s>", "<\"a\\\"@%s>", "<@%s>",
	} {
		for _, verb := range []string{"MAIL FROM:", "RCPT TO:"} {
			list = append(list, attack{"addresses", fmt.Sprintf("%s%.40q", verb, path), false, func(p *probe) {
				at := p.to
				if verb == "MAIL FROM:" {
					at = p.from
				} else {
					p.cmd(p.mailFrom())
				}
				p.strict(verb + strings.Replace(path, "%s", domain(at), 1))
			}})
		}
	}
	return list
}
