#!/usr/bin/env bash
# bench_documents_test.sh CHECKOUT: the profile gives samples to the right part of the right process, and the capacity
# plan's sums are right.
set -euo pipefail
benchmarks=$1/ops/benchmarks
scratch=$(mktemp -d "${TMPDIR:-/tmp}/usher documents XXXXXX")
trap 'rm -rf "$scratch"' EXIT
failures=0

expect_line() {
    grep -qxF -- "$2" <<<"$1" || { printf 'there is no line: %s\n' "$2" && failures=$((failures + 1)); }
}

expect_no() {
    ! grep -qF -- "$2" <<<"$1" || { printf 'there is: %s\n' "$2" && failures=$((failures + 1)); }
}

# sample COMM PID TIME FRAME…: as `perf script` prints one; a frame is "SYMBOL (PROGRAM)", at address 1 and so on.
sample() {
    local frame address=0
    printf '%s %5d %s: \n' "$1" "$2" "$3"
    for frame in "${@:4}"; do
        printf '\t%16x %s\n' $((++address)) "$frame"
    done
    printf '\n'
}

gateway='/a place/bin/usher-gateway'
{
    sample usher-gateway 7 10.5 '_raw_spin_lock ([kernel.kallsyms])' 'tcp_sendmsg ([kernel.kallsyms])' "respond ($gateway)"
    sample usher-gateway 7 10.6 'malloc (/usr/lib/libc.so.6)' '[unknown] (/usr/lib/libjansson.so.4.14.0)' "route ($gateway)"
    sample 'nats:cb 1' 7 10.7 "inlined ($gateway)" "ours ($gateway)"
    sample usher-gateway 7 10.8 'strange (/usr/lib/libelse.so.1)' 'stranger ([unknown])'
    sample usher-gateway 7 11.5 "late ($gateway)" "ours ($gateway)"
    sample postgres 8 10.1 'BufTableLookup (/x/postgres)' '_bt_doinsert (/x/postgres)' 'ExecInsert (/x/postgres)'
    sample postgres 8 10.2 'pg_comp_crc32c_sse42 (/x/postgres)' 'XLogInsert (/x/postgres)' '_bt_doinsert (/x/postgres)'
    sample postgres 9 10.3 '_bt_doinsert (/x/postgres)'
    sample swapper 0 10.4 'tcp_sendmsg ([kernel.kallsyms])'
} >"$scratch/samples"
printf 'gateway-1=7\npostgres=8\n' >"$scratch/pids"
printf '%s\t%s\t%s\n' "$gateway" 1 shared/base.h "$gateway" 2 shared/token.c "$gateway" 3 gateway/http/response.c >"$scratch/sources"

addresses=$(awk -v addresses=yes -f "$benchmarks/profile.awk" "$scratch/samples")
expect_line "$addresses" "$gateway"$'\t3'
expect_line "$addresses" "$gateway"$'\t2'
found=$(awk -v parts="$benchmarks/profile_parts.txt" -v pids="$scratch/pids" -v sources="$scratch/sources" -v from=10 -v to=11 \
    -f "$benchmarks/profile.awk" "$scratch/samples")
expect_line "$found" $'gateway\tkernel: network\t1'
expect_line "$found" $'gateway\tJSON\t1'
expect_line "$found" $'gateway\ttokens, ids (HMAC)\t1'
expect_line "$found" $'gateway\tother\t1'
expect_line "$found" $'gateway\t?\t1\tstrange'
expect_line "$found" $'postgres\tindex insert\t1'
expect_line "$found" $'postgres\tWAL\t1'
[ "$(wc -l <<<"$found")" = 7 ] || { printf 'too much was found:\n%s\n' "$found" && failures=$((failures + 1)); }

figure() {
    printf ' {"name":"%s","unit":"x","ours":%s,"other":%s,"ratio":null,"goal":null,"met":null,"spread":0},\n' "$1" "$2" "${3:-null}"
}

{
    for row in look/event look/seats-gzip look/queue join reserve storm latency/reserve latency/confirm latency/confirm-peak; do
        figure $row/cpu/gateway 10
        figure $row/cpu/nats 4
        figure $row/cpu/worker 2
        figure $row/cpu/postgres 8
        figure $row/request-bytes 100
        figure $row/answer-bytes 1000
    done
    for process in gateway nats worker postgres; do
        figure growth/queue/large/$process 1
    done
    figure fanout/500 100 100
    figure fanout/500/memory 1000
    figure fanout/9000 100 100 # the largest counts
    figure fanout/9000/memory 2000
    figure fanout/9000/kernel 4000
    figure fanout/9000/cpu/gateway 2
    figure reserve/log-bytes 800
    figure reserve/database-bytes 500
    figure join/stream-bytes 250
    figure join 20000 50000
    figure drop/people 200000
    figure drop/memory/nats 100
    figure drop/memory/worker-1 50
    printf ' {"name":"machine/cores","unit":"text","ours":null,"text":"2, of a kind"}]\n'
} >"$scratch/table.json"
plan=$(awk -v assumptions="$benchmarks/capacity_assumptions.txt" -f "$benchmarks/capacity.awk" "$scratch/table.json")
expect_line "$plan" '| cores | 2, of a kind |'
expect_line "$plan" '| reservation of two seats | 10.0 | 4.00 | 2.00 | 8.00 | 100 | 1,000 |'
# 100,000 requests of 10 us, 1,000 admissions of 1 us, 250,000 frames of 2 us; of a core 60 % are used.
expect_line "$plan" '| gateways | 1.501 | 2.502 | 1 |'
expect_line "$plan" '| workers | 0.201 | 0.335 | 1 |'
# With a CDN: 20,000 requests and three things asked for by 200 places.
expect_line "$plan" '20,600 requests a second reach the gateways: the CDN answers 99.2 % of the looking.'
expect_line "$plan" '| gateways | 0.707 | 1.178 | 1 |'
expect_line "$plan" '| NATS: the one stream of the event'\''s queue, beside raw publishing on this machine | 33 % | 299,401 requests/s | a faster core and disk; other events'\'' streams go to other servers of a cluster (R3) |'
expect_line "$plan" 'First is NATS: the one stream of the event'\''s queue, beside raw publishing on this machine: at 3.0 times the spike.'
expect_line "$plan" 'The queue needs 524 MB of NATS'\'' memory and 250 MB of its disk; the worker 262 MB.'
expect_no "$plan" fanout/500

grep -v '"look/queue/cpu/nats"' "$scratch/table.json" >"$scratch/less.json"
if said=$(awk -v assumptions="$benchmarks/capacity_assumptions.txt" -f "$benchmarks/capacity.awk" "$scratch/less.json" 2>&1); then
    printf 'a plan was made although a figure is missing\n'
    failures=$((failures + 1))
fi
expect_line "$said" 'usher: look/queue/cpu/nats is missing: run ./ops/bench --json FILE look with the other rows'
[ $failures -eq 0 ]
