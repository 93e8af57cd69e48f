#!/usr/bin/env bash
# Fuzzes every target of the project.
#
#   scripts/fuzz.sh 60s            each target for that time, one after the other
#   scripts/fuzz.sh cpu 120        120 minutes of CPU spread over all targets; it goes on
#                                  where the last run stopped, a target that has had least first
#   scripts/fuzz.sh build          build the test binaries anew, also while another run uses the old ones
#   scripts/fuzz.sh table          what the runs since `scripts/fuzz.sh forget` came to
#   scripts/fuzz.sh forget         begin a new count (what was learned stays in .make/fuzz/cache)
#
# A crasher ends its target and the others go on; its input stays in
# testdata/fuzz, where every `go test` tries it again. Exit code 1: there was one.
# SLICE is the time of one turn (30s), PARALLEL the number of workers (1),
# BUILT=1 to take the binaries as they are, ONLY a regular expression for the targets ("receive FuzzConversation").
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
home=$root/.make/fuzz
log=$home/log.tsv
mkdir -p "$home/bin" "$home/cache"
touch "$log"
[ -n "${FUZZ_PGID_FILE:-}" ] && ps -o pgid= $$ | tr -d ' ' >"$FUZZ_PGID_FILE"

targets() {
	grep -rlE '^func Fuzz' --include='*_test.go' internal | xargs -n1 dirname | sort -u | while read -r dir; do
		grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed "s|func |${dir#internal/} |"
	done | sort -u | grep -E -- "${ONLY:-.}"
}

# build makes the test binary of a room, instrumented for fuzzing.
build() {
	local bin=$home/bin/${1//\//-}.test
	go test -c -fuzz '^Fuzz' -o "$bin.new" "./internal/$1" || return 1
	# An unchanged binary keeps what it crashed on before out of the way.
	cmp -s "$bin.new" "$bin" && rm "$bin.new" || mv "$bin.new" "$bin"
	(cd "internal/$1" && "$bin" -test.list '^Fuzz') | sed "s|.*|$1\t&\t$(stat -c %Y "$bin")|" >"$bin.list"
}

# spent prints the CPU seconds of everything that this shell has waited for.
spent() { awk -v RS='[ \n]+' 'NR > 2 { split($0, p, /[ms]/); s += p[1] * 60 + p[2] } END { print s }' "$home/times"; }

# turn gives one target its time and writes one line of the log:
# room, target, CPU seconds, execs, new interesting, crashers, binary's time.
turn() {
	local room=$1 target=$2 time=$3 bin=$home/bin/${1//\//-}.test
	local out=$home/$target.out secs=${time%s} before code
	[[ $time == *m ]] && secs=$((${time%m} * 60))
	times >"$home/times"
	before=$(spent)
	(
		cd "internal/$room" || exit 1
		exec timeout --foreground -k 10 $((secs + 240)) "$bin" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" \
			-test.fuzzminimizetime 20s -test.parallel "${PARALLEL:-1}" -test.fuzzcachedir "$home/cache/$room" >"$out" 2>&1
	)
	code=$?
	times >"$home/times"
	local cpu execs new crash=0
	cpu=$(awk -v a="$before" -v b="$(spent)" 'BEGIN { printf "%.1f", b - a }')
	execs=$(grep -oE 'execs: [0-9]+' "$out" | tail -1 | grep -oE '[0-9]+')
	new=$(grep -oE 'new interesting: [0-9]+' "$out" | tail -1 | grep -oE '[0-9]+')
	# 124: it had no processor at all; the deadline is that of a turn.
	if [ "$code" -ne 0 ] && [ "$code" -ne 124 ] && ! grep -q '^ *context deadline exceeded' "$out"; then
		crash=1
		cp "$out" "$home/crash-$target.out"
		echo "CRASHER: $room $target (exit code $code)"
		tail -40 "$out"
	fi
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$room" "$target" "${cpu:-0}" "${execs:-0}" "${new:-0}" "$crash" \
		"$(stat -c %Y "$bin")" >>"$log"
	printf '%-16s %-28s %6s CPU s %10s execs %5s new %s\n' "$room" "$target" "${cpu:-0}" "${execs:-0}" "${new:-0}" \
		"$([ $crash = 1 ] && echo CRASHED)"
}

# table prints the sum for each target and for all.
table() {
	awk -F'\t' '
		{ k = $1 "\t" $2; cpu[k] += $3; execs[k] += $4; new[k] += $5; crash[k] += $6 }
		END {
			printf "%-16s %-28s %9s %12s %8s %9s\n", "room", "target", "CPU s", "execs", "new", "crashers"
			for (k in cpu) { split(k, p, "\t")
				printf "%-16s %-28s %9.0f %12d %8d %9d\n", p[1], p[2], cpu[k], execs[k], new[k], crash[k] | "sort"
				c += cpu[k]; e += execs[k]; n += new[k]; x += crash[k]; t++ }
			close("sort")
			printf "%-16s %-28s %9.0f %12d %8d %9d\n", t " targets", "all", c, e, n, x
		}' "$log"
}

# next names the target that has had least CPU and has not crashed with the
# binary as it is now.
next() {
	awk -F'\t' -v only="${ONLY:-.}" '
		FILENAME != ARGV[ARGC - 1] { if ($1 " " $2 ~ only) at[$1 " " $2] = $3; next }
		{ k = $1 " " $2; cpu[k] += $3; if ($6 > 0 && $7 == at[k]) dead[k] = 1 }
		END {
			for (k in at) if (!dead[k] && (best == "" || cpu[k] + 0 < cpu[best] + 0)) best = k
			print best
		}' "$home"/bin/*.list "$log"
}

rooms() { targets | cut -d' ' -f1 | sort -u; }

case ${1:-60s} in
build) for room in $(rooms); do build "$room" || exit 1; done ;;
table) table ;;
forget) : >"$log" ;;
cpu)
	budget=$((${2:?minutes} * 60))
	[ -n "${BUILT:-}" ] || for room in $(rooms); do build "$room" || exit 1; done
	while awk -F'\t' -v b="$budget" '{ s += $3 } END { exit s + 0 >= b }' "$log"; do
		read -r room target <<<"$(next)"
		[ -n "${room:-}" ] || break
		turn "$room" "$target" "${SLICE:-30s}"
	done
	table
	! awk -F'\t' '$6 > 0 { found = 1 } END { exit !found }' "$log"
	;;
*)
	: >"$log"
	for room in $(rooms); do build "$room" || exit 1; done
	while read -r room target; do turn "$room" "$target" "$1"; done < <(targets)
	table
	! awk -F'\t' '$6 > 0 { found = 1 } END { exit !found }' "$log"
	;;
esac
