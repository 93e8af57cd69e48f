#!/usr/bin/env bash
# Runs the tests that kill, cut the power and break the disk, many times over:
# what they choose at random differs each time.
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-5}
go test -count="$times" -timeout 60m -run 'Crash|Kill|PowerCut|Survives|FailingDisk|OperationFails|Death|FullDisk' \
	./internal/durable ./internal/spool ./internal/store
go test -count="$times" -timeout 60m -run '^TestStories$/^(crash|disk-full|hold-survives|gateway-down|broken-after)' ./internal/story
