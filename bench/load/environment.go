package load

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Env is what the environment says to the mains.
type Env struct {
	Variation Variation
	// Summary is where the last line goes.
	Summary io.Writer
	log     *Log
	get     func(string) string
	files   []io.Closer
	err     error
}

// Environment reads the BENCH_ variables that both mains have, and sets the
// process to few threads and a lazy collector. Where both get the same
// environment, BENCH_SOURCE_X and BENCH_SINK_X go before BENCH_X; role is
// SOURCE or SINK.
func Environment(role string, get func(string) string) (*Env, error) {
	e := &Env{Summary: io.Discard}
	e.get = func(name string) string {
		if v := get("BENCH_" + role + "_" + name); v != "" {
			return v
		}
		return get("BENCH_" + name)
	}
	runtime.GOMAXPROCS(max(1, e.number("PROCS", 1)))
	debug.SetGCPercent(400)
	e.Variation = Variation{
		Mark: e.on("VARY") || e.get("LOG") != "", Words: e.on("VARY"), Violate: e.number("VIOLATE", 0),
		Run: e.get("RUN"), Seed: uint64(e.number("SEED", 1)),
	}
	if e.Variation.Run == "" {
		e.Variation.Run = strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	if name := e.get("HEADERS"); name != "" && e.err == nil {
		text, err := os.ReadFile(name)
		if len(text) > 0 {
			text = crlf(text)
		}
		e.Variation.Front, e.err = text, err
	}
	if w := e.file("LOG"); w != nil {
		e.log = NewLog(w)
	}
	if w := e.file("SUMMARY"); w != nil {
		e.Summary = w
	}
	return e, e.err
}

// Close closes the files.
func (e *Env) Close() {
	for _, f := range e.files {
		f.Close()
	}
}

// file opens the file that a variable names, to append to it.
func (e *Env) file(name string) io.Writer {
	path := e.get(name)
	if path == "" || e.err != nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		e.err = err
		return nil
	}
	e.files = append(e.files, f)
	return f
}

func (e *Env) on(name string) bool {
	v := e.get(name)
	return v != "" && v != "0"
}

func (e *Env) number(name string, other int) int {
	v := e.get(name)
	if v == "" || e.err != nil {
		return other
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		e.err = fmt.Errorf("BENCH_%s=%s is no number", name, v)
	}
	return n
}

func (e *Env) time(name string, other time.Duration) time.Duration {
	v := e.get(name)
	if v == "" || e.err != nil {
		return other
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		e.err = fmt.Errorf("BENCH_%s=%s is no time, such as 10s", name, v)
	}
	return d
}

// Source sets what the environment says about a source.
func (e *Env) Source(s *Source) error {
	s.Log, s.First, s.EHLO, s.Chunk = e.log, e.number("FIRST", 1), e.on("EHLO"), e.number("BDAT", 0)
	s.Idle, s.IdleFor = e.number("IDLE", 0), e.time("IDLE_FOR", 0)
	s.Tries, s.Pause = e.number("TRIES", 1), e.time("PAUSE", time.Second)
	s.Abort, s.Deaf, s.Timeout = e.number("ABORT", 0), e.number("DEAF", 0), e.time("TIMEOUT", 5*time.Minute)
	s.Connections = max(s.Connections, e.number("CONNECTIONS", 0))
	if e.err != nil || !e.on("TLS") {
		return e.err
	}
	name := e.get("TLS_NAME")
	cert, err := e.certificate("source.load.example")
	if err != nil {
		return err
	}
	s.TLS = SourceTLS(cert, nil, name, e.on("TLS_RESUME"))
	if file := e.get("TLS_ROOTS"); file != "" {
		roots, err := ReadRoots(file)
		if err != nil {
			return err
		}
		s.TLS = SourceTLS(cert, roots, name, e.on("TLS_RESUME"))
	}
	return nil
}

// Sink sets what the environment says about a sink.
func (e *Env) Sink(s *Sink) (err error) {
	s.Log, s.Count, s.Chunking = e.log, e.get("COUNT_HEADER"), e.on("CHUNKING")
	s.Connections = max(s.Connections, e.number("CONNECTIONS", 0))
	if s.Answers, err = ParseAnswers(e.get("ANSWERS")); err != nil {
		return err
	}
	if e.err != nil || !e.on("TLS") {
		return e.err
	}
	names := []string{"sink.load.example"}
	if name := e.get("TLS_NAME"); name != "" {
		names = []string{name}
	}
	cert, err := e.certificate(names...)
	if err != nil {
		return err
	}
	s.TLS = SinkTLS(cert, e.on("TLS_RESUME"))
	return nil
}

// certificate reads that of the files, or makes one.
func (e *Env) certificate(names ...string) (tls.Certificate, error) {
	if file := e.get("TLS_CERT"); file != "" {
		key := e.get("TLS_KEY")
		if key == "" {
			key = file
		}
		return tls.LoadX509KeyPair(file, key)
	}
	cert, text, err := NewCertificate(names...)
	if file := e.get("TLS_WRITE"); err == nil && file != "" {
		err = os.WriteFile(file, text, 0o644)
	}
	return cert, err
}
