# rivals: what reserving is measured beside: their databases, in the same PostgreSQL as usher's, and a Redis of their
# own. Sourced by ops/bench; usher-rival has the strategies themselves.
#
#   optimistic, redis-lock   database rival, with the tables of rivals.sql
#   limit                    database limits, with usher's own, in which no worker works
# shellcheck shell=bash disable=SC2154

rival_events_made=0

# rivals_start: once, when first needed.
rivals_start() {
    [ "$rival_events_made" = 0 ] || return 0
    sql -c 'CREATE DATABASE rival' -c 'CREATE DATABASE limits'
    database=rival sql -f "$checkout/ops/benchmarks/rivals.sql"
    USHER_DATABASE_URL=${USHER_DATABASE_URL%/usher}/limits "$programs/usherctl" migrate >"$home/log/limits.log" 2>&1 ||
        fail "the schema for the limit could not be made: $(cat "$home/log/limits.log")"
    # Nothing is kept on a disk: that is as fast as it gets.
    process_start redis redis-server --bind 127.0.0.1 --port "$(port_keep redis)" --save '' --appendonly no
    wait_until 30 redis redis_ready || { log_tail redis && fail "Redis did not start"; }
}

redis_ask() {
    redis-cli -h 127.0.0.1 -p "$(port_of redis)" "$@"
}

redis_ready() {
    [ "$(redis_ask PING 2>/dev/null)" = PONG ]
}

# rival_make_events DATABASE COUNT SEATS: makes new events of so many seats; sets rival_events to their ids, separated by commas.
rival_make_events() {
    local first=$((rival_events_made + 1))
    rival_events_made=$((rival_events_made + $2))
    rival_events=$(seq -s , "$first" "$rival_events_made")
    database=$1 sql -v "first=$first" -v "last=$rival_events_made" -v "seats=$3" -f "$checkout/ops/benchmarks/events_$1.sql"
}

# rival_round STRATEGY EVENTS SEATS OPTION…: a round, checked; its result is in $home/result.json.
rival_round() {
    local strategy=$1 events=$2 seats=$3 kept=rival wrong rival_events
    shift 3
    rivals_start
    [ "$strategy" != limit ] || kept=limits
    rival_make_events "$kept" "$events" "$seats"
    redis_ask FLUSHALL >/dev/null
    sql -c CHECKPOINT
    database=$kept database_run rival_run "$strategy" --events "$rival_events" --seat-count "$seats" \
        --answers "$home/answers" "$@"
    wrong=$(database=$kept sql -v "events={$rival_events}" -f "$checkout/ops/benchmarks/reserve_check.sql" <"$home/answers")
    [ -z "$wrong" ] || fail "the database of $strategy is wrong: no speed. $wrong"
    [ "$strategy" != redis-lock ] || [ "$(redis_ask DBSIZE)" = "$(wc -l <"$home/answers")" ] ||
        fail "Redis holds $(redis_ask DBSIZE) locks, but $(wc -l <"$home/answers") seats are sold: no speed"
}

rival_run() {
    local strategy=$1 redis=()
    shift
    [ "$strategy" != redis-lock ] || redis=(--redis-port "$(port_of redis)")
    machine_run "$programs/usher-rival" "$strategy" "${redis[@]}" "$@" --process "postgres=$(process_pid postgres)" \
        --process "redis=$(process_pid redis)" >"$home/result.json" || fail "$strategy could not be measured"
}

# rival_best STRATEGY ROUND-ARGUMENT…: which number of sessions and how many statements under way in each make it
# fastest; sets rival_best to the options that say so.
rival_best() {
    local sessions depth speed best=0 strategy=$1
    rival_best=()
    for sessions in 4 8 16 32 64; do
        for depth in 1 8; do
            rival_round "$@" --sessions $sessions --depth $depth
            speed=$(load_field perSecond)
            say "$strategy: $sessions sessions, $depth under way in each: $speed/s"
            if awk -v speed="$speed" -v best="$best" 'BEGIN { exit !(speed > best) }'; then
                best=$speed rival_best=(--sessions $sessions --depth $depth)
            fi
        done
    done
}
