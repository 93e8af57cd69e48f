package receive

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

// The classes of attack that other servers fell for, one test each.

// smuggled is what an attacker wants to be run as commands.
const smuggled = "MAIL FROM:<ceo@victim.example>\r\nRCPT TO:<bob@fabrikam.example>\r\nDATA\r\nsmuggled\r\n.\r\n"

func TestOnlyOneEndOfDataEndsAMessage(t *testing.T) {
	ends := []string{
		"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r", "\r.\n", "\r\n.\r\r\n", "\r\n\n.\r\n",
		"\r\r.\r\n",
		"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\n\x00.\r\n", "\r\x00\n.\r\n", "\r\n.\r\x00\n", "\n\n.\n\n",
		"\r\n . \r\n", "\r\n. \r\n",
		"\x00\r\n.\n", "\r\n.\x85", "\u0085.\u0085", "\u2028.\u2028", "\x0b.\x0b", "\x0c.\x0c", "\r\n..\r\n",
	}
	for _, mode := range []string{BareReject, BareNormalize} {
		for _, end := range ends {
			t.Run(fmt.Sprintf("%s %q", mode, end), func(t *testing.T) {
				d := new(desk)
				c := dial(t, Config{BareNewline: mode}, d)
				c.talk(to...)
				c.talk(">DATA", "<354")
				c.send("first" + end + smuggled)
				if r := c.reply(); !strings.HasPrefix(r, "250 2.6.0") && !strings.HasPrefix(r, "554 5.6.11") {
					t.Errorf("answer %q", r)
				}
				c.talk(">QUIT", "<221", "<closed")
				got := d.messages()
				if len(got) > 1 {
					t.Fatalf("%d messages", len(got))
				}
				for _, m := range got {
					if !strings.HasSuffix(m.content, "DATA\r\nsmuggled\r\n") {
						t.Errorf("the message is cut: %q", m.content)
					}
					if strings.Contains(strings.ReplaceAll(m.content, "\r\n", ""), "\n") ||
						strings.Contains(strings.ReplaceAll(m.content, "\r\n", ""), "\r") {
						t.Errorf("a bare newline was passed on: %q", m.content)
					}
				}
			})
		}
	}
}

// CR CR LF . CR LF holds the exact end, so that it ends here as at strict
// peers; the bare CR before it is a reason to refuse, not to go on.
func TestTheExactEndEndsWhateverStandsBefore(t *testing.T) {
	for _, end := range []string{"\r\r\n.\r\n", "\n\r\n.\r\n", "\x00\r\n.\r\n", "\r\r\r\n.\r\n", "\n\r\r\n.\r\n"} {
		for _, mode := range []string{BareReject, BareNormalize} {
			d := new(desk)
			c := dial(t, Config{BareNewline: mode}, d)
			c.talk(to...)
			c.talk(">DATA", "<354")
			c.send("first" + end + "QUIT\r\n")
			if r := c.reply(); !strings.HasPrefix(r, "250 2.6.0") && !strings.HasPrefix(r, "554 5.6.11") {
				t.Errorf("%q: answer %q", end, r)
			}
			c.want("221")
			if mode == BareReject && strings.Trim(end, "\x00") != "\r\n.\r\n" && len(d.messages()) > 0 {
				t.Errorf("%q was taken", end)
			}
		}
	}
}

func TestWhatIsCutOffIsNoMessage(t *testing.T) {
	tests := []struct{ name, begin string }{
		{"DATA in a line", "DATA\r\nhalf"},
		{"DATA after a line", "DATA\r\nhalf\r\n"},
		{"DATA in the end", "DATA\r\nhalf\r\n.\r"},
		{"DATA with a dot only", "DATA\r\n."},
		{"a chunk", "BDAT 1000\r\nhalf"},
		{"the last chunk", "BDAT 1000 LAST\r\nhalf"},
		{"the last octet", "BDAT 5 LAST\r\nhalf"},
		{"after a chunk", "BDAT 4\r\nhalf"},
		{"in a BDAT command", "BDAT 4\r\nhalfBDAT 0 LAST\r"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := new(desk)
			c := dial(t, Config{}, d)
			c.talk(to...)
			c.send(test.begin)
			c.finish()
			if len(d.messages()) != 0 {
				t.Errorf("handed in %q", d.messages()[0].content)
			}
		})
	}
}

func TestCommandsWithTwoReadingsHaveNone(t *testing.T) {
	for _, line := range []string{"NOOP\nQUIT\r\n", "\nNOOP\r\n", "NOOP \r\r\n\nMAIL FROM:<>\r\n",
		"MAIL FROM:<a@b.example>\n"} {
		c := dial(t, Config{}, new(desk))
		c.talk(hello...)
		c.send(line)
		if r := c.reply(); !strings.HasPrefix(r, "500 5.5.2") {
			t.Errorf("%q: %q", line, r)
		}
		for r := c.reply(); r != ""; r = c.reply() {
			if !strings.HasPrefix(r, "500") {
				t.Errorf("%q was run: %q", line, r)
			}
		}
	}
}

func TestControlCharactersAreRefusedAndNeverEchoed(t *testing.T) {
	for _, bad := range []string{"\x00", "\x01", "\x07", "\x08", "\t", "\x1b[2J", "\x7f", "a\rb", "\xff",
		"\xc0\xaf", "\u0085", "\u202e", "\u2028"} {
		c := dial(t, Config{}, new(desk))
		c.talk("<220")
		for _, line := range []string{
			"EHLO x" + bad, "EHLO fine", "MAIL FROM:<a" + bad + "@b.example> SMTPUTF8",
			"MAIL FROM:<a@b" + bad + ".example> SMTPUTF8",
			"MAIL FROM:<\"" + bad + "\"@b.example> SMTPUTF8",
			"MAIL FROM:<a@b.example> SMTPUTF8", "RCPT TO:<a" + bad + "@b.example>", "RCPT TO:<a@b.example> ORCPT=utf-8;" + bad,
			"NOOP" + bad, bad,
		} {
			c.send(line + "\r\n")
			r := c.reply()
			fine := line == "EHLO fine" || line == "MAIL FROM:<a@b.example> SMTPUTF8"
			if strings.HasPrefix(r, "250") != fine {
				t.Errorf("%q: %q", line, r)
			}
			if strings.Contains(r, bad) && bad != "" {
				t.Errorf("%q came back in %q", bad, r)
			}
		}
	}
}

func TestHostileAddresses(t *testing.T) {
	tests := []struct{ path, reply string }{
		{"<a@b@c.example>", "501"}, {"<a@b.example>>", "501"}, {"<<a@b.example>>", "501"}, {"a@b.example", "501"},
		{" <a@b.example>", "501"},
		{"<a@b.example", "501"}, {"<>", "501"}, {"<@relay.example:a@b.example>", "553"}, {"<@x,@y:a@b.example>", "553"},
		{"<a b@c.example>", "501"}, {"<\"a\"b@c.example>", "501"}, {"<a..b@c.example>", "501"}, {"<.a@c.example>", "501"},
		{"<a@>", "501"}, {"<@b>", "553"}, {"<a>", "501"}, {"<a@b.example>X", "501"}, {"<a@b.example>\tX", "500"},
		{"<a@b.example>  NOTIFY=NEVER", "501"}, {"<a@b.example> NOTIFY=NEVER,DELAY", "501"},
		{"<a@b.example> NOTIFY=", "501"},
		{"<a@b.example> NOTIFY=DELAY,DELAY", "501"}, {"<a@b.example> NOTIFY", "501"},
		{"<a@b.example> NOTIFY=NEVER NOTIFY=DELAY", "501"},
		{"<a@b.example> ORCPT=bob", "501"}, {"<a@b.example> ORCPT=rfc822;", "501"},
		{"<a@b.example> ORCPT=rfc822;a+4", "501"},
		{"<a@b.example> ORCPT=rfc822;a+zz", "501"}, {"<a@b.example> ORCPT=rfc822;a=b", "501"},
		{"<a@b.example> ORCPT=;a", "501"},
		{"<a@b.example> ORCPT=rfc822;" + strings.Repeat("a", 500), "501"}, {"<a@b.example> SIZE=1", "555"},
		{"<a@b.example> =x", "501"},
		{"<" + strings.Repeat("a", 65) + "@b.example>", "501"}, {"<a@" + strings.Repeat("b.", 130) + "c>", "501"},
		{"<a@[x\\]>", "501"},
		{"<\"a\\\"@b.example>", "501"}, {"<|/bin/sh@b.example>", "501"}, {"<a%b@c.example>", "250"},
		{"<\"a@b\"@c.example>", "250"},
		{"<a@b.example> ORCPT=utf-8;\\x{E9}@b.example NOTIFY=FAILURE", "250"}, {"<\"x>y\"@b.example>", "250"},
	}
	c := dial(t, Config{MaxErrors: 1000}, new(desk))
	c.talk(from...)
	for _, test := range tests {
		c.send("RCPT TO:" + test.path + "\r\n")
		// "|" and "/" are atext, so a pipe address is an address; whether it
		// is somebody is the Handler's to say.
		want := test.reply
		if strings.HasPrefix(test.path, "<|") {
			want = "250"
		}
		if r := c.reply(); !strings.HasPrefix(r, want) {
			t.Errorf("%s: %q, want %s", test.path, r, want)
		}
	}
}

func TestLongLinesBreakNothing(t *testing.T) {
	d := new(desk)
	c := dial(t, Config{}, d)
	c.talk(hello...)
	c.talk(">NOOP "+strings.Repeat("x", maxLine-7), "<250", ">NOOP "+strings.Repeat("x", maxLine-6), "<500 5.5.6",
		">NOOP "+strings.Repeat("x", 300_000), "<500 5.5.6", ">NOOP", "<250", ">MAIL FROM:<>", "<250",
		">RCPT TO:<a@b.example>", "<250")
	long := strings.Repeat("x", 5<<20) + "\r\n" + strings.Repeat("\x00\xff", 3000) + "\r\n." + strings.Repeat(".",
		200_000) + "\r\n"
	c.talk(">DATA", "<354", "="+long+".\r\n", "<250")
	if got := d.messages()[0].content; got != strings.Replace(long, "\r\n..", "\r\n.", 1) {
		t.Errorf("%d octets came out of %d", len(got), len(long))
	}
}

func TestAnEndlessLineIsCutOff(t *testing.T) {
	c := dial(t, Config{}, new(desk))
	c.talk(hello...)
	go func() {
		b := []byte(strings.Repeat("x", 1<<16))
		for range 1000 {
			if _, err := c.nc.Write(b); err != nil {
				return
			}
		}
	}()
	<-c.done // ends, although the line does not
}

func TestAnEndlessMessageIsCutOff(t *testing.T) {
	d := new(desk)
	c := dial(t, Config{MaxSize: 65536}, d)
	c.talk(to...)
	c.talk(">DATA", "<354")
	go func() {
		b := []byte(strings.Repeat("0123456789abcd\r\n", 1<<12))
		for range 1000 {
			if _, err := c.nc.Write(b); err != nil {
				return
			}
		}
	}()
	<-c.done
	if len(d.messages()) != 0 {
		t.Error("it was handed in")
	}
}

func TestFloodsEndInA421(t *testing.T) {
	floods := map[string]string{
		"faults": "XYZZY\r\n", "NOOP": "NOOP\r\n", "RSET": "RSET\r\n", "EHLO": "EHLO x\r\n",
		"MAIL and RSET": "MAIL FROM:<>\r\nRSET\r\n",
		"empty lines":   "\r\n", "recipients that are none": "RCPT TO:<x>\r\n", "VRFY": "VRFY a\r\n",
		"stray chunks": "BDAT 1\r\nx",
		"recipients":   "RCPT TO:<a@b.example>\r\n", "empty chunks": "BDAT 0\r\n",
	}
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, Config{}, new(desk))
			if strings.HasPrefix(name, "recipients") || name == "empty chunks" {
				c.talk(to...)
			} else {
				c.talk(hello...)
			}
			go func() {
				for range 20_000 {
					if _, err := c.nc.Write([]byte(flood)); err != nil {
						return
					}
				}
			}()
			last := ""
			for r := c.reply(); r != ""; r = c.reply() {
				last = r
			}
			if !strings.HasPrefix(last, "421") {
				t.Errorf("the last answer is %q", last)
			}
		})
	}
}

func TestARefusedGroupRunsNothingOfTheMessage(t *testing.T) {
	d := &desk{onRcpt: func(mail.Peer, mail.Envelope, mail.Recipient) *mail.Reply {
		r := mail.NewReply(550, "5.7.1", "No")
		return &r
	}}
	c := dial(t, Config{}, d)
	c.talk(hello...)
	evil := strings.Repeat(smuggled, 3)
	c.send(fmt.Sprintf("MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nBDAT %d\r\n%sBDAT %d LAST\r\n%sNOOP\r\n",
		len(evil), evil, len(evil), evil))
	c.talk("<250 2.1.0", "<550", "<554", "<554", "<250 2.0.0 OK")
}
