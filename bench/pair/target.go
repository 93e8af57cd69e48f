package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// target is a bound for one measure of a pair, such as rate>=0.9:
//
//   - rate, cpu, memory: the median of A's over B's. A rate counts as reached
//     where the wanted one is above 0.6 of what went straight from source to
//     sink in this run: then the load is measured and not the gateway.
//   - raw: the median of A's rate over that of RAW.
//   - p50: the time that A adds to a message over the time that B adds. What
//     a message takes straight from source to sink is taken off both.
//   - late: by how many p99 of an fsync A's p99 is above B's.
type target struct {
	key, sign string
	bound     float64
}

// enoughOfRaw is the part of the raw rate above which a wanted rate counts as
// reached.
const enoughOfRaw = 0.6

// readTargets reads targets with blanks between them. raw says that there is a
// third command.
func readTargets(text string, raw bool) (list []target, err error) {
	form := regexp.MustCompile(`^(\w+)(>=|<=)([\d.]+)$`)
	for _, word := range strings.Fields(text) {
		m := form.FindStringSubmatch(word)
		if m == nil || m[1] != "late" && measures()[m[1]] == nil {
			return nil, fmt.Errorf("%q is no target, such as rate>=0.9", word)
		}
		t := target{key: m[1], sign: m[2]}
		if !raw && (t.key == "raw" || t.key == "p50") {
			return nil, fmt.Errorf("%q needs a third command", word)
		}
		if t.bound, err = strconv.ParseFloat(m[3], 64); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// measures gives each measure as the sorted list of the rounds.
func measures() map[string]func([]round) []float64 {
	over := func(key string, other int) func([]round) []float64 {
		return func(rounds []round) []float64 {
			return sorted(rounds, func(r round) float64 { return r[0][key] / max(r[other][key], 1e-9) })
		}
	}
	return map[string]func([]round) []float64{
		"rate": over("msgs_per_s", 1), "cpu": over("cpu_s_per_1000", 1), "memory": over("rss_mb", 1),
		"raw": over("msgs_per_s", 2),
		"p50": func(rounds []round) []float64 {
			return sorted(rounds, func(r round) float64 {
				return (r[0]["p50_ms"] - r[2]["p50_ms"]) / max(r[1]["p50_ms"]-r[2]["p50_ms"], 1e-9)
			})
		},
	}
}

func sorted(rounds []round, value func(round) float64) []float64 {
	var list []float64
	for _, r := range rounds {
		list = append(list, value(r))
	}
	slices.Sort(list)
	return list
}

func median(rounds []round, value func(round) float64) float64 {
	list := sorted(rounds, value)
	return list[len(list)/2]
}

// line says what was measured, what was wanted, and whether that is enough.
func (t target) line(name string, rounds []round, fsync float64) string {
	measured, note := t.measure(rounds, fsync)
	good := measured >= t.bound
	if t.sign == "<=" {
		good = measured <= t.bound
	}
	if !good && t.key == "rate" && len(rounds[0]) > 2 {
		wanted := t.bound * median(rounds, func(r round) float64 { return r[1]["msgs_per_s"] })
		raw := median(rounds, func(r round) float64 { return r[2]["msgs_per_s"] })
		if good = wanted > enoughOfRaw*raw; good {
			note = fmt.Sprintf(" (the wanted %.0f/s is %.2f of the raw rate %.0f/s)", wanted, wanted/raw, raw)
		}
	}
	verdict := "MISSED"
	if good {
		verdict = "reached"
	}
	return fmt.Sprintf("target %s.%s measured %.2f wanted %s%g %s%s", name, t.key, measured, t.sign, t.bound, verdict, note)
}

func (t target) measure(rounds []round, fsync float64) (measured float64, note string) {
	if t.key == "late" {
		p99 := func(i int) float64 { return median(rounds, func(r round) float64 { return r[i]["p99_ms"] }) }
		return (p99(0) - p99(1)) / max(fsync, 1e-9),
			fmt.Sprintf(" (p99 %.2f ms, the other's %.2f ms, an fsync's %.2f ms)", p99(0), p99(1), fsync)
	}
	list := measures()[t.key](rounds)
	return list[len(list)/2], ""
}
