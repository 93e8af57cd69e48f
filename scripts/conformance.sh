#!/usr/bin/env bash
# Runs the tests over data that is not ours (../shared/data) and prints their
# figures. It fails when a test fails, and when none ran although the data is
# there. VERBOSE=1 prints every single miss too.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT
grep -rlE '^func TestConformance' --include='*_test.go' internal | xargs -n1 dirname | sort -u | sed 's|^|./|' |
	xargs go test -count=1 -v -run '^TestConformance' >"$out" 2>&1
code=$?
# All foreign messages through the real program, over sockets, when it is built.
if [ -x bin/postern ]; then
	POSTERN_CORPUS=all POSTERN_BINARY=$PWD/bin/postern go test -count=1 -v -tags e2e \
		-run '^TestMessagesOfOthersComeBackOctetForOctet$' ./e2e/ >>"$out" 2>&1 || code=1
fi
if [ $code -ne 0 ] || [ -n "${VERBOSE:-}" ]; then
	cat "$out"
else
	grep -E '^(=== RUN|ok|--- SKIP)|[0-9] of [0-9]|precision|per MB|signatures|[0-9] (benign )?files' "$out" |
		grep -vE '_test.go:[0-9]+: (token|leaves|attachment|flagged corpus)' |
		sed -E 's/^=== RUN +/\n/; s/^ +[a-z_]+_test\.go:[0-9]+: /  /'
fi
ran=$(grep -cE '^--- (PASS|FAIL): TestConformance' "$out")
echo
if [ "$ran" -eq 0 ] && [ -d ../shared/data ]; then
	echo "no conformance test ran, although ../shared/data is here"
	exit 1
fi
[ "$ran" -eq 0 ] && echo "SKIPPED: ../shared/data is not here"
[ $code -eq 0 ] && echo "conformance: $ran tests ran"
exit $code
