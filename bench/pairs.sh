#!/bin/bash
# pairs.sh [ROUNDS] [PEER-REGEX]: Postern beside the peers of ../shared/bench, in turn, with our source and sink (other words and
# Message-IDs in each message, 2 % violating). As root. Ratios are Postern's over the peer's; the last lines say what the
# gateway's books held after each run, and how many violating messages the sink counted.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=$(cd .. && pwd)/shared/bench
[ -x "$peers/90_gateway.sh" ] || { echo "SKIPPED the peers: ../shared is not here"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "SKIPPED the peers: only root can run them"; exit 0; }
rounds=${1:-7} only=${2:-.}
t=$(mktemp -d /var/tmp/bench.XXXXXX); trap 'rm -rf "$t"' EXIT
chmod 755 "$t"; mkdir "$t/bin"
for x in source sink; do CGO_ENABLED=0 go build -trimpath -o "$t/bin/smtp-$x" "./bench/$x"; done
CGO_ENABLED=0 go build -trimpath -o "$t/postern" ./cmd/postern
go build -o "$t/pair" ./bench/pair
python3 "$peers/mkmsg.py" "$t" >/dev/null
printf 'X-OriginatorOrg: contoso.example\nX-MS-Exchange-CrossTenant-AuthAs: Internal\n' >"$t/headers"
export PATH=$t/bin:$PATH POSTERN=$t/postern BENCH_VARY=1 BENCH_VIOLATE=2 BENCH_HEADERS=$t/headers
export BENCH_SINK_COUNT_HEADER=X-Bench-Violates BENCH_SUMMARY=$t/summary BENCH_BOOKS=$t/books
export GATEWAY_NAME=postern GATEWAY_CMD="exec $PWD/bench/gateway.sh"
pair() { # NAME COUNT SIZE CONC MODE PEER...
  local name=$1 n=$2 size=$3 conc=$4 mode=$5; shift 5
  [[ "$name-$size-$conc" =~ $only ]] || return 0
  echo "== $name, $size x $conc${mode:+, $mode}"
  (cd "$peers" && "$t/pair" -rounds "$rounds" env "MODE=$mode" ./90_gateway.sh "$t/$size.eml" "$n" "$conc" \
    -- env "$@" "$t/$size.eml" "$n" "$conc") | tee -a "$t/log" || echo "FAILED $name"
}
pair proxy 1500 75k 20 '' ./11_postfix_proxy.sh
pair relay 1000 75k 20 '' TUNED=1 ./10_postfix_relay.sh
pair rspamd 250 75k 20 '' RSPAMD_WORKERS=2 ./20_postfix_rspamd.sh
pair amavis 100 75k 20 '' ./30_postfix_amavis.sh
pair custody-relay 1000 75k 20 custody TUNED=1 ./10_postfix_relay.sh
pair proxy 2000 4k 20 '' ./11_postfix_proxy.sh
pair proxy 300 1m 20 '' ./11_postfix_proxy.sh
pair proxy 1000 75k 1 '' ./11_postfix_proxy.sh
pair proxy 1500 75k 100 '' ./11_postfix_proxy.sh
echo "== the books after each run of the gateway"; sort "$t/books" | uniq -c
echo "== counted at the sink"; grep sink "$t/summary" | sort | uniq -c
echo "== medians"; grep '^pair' "$t/log"
