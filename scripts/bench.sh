#!/usr/bin/env bash
# Go benchmarks of the hot paths; those with a peer print both, so that the
# ratio is of one run. Then the gateway beside the peers, where they are.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${BENCH:-all}" = peers ] ||
	go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./internal/... | grep -E '^(Benchmark|pkg:|ok)'
bench/pairs.sh "${ROUNDS:-7}" "${PAIRS:-.}"
