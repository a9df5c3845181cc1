# latency: how long a reservation, and paying for one, takes over HTTP at a quarter of the peak that was measured just
# before, requests coming in as people do who know nothing of each other; beside what PostgreSQL itself takes to commit
# on this machine, one `pgbench -N` client on the same server, in the same rounds. Latency counts from the moment that a
# request was to start. What the disk alone takes is a remark. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

declare -A latency_goals=([p50]='<= 3' [p99]='<= 15' [p999]=-)

# latency_commits SECONDS: prints the milliseconds of a commit, on average.
latency_commits() {
    database=commits database_run "$(postgres_programs)/pgbench" -n -N -c 1 -T "$1" >"$home/pgbench" 2>&1 ||
        fail "pgbench failed: $(cat "$home/pgbench")"
    sed -nE 's/^latency average = ([0-9.]+) ms$/\1/p' "$home/pgbench" | grep .
}

# Prints the microseconds that the disk takes to write 8 KB and keep them, as PostgreSQL's log does on Linux. It is the
# second thing that the program measures; nobody waits for the others.
latency_disk() {
    sed -nE 's/^ *fdatasync .* ([0-9]+) usecs.*/\1/p; T; q' \
        < <(exec stdbuf -oL "$(postgres_programs)/pg_test_fsync" -s 1 -f "$home/postgres/fsync" 2>&1)
}

# latency_reserve EVENTS SECONDS OPTION…: a round of reservations, checked.
latency_reserve() {
    reserve_prepare "$1"
    reserve_load --seconds "$2" "${@:3}"
    load_expect_no refused wrong lost unsent
    reserve_check
}

# latency_confirm COUNT OPTION…: so many are held, and then confirmed; checked.
latency_confirm() {
    local count=$1
    shift
    [ "$count" -le $((reserve_seats / 2)) ] || count=$((reserve_seats / 2))
    head -n $((2 * count)) "$home/seats" >"$home/seats-to-pay"
    reserve_prepare 1
    load_run confirm --url "$USHER_URL" --seats "$home/seats-to-pay" --events "$events" --answers "$home/answers" "$@"
    load_expect_no refused wrong lost unsent
    reserve_check -v seats=BOOKED -v bookings=CONFIRMED
}


bench_latency() {
    local sections=50 rounds=5 seconds=5 number kind events quantile commits='' disk
    local -A rate=()
    [ "$smoke" = no ] || sections=4 rounds=1 seconds=1
    reserve_venue $sections
    local answers_each=$((reserve_seats / 2))
    sql -c 'CREATE DATABASE commits'
    database=commits database_run "$(postgres_programs)/pgbench" -i -q >"$home/pgbench" 2>&1 ||
        fail "pgbench failed: $(cat "$home/pgbench")"
    disk=$(latency_disk)
    if [ "$smoke" = no ]; then
        say "latency: warming up"
        latency_reserve "$(rivals_events 40000 2)" 2 --connections "$reserve_connections"
    fi
    latency_reserve "$(rivals_events 40000 $seconds)" $seconds --connections "$reserve_connections"
    mv "$home/result.json" "$home/reserve-peak.json"
    latency_confirm "$answers_each" --connections "$reserve_connections"
    mv "$home/result.json" "$home/confirm-peak.json"
    for kind in reserve confirm; do
        rate[$kind]=$(json_number perSecond <"$home/$kind-peak.json" | awk '{ printf "%d\n", $1 / 4 }')
    done
    for ((number = 1; number <= rounds; number++)); do
        latency_reserve "$(rivals_events "${rate[reserve]}" $seconds)" $seconds --connections 2000 --rate "${rate[reserve]}"
        mv "$home/result.json" "$home/latency-reserve-$number.json"
        latency_confirm $((rate[confirm] * seconds)) --connections 2000 --rate "${rate[confirm]}"
        mv "$home/result.json" "$home/latency-confirm-$number.json"
        commits+=$(latency_commits $seconds)$'\n'
        for kind in reserve confirm; do
            say "latency: round $number of $rounds: $kind at ${rate[$kind]}/s p50 $(json_number p50 <"$home/latency-$kind-$number.json") ms, p99 $(json_number p99 <"$home/latency-$kind-$number.json") ms; a commit takes PostgreSQL $(tail -n 2 <<<"$commits" | grep .) ms"
        done
    done
    for kind in reserve confirm; do
        for quantile in p50 p99 p999; do
            table_ratio "latency/$kind-$quantile" ms "$(rounds_field "latency-$kind" $quantile)" "${commits%$'\n'}" "${latency_goals[$quantile]}"
        done
    done
    table_remark "latency: the disk takes ${disk:-?} us to write 8 KB and keep them (pg_test_fsync, fdatasync)"
    load_remark latency/reserve "a reservation" "$home"/latency-reserve-*.json
    load_remark latency/confirm "a confirmation" "$home"/latency-confirm-*.json
    load_facts latency/confirm-peak "$home/confirm-peak.json"
    table_remark "latency: at its peak, $(json_number perSecond <"$home/confirm-peak.json") confirmations/s were made"
}
