# ready.sh, for the scripts beside it (bash): builds what they run into $t, and sets the environment in which source and sink
# send other words and Message-IDs in each message, 2 % of them violating. ready NAME ends the script where it cannot run.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=$here/../../shared/bench
ready() { # ready NAME: what cannot run
  [ -x "$peers/90_gateway.sh" ] || { echo "SKIPPED $1: ../shared is not here"; exit 0; }
  [ "$(id -u)" = 0 ] || { echo "SKIPPED $1: only root can run it, for its control groups"; exit 0; }
  cd "$here/.."
  peers=$(cd "$peers" && pwd)
  t=$(mktemp -d /var/tmp/bench.XXXXXX); trap 'rm -rf "$t"' EXIT
  chmod 755 "$t"; mkdir "$t/bin"
  for x in source sink; do CGO_ENABLED=0 go build -trimpath -o "$t/bin/smtp-$x" "./bench/$x"; done
  CGO_ENABLED=0 go build -trimpath -o "$t/postern" ./cmd/postern
  go build -o "$t/pair" ./bench/pair
  python3 "$peers/mkmsg.py" "$t" >/dev/null
  printf 'X-OriginatorOrg: contoso.example\nX-MS-Exchange-CrossTenant-AuthAs: Internal\n' >"$t/headers"
  export PATH=$t/bin:$PATH POSTERN=$t/postern BENCH_VARY=1 BENCH_VIOLATE=2 BENCH_HEADERS=$t/headers
  export BENCH_SINK_COUNT_HEADER=X-Bench-Violates BENCH_SINK_SUMMARY=$t/summary BENCH_BOOKS=$t/books
  export GATEWAY_NAME=postern GATEWAY_CMD="exec $here/gateway.sh"
  : >"$t/log"; : >"$t/books"; : >"$t/summary"
}
fsync_p99() { # the p99 of an fsync of 4 KiB on the disk of the gateway's data, in ms
  [ -x "$t/fsync" ] || cc -O2 -pthread -o "$t/fsync" "$peers/fsync_bench.c"
  mkdir -p "$t/disk"
  "$t/fsync" "$t/disk" 1 500 4096 append | sed -E 's/.*p99_us=([0-9]+).*/\1/' | awk '{print $1 / 1000}'
}
# cell NAME WANTED A... -- B... [-- RAW...]: one comparison, at most CELL_LIMIT seconds
cell() {
  local name=$1 want=$2 fsync=0; shift 2
  [[ "$name" =~ $only ]] || return 0
  echo "== $name: $want"
  case "$want" in *late*) fsync=$(fsync_p99) ;; esac
  (cd "$peers" && timeout -k 20 "${CELL_LIMIT:-1800}" \
    "$t/pair" -name "$name" -want "$want" -rounds "$rounds" -void "${VOID:-10}" -fsync "$fsync" "$@") | tee -a "$t/log" ||
    echo "FAILED $name" | tee -a "$t/log"
}
books() { # what the gateway's books held after each run, and what the sink counted; the lines of all targets
  flock "$t/books.lock" true
  echo "== the books after each run of the gateway"; sort "$t/books" | uniq -c
  echo "== counted at the sink"; sort "$t/summary" | uniq -c
  echo "== medians"; grep '^pair' "$t/log" || true
  echo "== targets"; grep '^target\|^FAILED' "$t/log" || true
}
