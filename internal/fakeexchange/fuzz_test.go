package fakeexchange

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"postern.dev/postern/internal/mailflow"
)

// FuzzHeader edits the header of anything: what is not touched stays as it
// was, and an edit that finds nothing changes nothing.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("Subject: a\r\nX-A: b\r\n c\r\n\r\nbody"))
	f.Add([]byte("X-A:b\nx-a : c\n\nbody\r\n"))
	f.Add([]byte("no header at all\r\n"))
	f.Add([]byte(" folded first\r\nX-A: 1"))
	f.Add([]byte(":\r\n\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, body := fieldsOf(raw)
		at := 0
		for _, f := range list {
			if f.start < at || f.value <= f.start || f.end < f.value || f.end > body {
				t.Fatalf("field %+v in %q", f, raw)
			}
			at = f.end
		}
		if got := removeHeader(raw, "X-Not-There-At-All", true); !bytes.Equal(got, raw) {
			t.Fatalf("changed without cause: %q", got)
		}
		if len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') {
			return // no header: a field in front would take the first line for its own
		}
		set := setHeader(raw, "X-Added", "1")
		got := removeHeader(set, "X-Added", true)
		if len(values(raw, "X-Added")) == 0 && !bytes.Equal(got, raw) {
			t.Fatalf("added and removed: %q, was %q", got, raw)
		}
		if v := values(removeHeader(raw, "X-A", true), "X-A"); len(values(raw, "X-A")) > 0 && len(list) == 1 && len(v) > 0 {
			t.Fatalf("still there: %q", v)
		}
		prependSubject(raw, "[x] ")
		addToField(raw, "Cc", "a@b.example")
		attachments(raw)
		if !bytes.HasSuffix(setHeader(raw, "X-A", "1"), raw[body:]) {
			t.Fatal("the body changed")
		}
	})
}

// FuzzServer sends anything to the inbound server: it answers and ends.
func FuzzServer(f *testing.F) {
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@contoso.example>\r\nDATA\r\nS: x\r\n\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@contoso.example> NOTIFY=NEVER\r\nBDAT 3 LAST\r\nabcQUIT\r\n"))
	f.Add([]byte("BDAT -1\r\n"))
	f.Add([]byte("BDAT 99999999999999999999 LAST\r\n"))
	s, err := ReadySetup("onpremises", Params{})
	if err != nil {
		f.Fatal(err)
	}
	x, err := New(Config{Setups: []mailflow.Setup{s}, Dial: NewWire().DialFrom("40.107.1.2")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = x.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			s := &incoming{x: x, tx: &transaction{}}
			s.reset(far)
			s.serve()
			_ = far.Close()
		}()
		go func() { _, _ = io.Copy(io.Discard, near) }()
		_ = near.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = near.Write(data)
		_ = near.Close()
		<-done
	})
}

// FuzzAnswers lets a smart host say anything: the attempt ends with one
// answer for each recipient.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("220 hi\r\n250-x\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n"))
	f.Add([]byte("220-\r\n"))
	f.Add([]byte("999 no\r\n"))
	s, err := ReadySetup("onpremises", Params{})
	if err != nil {
		f.Fatal(err)
	}
	s.OutboundConnectors[0].TLSSettings = ""
	x, err := New(Config{Setups: []mailflow.Setup{s}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = x.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, far) }()
		go func() {
			_, _ = far.Write(data)
			_ = far.Close()
		}()
		out := &outgoing{
			x: x, host: "h", connector: &s.OutboundConnectors[0], conn: near, to: []recipient{{address: "a@b.example"}},
		}
		out.reset(near)
		if r := out.open(); r.Ok() {
			got := out.message(&message{tenant: x.tenants[0]}, []byte("Subject: x\r\n\r\n.\r\n"))
			if len(got) != 1 || got[0].Code == 0 {
				t.Fatalf("replies %v", got)
			}
			out.quit()
		}
		_ = out.conn.Close()
	})
}
