#!/bin/bash
# own.sh [ROUNDS] [REGEX]: targets of Postern beside itself, in the harness of ../shared/bench, as root:
#   tls-both-sides   the rate with TLS at both doors, sessions resumed, over the rate without
#   1000-connections the rate at 1,000 connections over the rate at 20
#   idle-tls         the memory of all its processes (PSS) while 1,000 TLS connections wait
#   150-mib          what a message of 150 MiB adds to the memory of the gateway
# REGEX chooses among these names. Each takes at most CELL_LIMIT seconds.
set -euo pipefail
rounds=${1:-7} only=${2:-.}
. "$(dirname "$0")/ready.sh"
ready "the targets of its own"
tls=()
if command -v openssl >/dev/null; then # one certificate for all: the door, the client (as Exchange) and the next hop
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=gw.postern.example \
    -addext subjectAltName=DNS:gw.postern.example,DNS:mail.protection.outlook.com -keyout "$t/gw.key" -out "$t/gw.pem" 2>/dev/null
  chmod 644 "$t/gw.key"
  tls=(BENCH_FRONT_TLS="$t" BENCH_BACK_TLS=require BENCH_TLS=1 BENCH_TLS_RESUME=1 BENCH_TLS_CERT="$t/gw.pem"
    BENCH_TLS_KEY="$t/gw.key" BENCH_TLS_ROOTS="$t/gw.pem" BENCH_TLS_NAME=gw.postern.example)
else
  echo "SKIPPED what needs TLS: openssl is not here"
fi
target() { # NAME MEASURED MOST [NOTE]
  local word=MISSED
  [ -z "$2" ] || ! awk "BEGIN { exit !($2 <= $3) }" || word=reached
  echo "target $1 measured ${2:-nothing} wanted <=$3 $word${4:+ ($4)}" | tee -a "$t/log"
}

ulimit -n "$(ulimit -Hn)"
g=(./90_gateway.sh "$t/75k.eml")
[ ${#tls[@]} = 0 ] || cell tls-both-sides 'rate>=0.7' env "${tls[@]}" "${g[@]}" 1500 20 -- "${g[@]}" 1500 20
cell 1000-connections 'rate>=0.5' env BENCH_SINK_CONNECTIONS=2500 "${g[@]}" 3000 1000 -- "${g[@]}" 1500 20

port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
open_at() { ss -Htn state established "sport = :$1" | wc -l; }
pss() { # of the offspring of a process, in MiB
  python3 - "$1" <<'P'
import os, re, sys
def family(p):
    for t in os.listdir("/proc/%s/task" % p):
        for c in open("/proc/%s/task/%s/children" % (p, t)).read().split():
            yield c
            yield from family(c)
kb = [int(re.search(r"^Pss:\s+(\d+)", open("/proc/%s/smaps_rollup" % p).read(), re.M).group(1)) for p in family(sys.argv[1])]
print("%.1f" % (sum(kb) / 1024))
P
}
idle() { # prints the memory without and with the connections, and how many there are
  mkdir "$t/idle"
  export W=$t/idle SUT_PORT SINK_PORT
  SUT_PORT=$(port) SINK_PORT=$(port)
  export "${tls[@]}"
  local sink gateway clients before _
  smtp-sink -m 100 "127.0.0.1:$SINK_PORT" 100 >/dev/null 2>&1 & sink=$!
  "$here/gateway.sh" >"$t/idle/log" 2>&1 & gateway=$!
  for _ in $(seq 100); do (echo >"/dev/tcp/127.0.0.1/$SUT_PORT") 2>/dev/null && break; sleep 0.2; done
  local send=(timeout 120 smtp-source -f anna.visser@contoso.example -t bert.jansen@fabrikam.example -F "$t/75k.eml")
  "${send[@]}" "127.0.0.1:$SUT_PORT" # all its processes are there
  before=$(pss "$gateway")
  BENCH_IDLE=1000 BENCH_IDLE_FOR=15s "${send[@]}" -s 1 -m 1 "127.0.0.1:$SUT_PORT" & clients=$!
  for _ in $(seq 100); do [ "$(open_at "$SUT_PORT")" -lt 1000 ] || break; sleep 0.2; done
  sleep 5
  echo "$before $(pss "$gateway") $(open_at "$SUT_PORT")"
  wait "$clients" || true
  kill -TERM "$gateway" "$sink"
  wait "$gateway" "$sink" || true
}
if [ ${#tls[@]} != 0 ] && [[ idle-tls =~ $only ]]; then
  echo "== idle-tls"
  (idle) >"$t/idle.out" || true
  read -r before with connections <"$t/idle.out" || true
  [ "${connections:-0}" -ge 1000 ] || with=
  target idle-tls.memory "${with:-}" 100 "MiB; ${before:-?} without, ${connections:-0} open"
fi
if [[ 150-mib =~ $only ]]; then
  echo "== 150-mib"
  POSTERN_BINARY=$t/postern timeout 300 go test -tags e2e -count 1 -run '^TestALargeMessageCostsLessThan64MiB$' -v ./e2e \
    >"$t/large" 2>&1 || tail -n 20 "$t/large"
  target 150-mib.memory "$(sed -nE 's/.*150 MiB through.*\(\+([0-9.]+)\).*/\1/p' "$t/large")" 64 MiB
fi
books
