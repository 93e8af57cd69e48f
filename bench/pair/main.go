// Command pair runs two systems in the harness of ../shared/bench in turn and
// prints the ratios round by round, and their medians:
//
//	pair [-rounds 7] [-void 10] A… -- B…
//
// A and B are commands that print a line of key=value words, as the peers'
// scripts do. A round in which anything else used more than -void percent of
// the machine is void and run again, at most as often as there are rounds.
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
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// result is what one run of one system printed.
type result map[string]float64

func main() {
	rounds := flag.Int("rounds", 7, "rounds that count")
	void := flag.Float64("void", 10, "percent of the machine that others may use")
	flag.Parse()
	at := slices.Index(flag.Args(), "--")
	if at <= 0 || at == flag.NArg()-1 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "pair: usage: pair [-rounds 7] [-void 10] A… -- B…")
		os.Exit(2)
	}
	if err := compare(flag.Args()[:at], flag.Args()[at+1:], *rounds, *void); err != nil {
		fmt.Fprintln(os.Stderr, "pair:", err)
		os.Exit(1)
	}
}

func compare(a, b []string, rounds int, void float64) error {
	var pairs [][2]result
	var names [2]string
	for tries := 0; len(pairs) < rounds; tries++ {
		if tries == 2*rounds {
			return fmt.Errorf("%d of %d rounds were void: others used the machine", tries-len(pairs), tries)
		}
		var round [2]result
		for i, command := range [][]string{a, b} {
			line, err := run(command)
			if err != nil {
				return err
			}
			names[i], round[i] = read(line)
			fmt.Printf("%c %s\n", "AB"[i], line)
		}
		if round[0]["other_pct"] > void || round[1]["other_pct"] > void {
			fmt.Println("  void")
			continue
		}
		pairs = append(pairs, round)
	}
	fmt.Printf("pair a=%s b=%s rounds=%d", names[0], names[1], rounds)
	for _, x := range []struct{ name, key string }{
		{"rate", "msgs_per_s"}, {"cpu", "cpu_s_per_1000"}, {"memory", "rss_mb"},
	} {
		var list []float64
		for _, p := range pairs {
			list = append(list, p[0][x.key]/max(p[1][x.key], 1e-9))
		}
		slices.Sort(list)
		fmt.Printf(" %s_ratio=%.2f (%.2f to %.2f)", x.name, list[len(list)/2], list[0], list[len(list)-1])
	}
	fmt.Println()
	return nil
}

func run(command []string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", command[0], err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := lines[len(lines)-1]
	if !strings.Contains(last, "msgs_per_s=") {
		return "", errors.New("no result in: " + last)
	}
	return last, nil
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
