#!/bin/bash
# gateway.sh: Postern in the harness of ../shared/bench. It is given W (a private folder), SUT_PORT and SINK_PORT, and
# POSTERN (the binary). It runs in the foreground with the inspection, a policy and the audit on; MODE=custody sends every
# message to another mailbox, so that it is kept with an fsync before the 250. For any other MODE the lines of
# mode-$MODE.yaml are added to the tenant. BENCH_FRONT_TLS is a folder with gw.pem and gw.key, the certificate of the front
# door and the only root; BENCH_BACK_TLS is the level towards the next hop (require: it has that certificate too).
# When it is ended it checks its books and adds a line to BENCH_BOOKS: how many records there are, whether the chain holds,
# whether the balance is even. Whoever reads that file takes the lock BENCH_BOOKS.lock first: the check may last.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ -z "${BENCH_BOOKS:-}" ] || { exec 9>>"$BENCH_BOOKS.lock"; flock 9; }
cd "$W"
mkdir -p tenants
cat >postern.yaml <<Y
hostname: gw.postern.example
data: ./data
keys: file:./postern.key
smtp:
  listen: "127.0.0.1:$SUT_PORT"
  max_connections: 2500
  max_per_peer: 2500
console: { listen: "off" }
apply: [./tenants]
Y
if [ -n "${BENCH_FRONT_TLS:-}" ]; then
  sed -i "s|^smtp:|roots: $BENCH_FRONT_TLS/gw.pem\nsmtp:\n  tls: { cert: $BENCH_FRONT_TLS/gw.pem, key: $BENCH_FRONT_TLS/gw.key }|" \
    postern.yaml
fi
sed "s|NEXT_HOP|127.0.0.1:$SINK_PORT|; s|BACK_TLS|${BENCH_BACK_TLS:-off}|" "$here/tenant.yaml" >tenants/contoso.yaml
case "${MODE:-}" in '' | custody) ;; *) cat "$here/mode-$MODE.yaml" >>tenants/contoso.yaml ;; esac
then='{ header: { set: { X-Bench-Violates: "yes" } } }'
[ "${MODE:-}" != custody ] || then='{ redirect: { to: [archive@fabrikam.example] } }'
when='direction == "outbound" && findings.credit_card.high >= 3'
[ "${MODE:-}" != custody ] || when='direction == "outbound"'
cat >tenants/cards.yaml <<Y
kind: policy
id: cards-leave
name: Card numbers leave the organization
mode: enforce
when: $when
then: $then
Y
"$POSTERN" serve -c postern.yaml 9>&- &
pid=$!
books() {
  trap '' TERM INT EXIT # the harness sends more of them, and kills after some seconds
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || true
  [ -n "${BENCH_BOOKS:-}" ] || return 0
  # The harness ends everything in the gateway's cgroup, and a Go program does not inherit that TERM is ignored. When the
  # cgroup is empty it removes W, so the books go elsewhere before we leave it.
  local mine
  mine=$(mktemp -d "$(dirname "$W")/books.XXXXXX")
  mv data postern.yaml postern.key tenants "$mine"
  for group in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
    { echo "$BASHPID" >"$group"; } 2>/dev/null || true
  done
  cd "$mine"
  "$POSTERN" audit export -c postern.yaml >export.jsonl 2>/dev/null || true
  records=$(wc -l <export.jsonl) violating=$(grep -c CREDIT_CARD export.jsonl || true)
  verify=$("$POSTERN" audit verify -c postern.yaml >/dev/null 2>&1 && echo holds || echo BROKEN)
  balance=$("$POSTERN" audit balance -c postern.yaml >/dev/null 2>&1 && echo even || echo UNEVEN)
  echo "books mode=${MODE:-all} records=$records violating=$violating chain=$verify balance=$balance" >>"$BENCH_BOOKS"
  cd / && rm -rf "$mine"
}
trap books EXIT
trap 'exit 0' TERM INT
wait "$pid"
