// Command pair runs two systems in the harness of ../shared/bench in turn and
// prints the ratios round by round, their medians, and for each target
// whether it was reached:
//
//	pair [-name cell] [-want "rate>=0.9 cpu<=1.2"] [-rounds 7] [-void 10] [-fsync ms] A… -- B… [-- RAW…]
//
// A, B and RAW are commands that print a line of key=value words, as the
// peers' scripts do. RAW has no system between source and sink: what it takes
// is no system's doing. A round in which anything else used more than -void
// percent of the machine is void and run again, at most as often as there are
// rounds. `go doc -cmd -u ./bench/pair target` says what can be wanted.
//
// It keeps one law: a ratio is of one round, so that the drift of the machine
// falls on both. Standards: none.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// result is what one run of one system printed.
type result map[string]float64

// round is one run of A, B and RAW, in this order; RAW may be missing.
type round []result

func main() {
	var c comparison
	var want string
	flag.StringVar(&c.name, "name", "pair", "name of the targets")
	flag.StringVar(&want, "want", "", "targets, such as rate>=0.9")
	flag.IntVar(&c.rounds, "rounds", 7, "rounds that count")
	flag.Float64Var(&c.void, "void", 10, "percent of the machine that others may use")
	flag.Float64Var(&c.fsync, "fsync", 0, "p99 of an fsync in this run, in ms")
	flag.Parse()
	c.commands = split(flag.Args())
	if len(c.commands) < 2 || len(c.commands) > 3 || c.rounds < 1 {
		fmt.Fprintln(os.Stderr, "pair: usage: pair [-name cell] [-want targets] [-rounds 7] [-void 10] A… -- B… [-- RAW…]")
		os.Exit(2)
	}
	var err error
	if c.targets, err = readTargets(want, len(c.commands) > 2); err == nil {
		err = c.compare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pair:", err)
		for _, t := range c.targets {
			fmt.Printf("target %s.%s measured nothing wanted %s%g MISSED (%v)\n", c.name, t.key, t.sign, t.bound, err)
		}
		os.Exit(1)
	}
}

// split cuts the arguments at each "--".
func split(args []string) (commands [][]string) {
	for {
		at := slices.Index(args, "--")
		if at < 0 {
			at = len(args)
		}
		if at == 0 {
			return nil
		}
		commands = append(commands, args[:at])
		if at == len(args) {
			return commands
		}
		args = args[at+1:]
	}
}

// comparison is what the command line says.
type comparison struct {
	name        string
	commands    [][]string
	targets     []target
	rounds      int
	void, fsync float64
}

func (c comparison) compare() error {
	dir, err := os.MkdirTemp("", "pair")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var rounds []round
	names := make([]string, len(c.commands))
	for tries := 0; len(rounds) < c.rounds; tries++ {
		if tries == 2*c.rounds {
			return fmt.Errorf("%d of %d rounds were void: others used the machine", tries-len(rounds), tries)
		}
		var now round
		for i, command := range c.commands {
			line, err := run(command, filepath.Join(dir, fmt.Sprintf("%d.%d", tries, i)))
			if err != nil {
				return err
			}
			name, r := read(line)
			names[i], now = name, append(now, r)
			fmt.Printf("%c %s\n", "ABR"[i], line)
		}
		if slices.ContainsFunc(now, func(r result) bool { return r["other_pct"] > c.void }) {
			fmt.Println("  void")
			continue
		}
		rounds = append(rounds, now)
	}
	fmt.Printf("pair %s a=%s b=%s rounds=%d%s\n", c.name, names[0], names[1], c.rounds, ratios(rounds))
	for _, t := range c.targets {
		fmt.Println(t.line(c.name, rounds, c.fsync))
	}
	return nil
}

// ratios is each measure of A over B with its range, and beside RAW both
// rates over its.
func ratios(rounds []round) (text string) {
	for _, key := range []string{"rate", "cpu", "memory"} {
		list := measures()[key](rounds)
		text += fmt.Sprintf(" %s_ratio=%.2f (%.2f to %.2f)", key, list[len(list)/2], list[0], list[len(list)-1])
	}
	if len(rounds[0]) < 3 {
		return text
	}
	raw := median(rounds, func(r round) float64 { return r[2]["msgs_per_s"] })
	text += fmt.Sprintf(" raw_rate=%.0f", raw)
	for i, who := range []string{"a", "b"} {
		text += fmt.Sprintf(" %s_of_raw=%.2f", who, median(rounds, func(r round) float64 {
			return r[i]["msgs_per_s"] / r[2]["msgs_per_s"]
		}))
	}
	for _, p := range []string{"p50_ms", "p99_ms"} {
		text += fmt.Sprintf(" added_%s=%.2f beside %.2f", p,
			median(rounds, func(r round) float64 { return r[0][p] - r[2][p] }),
			median(rounds, func(r round) float64 { return r[1][p] - r[2][p] }))
	}
	return text
}

// run gives the last line of a command, and the line that the source of this
// run left in the file summary.
func run(command []string, summary string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "BENCH_SOURCE_SUMMARY="+summary)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", command[0], err)
	}
	line := lastLine(out)
	if !strings.Contains(line, "msgs_per_s=") {
		return "", errors.New("no result in: " + line)
	}
	if times, err := os.ReadFile(summary); err == nil {
		line += " " + lastLine(times)
	}
	return line, nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func read(line string) (name string, r result) {
	r = result{}
	for _, m := range regexp.MustCompile(`(\w+)=(\S+)`).FindAllStringSubmatch(line, -1) {
		if m[1] == "peer" {
			name = m[2]
		} else if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			r[m[1]] = v
		}
	}
	return name, r
}
