// Command sink takes mail as Postfix's smtp-sink does, on the same command
// line, and more by its environment. It is the main of package load, which
// says what is different.
//
//	sink [-c] [-8] [-N] [-m connections] [-n messages] [-u user] [-h hello] [-d template] [inet:][host]:port [backlog]
//
// BENCH_LOG=file, BENCH_COUNT_HEADER=name (messages with this header field
// are counted by its value; printed at the end), BENCH_CHUNKING=1,
// BENCH_ANSWERS=rules (see load.ParseAnswers), BENCH_SUMMARY=file,
// BENCH_CONNECTIONS=n (more than -m), BENCH_PROCS=n; BENCH_TLS=1 with BENCH_TLS_RESUME=1,
// BENCH_TLS_CERT and BENCH_TLS_KEY (files), BENCH_TLS_NAME=host and
// BENCH_TLS_WRITE=file (where its own certificate goes).
// BENCH_SINK_X goes before BENCH_X, for scripts that give both mains the same environment.
//
// Standards: RFC 5321, RFC 3030, RFC 3207.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern/bench/load"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
}

func run() error {
	var s load.Sink
	count := flag.Bool("c", false, "show running counters")
	account := flag.String("u", "", "run as this user")
	dump := flag.String("d", "", "template of a file for each message")
	last := flag.Int64("n", 0, "end after so many messages")
	flag.IntVar(&s.Connections, "m", 256, "connections at the same time")
	flag.StringVar(&s.Hello, "h", "smtp-sink", "name in the banner")
	for _, ignored := range []string{"8", "N", "v", "e", "E"} {
		flag.Bool(ignored, false, "taken, and changes nothing")
	}
	flag.Parse()
	if flag.NArg() < 1 || flag.NArg() > 2 {
		return fmt.Errorf("an address to listen on is needed; it has %q", flag.Args())
	}
	env, err := load.Environment("SINK", os.Getenv)
	if err != nil {
		return err
	}
	defer env.Close()
	if err := env.Sink(&s); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", address(flag.Arg(0)))
	if err != nil {
		return err
	}
	if err := become(*account); err != nil {
		return err
	}
	if *dump != "" {
		s.OnContent = dumper(*dump)
	}
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt, syscall.SIGTERM)
	s.OnMessage = counter(*count, *last, func() { done <- syscall.SIGTERM })
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }()
	select {
	case err = <-failed:
	case <-done:
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	for _, w := range []io.Writer{os.Stderr, env.Summary} {
		summary(w, &s)
	}
	return err
}

func summary(w io.Writer, s *load.Sink) {
	line := fmt.Sprintf("sink messages=%d", s.Messages())
	counted := s.Counted()
	for _, value := range slices.Sorted(maps.Keys(counted)) {
		line += fmt.Sprintf(" %s=%d", strconv.Quote(value), counted[value])
	}
	fmt.Fprintln(w, line)
}

// address is what smtp-sink takes: a port alone, or [inet:][host]:port.
func address(text string) string {
	text = strings.TrimPrefix(text, "inet:")
	if !strings.Contains(text, ":") {
		return ":" + text
	}
	return text
}

// become gives the rights of root up.
func become(name string) error {
	if name == "" || os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// counter writes the line that the peer scripts read.
func counter(show bool, last int64, end func()) func(sessions, quits, messages int64) {
	var line []byte
	var said int64
	return func(sessions, quits, messages int64) {
		if messages == said {
			return
		}
		said = messages
		if show {
			line = strconv.AppendInt(append(line[:0], "sess="...), sessions, 10)
			line = strconv.AppendInt(append(line, " quit="...), quits, 10)
			line = strconv.AppendInt(append(line, " mesg="...), messages, 10)
			os.Stdout.Write(append(line, '\r'))
		}
		if messages == last {
			end()
		}
	}
}

// dumper writes each message into a file of its own.
func dumper(template string) func(load.Envelope, []byte) {
	return func(e load.Envelope, content []byte) {
		now := time.Now()
		var random [4]byte
		rand.Read(random[:])
		name := strings.NewReplacer("%Y", now.Format("2006"), "%m", now.Format("01"), "%d", now.Format("02"),
			"%H", now.Format("15"), "%M", now.Format("04"), "%S", now.Format("05"), "%%", "%").Replace(template)
		name += hex.EncodeToString(random[:])
		head := "X-Client-Addr: " + e.Client + "\r\nX-Helo-Args: " + e.Hello + "\r\nX-Mail-Args: " + e.Mail + "\r\n"
		for _, to := range e.Rcpt {
			head += "X-Rcpt-Args: " + to + "\r\n"
		}
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil {
			err = os.WriteFile(name, append([]byte(head), content...), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "sink:", err)
		}
	}
}
