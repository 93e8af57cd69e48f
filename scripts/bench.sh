#!/usr/bin/env bash
# Go benchmarks of the hot paths; those with a peer print both, so that the
# ratio is of one run. Then what measures, the gateway beside itself and beside
# the peers, where they are. BENCH=peers leaves the Go benchmarks out.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${BENCH:-all}" = peers ] ||
	go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./internal/... | grep -E '^(Benchmark|pkg:|ok)'
bench/calibrate.sh "${ROUNDS:-7}" 2000 20 75k
bench/own.sh "${ROUNDS:-7}" "${OWN:-.}"
bench/pairs.sh "${ROUNDS:-7}" "${PAIRS:-.}"
