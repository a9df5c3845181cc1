# overload: reservations a second while three times as many are asked for as can be served, beside the peak. Processors
# are what there is too little of; overload_test does the same with a slow database.
#
# A round: the peak, in a closed loop of 256 connections; then three times as many requests a second for 10 s, in an
# open loop: each takes a connection that is free, and where all of them (as many as a process may have, less 1,000)
# wait for an answer, it was asked in vain. In `overload/apart` the generator has a core of its own and all of usher,
# with PostgreSQL and NATS, another one, so that the generator takes nothing of what it measures.
#
# Last, the database is made slow, so that nearly everything is turned away: what does that cost? With r = cost of
# turning one away / cost of serving one, a core that is all used and answers everything at once can serve no more than
# (1 - 3r) / (1 - r) of its peak. What it leaves in its sockets meanwhile costs it nothing. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

overload_times=3
overload_goal='>= 0.8'

# overload_events RATE SECONDS: prints how many events are not sold out by then.
overload_events() {
    awk -v rate="$1" -v seconds="$2" -v seats="$reserve_seats" 'BEGIN { print int(rate * seconds * 2.4 / seats) + 1 }'
}

# Of the last load: microseconds of the processors that all of usher has used for a reservation.
overload_cost() {
    local name
    for name in $(machine_processes | cut -d = -f 1); do
        load_field "$name"
    done | awk '{ sum += $1 } END { print sum }'
}

# overload_rounds ROW: its rounds, its row and a remark. Sets overload_peak; overload_all and overload_gateway to what
# serving one costs, all of usher and the gateway.
overload_rounds() {
    local events number asked peaks='' served='' ratios=''
    for ((number = 1; number <= overload_round_count; number++)); do
        reserve_prepare "$(overload_events "$overload_peak" "$overload_peak_seconds")"
        reserve_load --connections "$reserve_connections" --seconds "$overload_peak_seconds"
        load_expect_no refused wrong lost
        reserve_check
        overload_peak=$(load_field perSecond)
        overload_all=$(overload_cost)
        overload_gateway=$(load_field gateway-1)
        asked=$(awk -v peak="$overload_peak" -v times=$overload_times 'BEGIN { printf "%d\n", peak * times }')
        reserve_prepare "$(overload_events "$asked" "$overload_seconds")"
        reserve_load --connections "$overload_connections" --seconds "$overload_seconds" --rate "$asked"
        load_expect_no wrong lost
        reserve_check
        peaks+=$overload_peak$'\n'
        served+=$(load_field perSecond)$'\n'
        ratios+=$(awk -v peak="$overload_peak" -v served="$(load_field perSecond)" 'BEGIN { print served / peak }')$'\n'
        say "$1: round $number of $overload_round_count: peak $overload_peak/s; $asked/s asked, $(load_field perSecond)/s served"
    done
    table_row "$1" 1/s "$(median <<<"${served%$'\n'}")" "$(median <<<"${peaks%$'\n'}")" \
        "$(median <<<"${ratios%$'\n'}")" "$overload_goal" "$(spread <<<"${ratios%$'\n'}")"
    table_row "$1/asked" 1/s "$asked" - - - 0
    table_remark "$1: of the last round's $((asked * overload_seconds)) requests $(load_field overloaded) were turned away, $(load_field unsent) found none of $overload_connections connections free; served in p50 $(load_field p50) ms, p99 $(load_field p99) ms; other programs used $(load_field strangersCores) cores"
}

# What turning one away costs the gateway, beside what serving one costs all of usher.
overload_refusals() {
    local events cost share
    sql -c "CREATE FUNCTION usher.take_time() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(0.0007); RETURN NULL; END';
            CREATE TRIGGER take_time AFTER INSERT ON usher.booking FOR EACH ROW EXECUTE FUNCTION usher.take_time()"
    reserve_prepare "$(overload_events "$overload_most" "$overload_refusal_seconds")"
    reserve_load --connections 3000 --seconds "$overload_refusal_seconds"
    load_expect_no wrong lost
    reserve_check
    sql -c "DROP TRIGGER take_time ON usher.booking; DROP FUNCTION usher.take_time()"
    [ "$(load_field overloaded)" != 0 ] || fail "nobody had to be turned away: what that costs is not known"
    cost=$(awk -v served="$(load_field reservations)" -v refused="$(load_field overloaded)" \
        -v each="$(load_field gateway-1)" -v gateway="$overload_gateway" \
        'BEGIN { printf "%.2f\n", served * (each - gateway) / refused }')
    share=$(awk -v cost="$cost" -v all="$overload_all" 'BEGIN { printf "%.3f\n", cost / all }')
    table_row overload/refusing us "$cost" "$overload_all" "$share" - 0
    table_remark "overload: $(awk -v r="$share" -v times=$overload_times 'BEGIN {
        printf "turning one away costs %.2f of serving one: answering everything at once, a full core serves at most %.0f %% of its peak",
            r, (times * r < 1 ? 100 * (1 - times * r) / (1 - r) : 0) }')"
}

bench_overload() {
    local cores pids sections=50 overload_peak=40000 overload_most=150000
    local overload_round_count=3 overload_peak_seconds=5 overload_seconds=10 overload_refusal_seconds=6
    local overload_connections overload_all overload_gateway
    overload_connections=$(($(ulimit -n) - 1000))
    [ "$overload_connections" -le 20000 ] || overload_connections=20000
    if [ "$smoke" = yes ]; then
        sections=20 overload_peak=5000 overload_most=10000
        overload_round_count=1 overload_peak_seconds=1 overload_seconds=2 overload_refusal_seconds=4
        overload_connections=3000
    fi
    reserve_venue $sections
    if [ "$smoke" = no ]; then
        say "overload: warming up"
        reserve_round 2 2
    fi
    overload_rounds overload
    overload_refusals
    mapfile -t cores < <(machine_cores)
    if [ ${#cores[@]} -lt 2 ]; then
        table_remark "overload/apart: there is one core only"
        return
    fi
    mapfile -t pids < <(machine_processes | cut -d = -f 2)
    load_before=(taskset -c "${cores[0]}")
    machine_keep_to "${cores[1]}" "${pids[@]}"
    overload_rounds overload/apart
    load_before=()
    machine_keep_to "${cores[0]},${cores[1]}" "${pids[@]}"
}
