#!/usr/bin/env bash
# Go benchmarks of the hot paths; those with a peer print both, so that the
# ratio is of one run.
set -euo pipefail
cd "$(dirname "$0")/.."
go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./internal/... | grep -E '^(Benchmark|pkg:|ok)'
