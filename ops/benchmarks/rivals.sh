# rivals: what reserving is measured beside: their databases, in the same PostgreSQL as usher's, and a Redis of their
# own. Sourced by ops/bench; usher-rival has the strategies themselves.
#
#   optimistic, redis-lock   database rival, with the tables of rivals.sql
#   batch-limit              database limits, with usher's own, in which no worker works
# shellcheck shell=bash disable=SC2154

# rivals_start: once, when first needed, for all rows; how many events were made is kept in a file.
rivals_start() {
    [ ! -e "$home/rival-events" ] || return 0
    sql -c 'CREATE DATABASE rival' -c 'CREATE DATABASE limits'
    database=rival sql -f "$checkout/ops/benchmarks/rivals.sql"
    USHER_DATABASE_URL=${USHER_DATABASE_URL%/usher}/limits "$programs/usherctl" migrate >"$home/log/limits.log" 2>&1 ||
        fail "the schema for the limit could not be made: $(cat "$home/log/limits.log")"
    # Nothing is kept on a disk: that is as fast as it gets.
    process_start redis redis-server --bind 127.0.0.1 --port "$(port_keep redis)" --save '' --appendonly no
    wait_until 30 redis redis_ready || { log_tail redis && fail "Redis did not start"; }
    echo 0 >"$home/rival-events"
}

redis_ask() {
    redis-cli -h 127.0.0.1 -p "$(port_of redis)" "$@"
}

redis_ready() {
    [ "$(redis_ask PING 2>/dev/null)" = PONG ]
}

# rival_make_events DATABASE COUNT SEATS: makes new events of so many seats; sets rival_events to their ids, separated by commas.
rival_make_events() {
    local made first last
    made=$(cat "$home/rival-events")
    first=$((made + 1)) last=$((made + $2))
    echo "$last" >"$home/rival-events"
    rival_events=$(seq -s , "$first" "$last")
    database=$1 sql -v "first=$first" -v "last=$last" -v "seats=$3" -f "$checkout/ops/benchmarks/events_$1.sql"
}

# rival_round STRATEGY EVENTS SEATS OPTION…: a round, checked; its result is in $home/result.json.
rival_round() {
    local strategy=$1 events=$2 seats=$3 kept=rival wrong rival_events
    shift 3
    rivals_start
    [ "$strategy" != batch-limit ] || kept=limits
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

# rival_best STRATEGY EVENTS SEATS OPTION…: tries with which number of sessions, and of statements under way in each, it
# is fastest; sets rival_best to the options that say so.
rival_best() {
    local strategy=$1 sessions depth speed best=0
    rival_best=()
    for sessions in 4 8 16 32 64; do
        for depth in 1 8; do
            rival_round "$@" --sessions $sessions --depth $depth
            speed=$(load_field perSecond)
            if awk -v speed="$speed" -v best="$best" 'BEGIN { exit !(speed > best) }'; then
                best=$speed rival_best=(--sessions $sessions --depth $depth)
            fi
        done
    done
    say "$strategy: the best of 4 to 64 sessions is ${rival_best[*]}: $best/s"
}

# rivals_beside ROW: $rounds rounds of $seconds, each of usher, by ROW_round EVENTS SECONDS, then of each of $strategies;
# an event of $reserve_seats seats has $answers_each answers to give, $rival_options say how the seats are asked for. The
# results are in $home/ROW-KIND-NUMBER.json, KIND being `usher` or the strategy. Before that, everything is warmed up.
rivals_beside() {
    local row=$1 kind number said events rival_best
    local -A options=() speeds=()
    for kind in usher "${strategies[@]}"; do
        rival_best=()
        if [ "$smoke" = yes ]; then
            speeds[$kind]=1
        else
            say "$row: warming $kind up"
            case $kind in
            usher) "${row}_round" "$(rivals_events 40000 2)" 2 ;;
            batch-limit) rival_round $kind "$(rivals_events 40000 2)" "$reserve_seats" --seconds 2 ;;
            *) rival_best "$kind" "$(rivals_events 20000 2)" "$reserve_seats" "${rival_options[@]}" --seconds 2 ;;
            esac
            speeds[$kind]=$(load_field perSecond)
            options[$kind]=${rival_best[*]}
        fi
    done
    for ((number = 1; number <= rounds; number++)); do
        said=
        for kind in usher "${strategies[@]}"; do
            events=$(rivals_events "${speeds[$kind]}" "$seconds")
            if [ "$kind" = usher ]; then
                "${row}_round" "$events" "$seconds"
            else
                # shellcheck disable=SC2086 # words
                rival_round "$kind" "$events" "$reserve_seats" "${rival_options[@]}" --seconds "$seconds" ${options[$kind]:-}
            fi
            speeds[$kind]=$(load_field perSecond)
            said+=" $kind ${speeds[$kind]}/s,"
            mv "$home/result.json" "$home/$row-$kind-$number.json"
        done
        say "$row: round $number of $rounds:${said%,}"
    done
    for kind in "${!options[@]}"; do
        [ -z "${options[$kind]}" ] || table_remark "$row: $kind at its best: ${options[$kind]}"
    done
}

# rivals_events SPEED SECONDS: prints how many events are not sold out, or all buyers served, by then.
rivals_events() {
    awk -v speed="$1" -v seconds="$2" -v each="$answers_each" 'BEGIN { print int(speed * seconds * 1.5 / each) + 1 }'
}

# rounds_field ROW-KIND FIELD: prints that number of all its rounds.
rounds_field() {
    cat "$home/$1"-[0-9]*.json | json_number "$2"
}

# rivals_row ROW STRATEGY GOAL
rivals_row() {
    table_ratio "$1/$2" 1/s "$(rounds_field "$1-usher" perSecond)" "$(rounds_field "$1-$2" perSecond)" "$3"
}
