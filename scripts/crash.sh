#!/usr/bin/env bash
# Runs the tests that kill, cut the power and break the disk, many times over:
# what they choose at random differs each time. Then the campaign of kills of
# the real binary in its long form:
#   POSTERN_KILLS         how many (default 2000; 0 leaves it out)
#   POSTERN_POSTGRES_KILLS  how many with PostgreSQL as the store (default 200)
#   POSTERN_KILL_MINUTES  after which time no data folder is begun (default 90)
#   POSTERN_KILL_SEED     the same order of steps again
#   POSTERN_KILL_STEP     only steps whose name contains this
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-5}
go test -count="$times" -timeout 60m -run 'Crash|Kill|PowerCut|Survives|FailingDisk|OperationFails|Death|FullDisk' \
	./internal/durable ./internal/spool ./internal/evidence ./internal/store
go test -count="$times" -timeout 60m -run '^TestStories$/^(crash|disk-full|hold-survives|gateway-down|broken-after)' ./internal/story

export POSTERN_KILLS=${POSTERN_KILLS:-2000} POSTERN_POSTGRES_KILLS=${POSTERN_POSTGRES_KILLS:-200} POSTERN_KILL_MINUTES=${POSTERN_KILL_MINUTES:-90}
if [ "$POSTERN_KILLS" -gt 0 ]; then
	make -s build
	POSTERN_BINARY=$PWD/bin/postern go test -v -count=1 -tags e2e -timeout 4h -parallel 2 \
		-run '^TestWhatWasAnsweredSurvivesEveryKill(OnPostgreSQL)?$' ./e2e/ | grep -v -E '^=== |^ +--- PASS'
fi

# Every place of a recording, every way of losing; POSTERN_POWER=off leaves it out.
# Of the disks that SQLite must read alike, since they differ only in what its
# recovery does not take from the write-ahead log, one is opened, and of the
# others every POSTERN_POWER_AGAIN-th (20; 1 is all), which must be as said.
# POSTERN_POWER_STRIDE cuts only at every n-th place, POSTERN_POWER_MINUTES ends
# the campaign early and says so.
if [ "${POSTERN_POWER:-long}" = long ]; then
	POSTERN_POWER=long POSTERN_BINARY=$PWD/bin/postern go test -tags e2e -v -count=1 -timeout 6h ./e2e/power
fi
