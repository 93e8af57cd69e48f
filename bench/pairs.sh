#!/bin/bash
# pairs.sh [ROUNDS] [REGEX]: Postern beside the peers of ../shared/bench, in turn, and beside the way straight from our source
# to our sink, with other words and Message-IDs in each message, 2 % violating. As root. Ratios are Postern's over the peer's.
# REGEX chooses among the names of the cells, such as proxy-75k-20 or ^rspamd. The last lines say what the gateway's books held
# after each run, how many violating messages the sink counted, and for each target whether it was reached.
# COUNT may be OURS:THEIRS, so that the faster one is not timed over milliseconds.
# VOID=percent of the machine that others may use; CELL_LIMIT=seconds for one cell.
set -euo pipefail
rounds=${1:-7} only=${2:-.}
. "$(dirname "$0")/ready.sh"
ready "the peers"
pair() { # NAME COUNT SIZE CONNECTIONS MODE WANTED PEER...
  local n=$2 size=$3 conc=$4 mode=$5 want=$6 name=$1-$3-$4${5:+-$5}; shift 6
  cell "$name" "$want" env "MODE=$mode" ./90_gateway.sh "$t/$size.eml" "${n%:*}" "$conc" \
    -- env "$@" "$t/$size.eml" "${n#*:}" "$conc" -- ./00_raw.sh "$t/$size.eml" "${n%:*}" "$conc"
}
proxy=./11_postfix_proxy.sh elsewhere='rate>=0.9 cpu<=1.2'
relay='TUNED=1 ./10_postfix_relay.sh' rspamd='RSPAMD_WORKERS=2 ./20_postfix_rspamd.sh'
# With everything on, then with the identifiers of a first use.
pair proxy 1500 75k 20 '' 'rate>=1 cpu<=1.2' $proxy
pair relay 1000 75k 20 '' 'rate>=2.5' $relay
pair rspamd 1000:250 75k 20 '' 'rate>=5' $rspamd
pair proxy 1500 75k 20 identifiers 'rate>=1.15 cpu<=0.9' $proxy
pair relay 1000 75k 20 identifiers 'rate>=3' $relay
pair rspamd 1000:250 75k 20 identifiers 'rate>=6' $rspamd
pair amavis 1000:100 75k 20 '' 'rate>=40' ./30_postfix_amavis.sh
pair relay 1000 75k 20 custody 'rate>=1.5 cpu<=0.67' $relay
pair proxy 1000 4k 1 '' "$elsewhere" $proxy
pair proxy 2000 4k 20 '' "$elsewhere" $proxy
pair proxy 2000 4k 100 '' "$elsewhere" $proxy
pair proxy 1000 75k 1 '' "$elsewhere p50<=0.6 late<=2" $proxy
pair proxy 1500 75k 100 '' "$elsewhere" $proxy
pair proxy 200 1m 1 '' "$elsewhere" $proxy
pair proxy 300 1m 20 '' "$elsewhere" $proxy
pair proxy 300 1m 100 '' "$elsewhere" $proxy
for size in 4k 75k 1m; do # memory, of all processes of the system
  n=1500:400; [ $size != 1m ] || n=400:200
  pair rspamd $n $size 100 '' 'memory<=0.333' $rspamd
done
books
