# storm: answers a second, refusals included, while 256 connections' worth of 10,000 buyers an event all go after its same
# 20 seats: each asks once for some two neighbours. Event after event, in one go; beside optimistic locking and locks in
# Redis in the same rounds (rivals.sh), 256 buyers at a time as well. Of a refusal, the seats that it says are taken have
# to be sold; then the database is compared with the answers. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

storm_goal='>= 10'

# storm_round EVENTS SECONDS: a round, checked; its result is in $home/result.json.
storm_round() {
    local events
    reserve_prepare "$1"
    reserve_load --connections "$reserve_connections" --seconds "$2" --buyers "$answers_each"
    load_expect_no refused wrong lost
    reserve_check
}

bench_storm() {
    local rounds=5 seconds=3 answers_each=10000 strategy
    local strategies=(optimistic redis-lock)
    [ "$smoke" = no ] || rounds=1 seconds=1 answers_each=1000
    local rival_options=(--buyers "$answers_each")
    reserve_venue 1 1 20
    rivals_beside storm
    for strategy in "${strategies[@]}"; do
        rivals_row storm "$strategy" "$storm_goal"
    done
    load_remark storm "an answer" "$home"/storm-usher-*.json
}
