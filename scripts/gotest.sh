#!/usr/bin/env bash
# Runs go test with these arguments. With -v only the lines that matter are
# shown: what passed, what failed, what was skipped, and what tests say. When
# something fails, its reasons come again at the end, in few lines: output that
# is cut off keeps its end as a rule.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
show=(cat)
for arg in "$@"; do
	[ "$arg" = -v ] && show=(grep --line-buffered -E '^(--- |ok|FAIL|panic)|SKIPPED|_test.go:[0-9]')
done
"${GO:-go}" test "$@" 2>&1 | tee "$log" | "${show[@]}"
code=${PIPESTATUS[0]}
[ "$code" -eq 0 ] || awk -f "$here/failures.awk" "$log"
exit "$code"
