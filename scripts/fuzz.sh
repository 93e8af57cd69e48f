#!/usr/bin/env bash
# Runs every fuzz target of the project for the given time, one after the
# other; the first crasher ends it (its input stays in testdata/fuzz).
set -euo pipefail
time=${1:-60s}
cd "$(dirname "$0")/.."
grep -rlE '^func Fuzz' --include='*_test.go' internal | xargs -n1 dirname | sort -u | while read -r dir; do
	grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/func //' | sort -u | while read -r target; do
		echo "== $dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$dir"
	done
done
