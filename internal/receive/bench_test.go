package receive

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/telemetry"
)

// benchContent is 75 KiB of base64 text.
func benchContent() []byte {
	return []byte("Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 75*1024/78))
}

// hand brings b.N messages over a pipe and waits for each answer.
func hand(b *testing.B, nc net.Conn, chunked bool) {
	content := benchContent()
	c := bytes.NewBuffer(nil)
	reply := make([]byte, 4096)
	ask := func(p []byte, replies int) {
		go nc.Write(p)
		for seen := 0; seen < replies; {
			n, err := nc.Read(reply)
			if err != nil {
				b.Error(err)
				return
			}
			seen += bytes.Count(reply[:n], []byte("\n"))
		}
	}
	nc.Read(reply)
	ask([]byte("HELO x\r\n"), 1)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		ask([]byte("MAIL FROM:<a@b.example>\r\n"), 1)
		ask([]byte("RCPT TO:<c@d.example>\r\n"), 1)
		c.Reset()
		if chunked {
			fmt.Fprintf(c, "BDAT %d LAST\r\n", len(content))
		} else {
			ask([]byte("DATA\r\n"), 1)
		}
		c.Write(content)
		if !chunked {
			c.WriteString(".\r\n")
		}
		ask(c.Bytes(), 1)
	}
	nc.Close()
}

func BenchmarkServer(b *testing.B) {
	for _, way := range []string{"DATA", "BDAT"} {
		b.Run("postern "+way, func(b *testing.B) {
			ours, theirs := net.Pipe()
			s := New(Config{MaxMessages: 1 << 30, NewBuffer: func() Buffer { return new(meter) }}, quiet{new(atomic.Int64)})
			go s.ServeConn(theirs)
			hand(b, ours, way == "BDAT")
		})
		b.Run("go-smtp "+way, func(b *testing.B) {
			ours, theirs := net.Pipe()
			s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return drain{}, nil }))
			ln := &single{conn: make(chan net.Conn, 1)}
			ln.conn <- theirs
			go s.Serve(ln)
			hand(b, ours, way == "BDAT")
			s.Close()
		})
	}
}

func BenchmarkUnstuff(b *testing.B) {
	content := append(benchContent(), ".\r\n"...)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		u := unstuffer{atLine: true}
		u.next(content, func([]byte) {})
	}
}

// drain is a go-smtp session that reads and forgets.
type drain struct{}

func (drain) Reset()                               {}
func (drain) Logout() error                        { return nil }
func (drain) Mail(string, *smtp.MailOptions) error { return nil }
func (drain) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (drain) Data(r io.Reader) error               { _, err := io.Copy(io.Discard, r); return err }

// single is a listener that gives one connection.
type single struct{ conn chan net.Conn }

func (s *single) Accept() (net.Conn, error) {
	c, open := <-s.conn
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (s *single) Close() error   { close(s.conn); return nil }
func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// BenchmarkVisit is a message by a connection of its own over loopback. The
// client is part of it.
func BenchmarkVisit(b *testing.B) {
	pool := durable.NewPool(1<<20, "")
	s := New(Config{NewBuffer: func() Buffer { return pool.Buffer() }, Metrics: telemetry.NewMetrics()}, quiet{new(atomic.Int64)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Close()
	content := append(benchContent(), ".\r\n"...)
	reply := make([]byte, 4096)
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		for _, say := range []string{"", "HELO x\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\n", "=", "QUIT\r\n"} {
			switch say {
			case "":
			case "=":
				_, err = nc.Write(content)
			default:
				_, err = nc.Write([]byte(say))
			}
			if _, rerr := nc.Read(reply); err != nil || rerr != nil {
				b.Fatal(err, rerr)
			}
		}
		nc.(*net.TCPConn).SetLinger(0) // no port is left waiting
		nc.Close()
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/float64(b.N)/1000, "cpu-us/op")
}
