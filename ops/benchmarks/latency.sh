# latency: how long a reservation takes over HTTP, at a quarter of the peak that was measured just before, requests coming
# in as people do who know nothing of each other; beside what PostgreSQL itself takes to commit on this machine, one
# `pgbench -N` client on the same server, in the same rounds. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

declare -A latency_goals=([p50]='<= 3' [p99]='<= 15')

# latency_commits SECONDS: prints the milliseconds of a commit, on average.
latency_commits() {
    database=commits database_run "$(postgres_programs)/pgbench" -n -N -c 1 -T "$1" >"$home/pgbench" 2>&1 ||
        fail "pgbench failed: $(cat "$home/pgbench")"
    sed -nE 's/^latency average = ([0-9.]+) ms$/\1/p' "$home/pgbench" | grep .
}

bench_latency() {
    local sections=50 rounds=5 seconds=5 number events rate quantile commits=''
    [ "$smoke" = no ] || sections=20 rounds=1 seconds=1
    reserve_venue $sections
    sql -c 'CREATE DATABASE commits'
    database=commits database_run "$(postgres_programs)/pgbench" -i -q >"$home/pgbench" 2>&1 ||
        fail "pgbench failed: $(cat "$home/pgbench")"
    local answers_each=$((reserve_seats / 2))
    reserve_prepare "$(rivals_events 40000 $seconds)"
    reserve_load --connections "$reserve_connections" --seconds $seconds
    load_expect_no refused wrong lost
    reserve_check
    rate=$(load_field perSecond | awk '{ printf "%d\n", $1 / 4 }')
    for ((number = 1; number <= rounds; number++)); do
        reserve_prepare "$(rivals_events "$rate" $seconds)"
        reserve_load --connections 2000 --rate "$rate" --seconds $seconds
        load_expect_no refused wrong lost unsent
        reserve_check
        commits+=$(latency_commits $seconds)$'\n'
        mv "$home/result.json" "$home/latency-usher-$number.json"
        say "latency: round $number of $rounds: at $rate/s p50 $(json_number p50 <"$home/latency-usher-$number.json") ms, p99 $(json_number p99 <"$home/latency-usher-$number.json") ms; a commit takes PostgreSQL $(tail -n 2 <<<"$commits" | grep .) ms"
    done
    for quantile in p50 p99; do
        table_ratio "latency/reserve-$quantile" ms "$(rounds_field latency-usher $quantile)" "${commits%$'\n'}" "${latency_goals[$quantile]}"
    done
    load_remark latency "a reservation" "$home"/latency-usher-*.json
}
