#!/bin/bash
# calibrate.sh [ROUNDS] [MESSAGES] [CONNECTIONS] [SIZE...]: is our source and sink a fair stand-in for Postfix's smtp-source
# and smtp-sink? Both pairs run straight against each other, in turn, in the harness of ../shared/bench; per size it prints
# the median of the ratios of rate (ours / theirs) and of CPU time per message (ours / theirs). Wanted: ours is not slower by
# more than a tenth, and a message costs the system between them what it costs between theirs, within a tenth. As root.
# VARIED=1: ours with other words and Message-IDs in each message, 2 % violating and both logs on, as in a campaign.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=../shared/bench
[ -x "$peers/00_raw.sh" ] || { echo "SKIPPED: ../shared is not here"; exit 0; }
rounds=${1:-5} count=${2:-2000} conc=${3:-20}; shift $(($# < 3 ? $# : 3))
sizes=${*:-4k 75k 1m}
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
chmod 755 "$t"
mkdir "$t/bin"
CGO_ENABLED=0 go build -trimpath -o "$t/bin/smtp-source" ./bench/source
CGO_ENABLED=0 go build -trimpath -o "$t/bin/smtp-sink" ./bench/sink
python3 "$peers/mkmsg.py" "$t" >/dev/null
ours=(env "PATH=$t/bin:$PATH")
[ -z "${VARIED:-}" ] || ours+=(BENCH_VARY=1 BENCH_VIOLATE=2 "BENCH_SOURCE_LOG=$t/sent" "BENCH_SINK_LOG=$t/got")
for size in $sizes; do
  n=$count; [ "$size" != 1m ] || n=$((count / 10))
  for _ in $(seq "$rounds"); do
    echo "theirs $("$peers/00_raw.sh" "$t/$size.eml" "$n" "$conc")"
    echo "ours $("${ours[@]}" "$peers/00_raw.sh" "$t/$size.eml" "$n" "$conc")"
    rm -f "$t/sent" "$t/got"
  done | tee "$t/$size.txt"
  python3 - "$t/$size.txt" "$size" <<'P'
import re, statistics as st, sys
rows = {"ours": [], "theirs": []}
for l in open(sys.argv[1]):
    rows[l.split()[0]].append({k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)(?:\s|$)", l)})
cpu = lambda r: r["src_cpu_s_per_1000"] + r["sink_cpu_s_per_1000"]
pairs = list(zip(rows["ours"], rows["theirs"]))
rate = [a["msgs_per_s"] / b["msgs_per_s"] for a, b in pairs]
print("calibration size=%s rounds=%d rate_ratio=%.2f rate_min=%.2f rate_max=%.2f cpu_ratio=%.2f "
      "ours: src=%.3f sink=%.3f theirs: src=%.3f sink=%.3f (CPU s per 1000) other_pct=%.0f" % (
          sys.argv[2], len(pairs), st.median(rate), min(rate), max(rate), st.median(cpu(a) / cpu(b) for a, b in pairs),
          *(st.median(r[k] for r in rows[w]) for w in ("ours", "theirs") for k in ("src_cpu_s_per_1000", "sink_cpu_s_per_1000")),
          max(r["other_pct"] for p in pairs for r in p)))
got = st.median(rate)
print("target calibration-%s.rate measured %.2f wanted >=0.9 %s" % (sys.argv[2], got, "reached" if got >= 0.9 else "MISSED"))
P
done
# Whoever measures must not change what is measured: what a message costs Postfix as a proxy, by ours and by theirs.
go build -o "$t/pair" ./bench/pair
cd "$peers"
"$t/pair" -name calibration-proxy -want 'cpu>=0.9 cpu<=1.1' -rounds "$rounds" -void 100 \
  "${ours[@]}" ./11_postfix_proxy.sh "$t/75k.eml" "$count" "$conc" -- ./11_postfix_proxy.sh "$t/75k.eml" "$count" "$conc"
