package receive

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// fragments are pieces of conversations; the fuzzer puts them in any order.
var fragments = []string{
	"EHLO x\r\n", "HELO x\r\n", "MAIL FROM:<a@b.example>\r\n", "MAIL FROM:<> BODY=BINARYMIME SIZE=3\r\n",
	"RCPT TO:<c@d.example>\r\n",
	"RCPT TO:<postmaster> NOTIFY=NEVER\r\n", "DATA\r\n", "BDAT 5\r\n", "BDAT 5 LAST\r\n", "BDAT 0 LAST\r\n",
	"BDAT 0\r\n", "BDAT 70000\r\n",
	"hello", "Subject: x\r\n", "\r\n", ".\r\n", "\r\n.\r\n", "..\r\n", ".", "\r", "\n", "\x00", "RSET\r\n",
	"NOOP\r\n", "QUIT\r\n",
	"STARTTLS\r\n", "VRFY\r\n", "BDAT x\r\n", "\r\n.\n", "\n.\r\n", "\r\r\n", "QUIT\n",
}

var lastChunk = regexp.MustCompile(`(?i)BDAT (\d+) LAST *\r\n`)

// FuzzConversation says anything. The server must not panic, must end when
// the client has ended, and must hand in only what was brought to its end.
func FuzzConversation(f *testing.F) {
	f.Add([]byte{0, 2, 4, 6, 13, 14, 15, 24}, []byte("raw"), byte(0))
	f.Add([]byte{0, 2, 4, 7, 12, 8, 12, 23, 24}, []byte(""), byte(1))
	f.Add([]byte{0, 3, 4, 6, 11, 200, 8, 12}, []byte("x\r\n.\r\ny"), byte(7))
	f.Add([]byte{0, 2, 4, 6, 28, 29, 16, 2, 4, 6, 16}, []byte{}, byte(3))
	f.Add([]byte{0, 2, 4, 7, 12, 22, 8, 12, 9}, []byte{0}, byte(64))
	f.Fuzz(func(t *testing.T, plan, raw []byte, slice byte) {
		var in []byte
		for _, b := range plan[:min(len(plan), 200)] {
			if int(b) < len(fragments) {
				in = append(in, fragments[b]...)
			} else if len(raw) > 0 {
				in = append(in, raw[int(b)%len(raw):]...)
			}
		}
		d := new(desk)
		var bodies []*memory
		s := New(Config{MaxSize: 65536, NewBuffer: func() Buffer {
			m := new(memory)
			bodies = append(bodies, m)
			return m
		}}, d)
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.ServeConn(theirs)
		}()
		go io.Copy(io.Discard, ours)
		step := int(slice) + 1
		for at := 0; at < len(in); at += step {
			if _, err := ours.Write(in[at:min(at+step, len(in))]); err != nil {
				break
			}
		}
		ours.Close()
		select {
		case <-done:
		case <-time.After(8 * time.Second):
			t.Fatalf("the server hangs after %q", in)
		}
		for _, m := range d.messages() {
			if !brought(in, m) {
				t.Fatalf("%q (chunked %v) was not brought by %q", m.content, m.Chunked, in)
			}
		}
		if settled, unsettled := d.fates(); settled+unsettled != len(d.messages()) {
			t.Fatalf("%d messages, %d settled, %d unsettled", len(d.messages()), settled, unsettled)
		}
		for _, m := range bodies {
			if !m.closed {
				t.Fatalf("a body was left open after %q", in)
			}
		}
	})
}

// brought reports whether the input holds the message with its end.
func brought(in []byte, m taken) bool {
	if m.Chunked {
		for _, at := range lastChunk.FindAllSubmatchIndex(in, -1) {
			n, err := strconv.Atoi(string(in[at[2]:at[3]]))
			rest := in[at[1]:]
			if err == nil && n <= len(rest) && bytes.HasSuffix([]byte(m.content), rest[:n]) {
				return true
			}
		}
		return false
	}
	for at := 2; at < len(in); at++ {
		if string(in[at-2:at]) != "\r\n" {
			continue
		}
		content, _, done, bare := plainUnstuff(in[at:], false)
		if done && !bare && string(content) == m.content {
			return true
		}
	}
	return false
}

// FuzzParameters gives any argument to MAIL and RCPT: what is taken has no
// control characters and no space in its parameters.
func FuzzParameters(f *testing.F) {
	f.Add("FROM:<a@b.example> SIZE=1 BODY=8BITMIME RET=FULL ENVID=x+2B")
	f.Add("TO:<\"a>b\"@c.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40b")
	f.Add("TO:<@a:b@c.example>")
	f.Add("FROM:<> SMTPUTF8 =")
	f.Fuzz(func(t *testing.T, args string) {
		if !clean(args) {
			return
		}
		c := &conn{s: New(Config{NewBuffer: func() Buffer { return nil }}, new(desk)), esmtp: true}
		if e, refusal := c.reversePath(args); refusal == nil {
			if !visible(string(e.From)) || !xtext(e.EnvID) || !e.UTF8 && !e.From.ASCII() {
				t.Fatalf("%q gave %+v", args, e)
			}
		}
		if r, refusal := c.forwardPath(args); refusal == nil {
			if r.Address == "" || !visible(string(r.Address)) || !r.Address.ASCII() ||
				bytes.ContainsAny([]byte(r.ORcpt), " \x00=") {
				t.Fatalf("%q gave %+v", args, r)
			}
		}
	})
}
