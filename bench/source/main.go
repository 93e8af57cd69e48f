// Command source sends mail as Postfix's smtp-source does, on the same
// command line, and more by its environment. It is the main of package load,
// which says what is different.
//
//	source [-d] [-N] [-s connections] [-m messages] [-r recipients] [-f from] [-t to] [-M hello] [-F file] [-l size] host:port
//
// BENCH_VARY=1 (own Message-ID and other words for each message),
// BENCH_VIOLATE=percent (with three card numbers), BENCH_HEADERS=file (lines
// in front), BENCH_LOG=file, BENCH_RUN=word (in each Message-ID),
// BENCH_FIRST=number, BENCH_EHLO=1, BENCH_BDAT=octets, BENCH_IDLE=connections, BENCH_IDLE_FOR=time,
// BENCH_TRIES=n and BENCH_PAUSE=time, BENCH_ABORT=percent, BENCH_DEAF=percent,
// BENCH_TIMEOUT=time, BENCH_SUMMARY=file, BENCH_PROCS=n; BENCH_TLS=1 with
// BENCH_TLS_RESUME=1, BENCH_TLS_CERT and BENCH_TLS_KEY (files),
// BENCH_TLS_ROOTS=file, BENCH_TLS_NAME=host, BENCH_TLS_WRITE=file (where its
// own certificate goes).
// BENCH_SOURCE_X goes before BENCH_X, for scripts that give both mains the same environment.
//
// Standards: RFC 5321, RFC 3030, RFC 3207.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"postern.dev/postern/bench/load"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "source:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		s                     load.Source
		recipients, size      int
		from, to, file, title string
		number, counter       bool
	)
	flag.IntVar(&s.Connections, "s", 1, "connections at the same time")
	flag.IntVar(&s.Messages, "m", 1, "messages")
	flag.IntVar(&recipients, "r", 1, "recipients of each message; a number stands before the address")
	flag.IntVar(&size, "l", 0, "octets of a made-up body")
	flag.StringVar(&from, "f", "foo@load.example", "sender")
	flag.StringVar(&to, "t", "foo@load.example", "recipient")
	flag.StringVar(&s.Hello, "M", "source.load.example", "name in HELO")
	flag.StringVar(&file, "F", "", "file with the message")
	flag.StringVar(&title, "S", "a message of the load", "subject of a made-up message")
	flag.BoolVar(&s.Reuse, "d", false, "many messages over a connection")
	flag.BoolVar(&number, "N", false, "put a number before each recipient")
	flag.BoolVar(&counter, "c", false, "show a counter")
	for _, ignored := range []string{"A", "v", "4", "6"} {
		flag.Bool(ignored, false, "taken, and changes nothing")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		return fmt.Errorf("one host:port is needed; it has %q", flag.Args())
	}
	s.Addr = strings.TrimPrefix(flag.Arg(0), "inet:")
	s.Envelope = envelope(from, to, recipients, number)
	env, err := load.Environment("SOURCE", os.Getenv)
	if err != nil {
		return err
	}
	defer env.Close()
	if err := env.Source(&s); err != nil {
		return err
	}
	content, err := message(file, title, from, to, size)
	if err != nil {
		return err
	}
	t, err := load.NewTemplate(content, env.Variation)
	if err != nil {
		return err
	}
	s.Templates = []*load.Template{t}
	times := newTimes(counter)
	s.OnReply = times.add
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := s.Run(ctx)
	if err != nil {
		return err
	}
	times.summary(env.Summary, r)
	if n := int64(s.Messages); r.Taken < n {
		return fmt.Errorf("%d of %d messages were taken; %d refused, %d lost; %s", r.Taken, n, r.Refused, r.Lost, r.Last)
	}
	return nil
}

func envelope(from, to string, recipients int, number bool) func(int) (string, []string) {
	one := []string{to}
	return func(n int) (string, []string) {
		if recipients <= 1 && !number {
			return from, one
		}
		list := make([]string, max(1, recipients))
		for i := range list {
			list[i] = strconv.Itoa((n-1)*len(list)+i+1) + to
		}
		return from, list
	}
}

func message(file, title, from, to string, size int) ([]byte, error) {
	if file != "" {
		return os.ReadFile(file)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <%s>\nTo: <%s>\nDate: %s\nSubject: %s\nMessage-ID: <1@source.load.example>\n\n",
		from, to, time.Now().Format(time.RFC1123Z), title)
	for b.Len() < size {
		b.WriteString("the quick brown fox jumps over the lazy dog and goes back home\n")
	}
	return b.Bytes(), nil
}

// times keeps how long each message took.
type times struct {
	mu    sync.Mutex
	list  []time.Duration
	count bool
}

func newTimes(count bool) *times { return &times{count: count} }

func (t *times) add(_ load.Message, _ string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, took)
	if t.count {
		fmt.Printf("%d\r", len(t.list))
	}
}

func (t *times) summary(w io.Writer, r load.Result) {
	slices.Sort(t.list)
	at := func(p float64) float64 {
		if len(t.list) == 0 {
			return 0
		}
		return float64(t.list[int(p*float64(len(t.list)-1))].Microseconds()) / 1000
	}
	fmt.Fprintf(w, "source taken=%d refused=%d lost=%d attempts=%d violating=%d connections=%d resumed=%d secs=%.3f "+
		"per_s=%.1f p50_ms=%.2f p90_ms=%.2f p99_ms=%.2f max_ms=%.2f\n", r.Taken, r.Refused, r.Lost, r.Attempts, r.Violating,
		r.Connected, r.Resumed, r.Took.Seconds(), float64(r.Taken)/max(1e-9, r.Took.Seconds()), at(0.5), at(0.9), at(0.99), at(1))
}
