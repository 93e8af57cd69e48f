// Command ledger holds the logs of bench/source and bench/sink and the books
// of a gateway against each other (package books says how).
//
//	go run ./bench/ledger -sent FILE… -got FILE… [-crashes FILE] [-copies a@x,b@y] [-json]
//	    [-postern bin/postern -config postern.yaml | -audit FILE -held FILE -queue FILE]
//
// With -postern it asks the gateway's own verbs. The exit code is 1 when
// something is wrong, 2 when something could not be read.
//
// Standards: none.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"postern.dev/postern/bench/ledger/books"
	"postern.dev/postern/bench/load"
)

func main() {
	code, err := run(os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
	}
	os.Exit(code)
}

type files []string

func (f *files) String() string     { return strings.Join(*f, ",") }
func (f *files) Set(s string) error { *f = append(*f, strings.Split(s, ",")...); return nil }

func run(w io.Writer) (int, error) {
	var sent, got, copies files
	flag.Var(&sent, "sent", "log of a source (several: again, or with commas)")
	flag.Var(&got, "got", "log of a sink (several: again, or with commas)")
	flag.Var(&copies, "copies", "addresses to which policies send copies or redirect")
	record := flag.String("audit", "", "output of: postern audit export")
	held := flag.String("held", "", "output of: postern held list --json")
	queue := flag.String("queue", "", "output of: postern queue list --json")
	crashes := flag.String("crashes", "", "file with the moments of crashes, one a line")
	window := flag.Duration("window", 5*time.Second, "how long before a crash an answer may be that was not recorded")
	program := flag.String("postern", "", "the gateway's program, to ask it")
	config := flag.String("config", "postern.yaml", "its configuration")
	asJSON := flag.Bool("json", false, "print one JSON document")
	flag.Parse()

	in := books.Input{Window: *window, Copies: copies}
	var problems []error
	note := func(err error) { problems = append(problems, err) }
	for _, name := range sent {
		list, err := file[load.Sent](name)
		note(err)
		in.Sent = append(in.Sent, list...)
	}
	for _, name := range got {
		list, err := file[load.Got](name)
		note(err)
		in.Got = append(in.Got, list...)
	}
	ask := func(words ...string) []byte {
		text, err := exec.Command(*program, append(words, "--json", "-c", *config)...).Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 {
			err = nil // there is something to look at
		}
		note(err)
		return text
	}
	var err error
	switch {
	case *program != "":
		in.Records, err = load.ReadLines[books.Record](bytes.NewReader(ask("audit", "export")))
		note(err)
		in.Held, err = load.ReadLines[books.Held](bytes.NewReader(ask("held", "list")))
		note(err)
		in.Queue, err = load.ReadLines[books.Task](bytes.NewReader(ask("queue", "list")))
		note(err)
	default:
		in.Records, err = file[books.Record](*record)
		note(err)
		in.Held, err = file[books.Held](*held)
		note(err)
		in.Queue, err = file[books.Task](*queue)
		note(err)
	}
	if *crashes != "" {
		text, err := os.ReadFile(*crashes)
		note(err)
		in.Crashes, err = books.ReadCrashes(bytes.NewReader(text))
		note(err)
	}
	if err := errors.Join(problems...); err != nil {
		return 2, err
	}
	return show(w, books.Balance(in), *asJSON)
}

func file[T any](name string) ([]T, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return load.ReadLines[T](f)
}

func show(w io.Writer, r books.Report, asJSON bool) (int, error) {
	code := 0
	if !r.OK() {
		code = 1
	}
	if asJSON {
		return code, json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "%d messages = %d taken + %d refused + %d without an answer\n", r.Messages, r.Taken, r.Refused, r.Open)
	fmt.Fprintf(w, "%d recipients taken: %d delivered, %d held, %d under way, %d reported, %d silent\n",
		r.Recipients, r.Delivered, r.Held, r.Waiting, r.Reported, r.Silent)
	for _, c := range books.Classes() {
		fmt.Fprintf(w, "%s=%d ", c, r.Counts[c])
	}
	fmt.Fprintf(w, "excused_duplicates=%d modified=%d\n", r.Excused, r.Modified)
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s %s (%d) %s: %s\n", f.Class, f.ID, f.N, f.Recipient, f.Why)
	}
	return code, nil
}
