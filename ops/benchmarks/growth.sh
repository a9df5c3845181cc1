# growth: what a reservation costs as things grow, in processors' time of the gateway, the worker, NATS and PostgreSQL
# together, beside itself at the small end:
#
#   growth/bookings  one event that has no bookings, in a database that has only those of the rounds before; one that has
#                    had 1,000,000: 10,000 are confirmed, the others were cancelled or have expired
#   growth/seats     events of 1,000 seats, one after another; events of 100,000
#   growth/queue     an admission, since a reservation is made with a pass and knows nothing of the queue: the door
#                    admits people while 1,000 wait behind them; while 1,000,000 do
#   growth/events    one event; 10,000 of 1,000 seats each, all in the worker's memory, a reservation on each in turn
#
# Either end has a usher of its own, worker, gateway, database and streams, in the same PostgreSQL and NATS; its rounds
# are of as many reservations as the other's, in turn. The first round warms up and is not counted. Then the databases
# are compared with all answers, and the turns with the streams. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

growth_goal='<= 1.25'

# --- the ushers of the two ends

# growth_at END COMMAND…: with the usher of that end, small or large, in the place of the machine's own.
growth_at() {
    local end=$1 database=$1 serving="gateway-$1 worker-$1 nats postgres" USHER_URL=
    shift
    [ ! -e "$home/run/$end.port" ] || USHER_URL=http://127.0.0.1:$(port_of "$end")
    "$@"
}

# growth_words PROCESS PROGRAM…: sets the words that start it.
growth_words() {
    words=(env "USHER_HOME=$home/$end" "USHER_PROCESS=$1" "USHER_OPS_PORT=$(port_keep "$1")" "USHER_PORT=$(port_keep "$end")"
        "USHER_DATABASE_URL=${USHER_DATABASE_URL%/usher}/$end" "USHER_NATS_URL=$USHER_NATS_URL" "$programs/$2" "${@:3}")
}

growth_is_ready() {
    curl --silent --fail --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$end")/readyz" | grep -q '"booking": *"up"'
}

growth_start() {
    local kind words
    database=usher sql -c "CREATE DATABASE $end"
    mkdir "$home/$end"
    install -m 600 "$home/admin.key" "$home/$end/admin.key"
    growth_words usherctl usherctl migrate
    "${words[@]}" >"$home/log/$end.log" 2>&1 || fail "the schema could not be made: $(cat "$home/log/$end.log")"
    for kind in worker gateway; do
        growth_words "$kind-$end" "usher-$kind"
        process_start "$kind-$end" "${words[@]}"
    done
    wait_until 60 "gateway-$end" growth_is_ready || { log_tail "gateway-$end" && fail "the $end usher is not ready"; }
}

growth_stop() {
    process_stop TERM 20 "gateway-$end"
    process_stop TERM 20 "worker-$end"
}

# --- events, and who buys them

# growth_hall SECTIONS [ROWS SEATS]: a hall for the events to come.
growth_hall() {
    local venue reserve_seats
    reserve_venue "$@"
    mv "$home/seats" "$home/seats-$end"
    growth_venue[$end]=$venue growth_seats[$end]=$reserve_seats
}

# growth_events COUNT: new ones, which are growth_sold until others are.
growth_events() {
    local last
    last=$(sql -v "venue=${growth_venue[$end]}" -v "count=$1" -v "seats=${growth_seats[$end]}" \
        -f "$checkout/ops/benchmarks/growth_events.sql")
    growth_sold[$end]=$((last - $1 + 1))-$last
    seq $((last - $1 + 1)) "$last" >>"$home/growth-events-$end"
}

# growth_keep: what the last load cost, as the round's: each process, all together; and how many it did a second.
growth_keep() {
    local name
    {
        for name in $serving; do
            printf '%s %s\n' "${name%-"$end"}" "$(load_field "$name")"
        done | awk '{ print; sum += $2 } END { print "all", sum }'
        printf 'perSecond %s\n' "$(load_field perSecond)"
    } >"$home/growth-$growth_name-$end-$round"
}

# growth_sell OPTION…: some of the events' seats; the answers go to those of the other rounds.
growth_sell() {
    sql -c CHECKPOINT
    load_run reserve --url "$USHER_URL" --seats "$home/seats-$end" --events "${growth_sold[$end]}" \
        --answers "$home/answers" --connections "$reserve_connections" --seconds 60 "$@"
    load_expect_no refused wrong lost
    cat "$home/answers" >>"$home/growth-answers-$end"
    growth_keep
}

# growth_check: the database has what was answered in all rounds, and nothing else. Then nobody uses these events any more,
# and the next measurement begins with none of their bookings.
growth_check() {
    local events wrong
    events=$(paste -sd , "$home/growth-events-$end")
    wrong=$(sql -v "events={$events}" -f "$checkout/ops/benchmarks/reserve_check.sql" <"$home/growth-answers-$end")
    [ -z "$wrong" ] || fail "the database is wrong: no speed. $wrong"
    rm "$home/growth-answers-$end" "$home/growth-events-$end"
    sql -c 'TRUNCATE usher.booking, usher.seat_claim'
}

# --- the measurements: each has NAME_prepare, NAME_round and NAME_check, which know of $end and $round

growth_bookings_prepare() {
    growth_hall $((2 * growth_sections))
    growth_events 1
    [ "$end" = small ] ||
        sql -v "event=${growth_sold[$end]%-*}" -v "count=$growth_bookings" -v "confirmed=$growth_confirmed" \
            -v "seats=${growth_seats[$end]}" -f "$checkout/ops/benchmarks/growth_bookings.sql"
    # The last seats of the hall are sold.
    head -n $((growth_seats[$end] - 2 * growth_confirmed)) "$home/seats-$end" >"$home/seats-left"
    mv "$home/seats-left" "$home/seats-$end"
}

growth_bookings_round() {
    growth_sell --from $((round * growth_slice)) --each "$growth_slice"
}

growth_bookings_check() {
    local found
    if [ "$end" = large ]; then
        found=$(sql -v "event=${growth_sold[$end]%-*}" -f "$checkout/ops/benchmarks/growth_forget.sql")
        [ "$found" = "$growth_bookings $((2 * growth_confirmed))" ] ||
            fail "of $growth_bookings bookings and the $((2 * growth_confirmed)) seats that they had there are left: $found: no speed"
    fi
    growth_check
}

growth_seats_prepare() {
    if [ "$end" = small ]; then growth_hall 1; else growth_hall "$growth_sections"; fi
}

growth_seats_round() {
    if [ "$end" = small ]; then
        growth_events $((growth_reservations * 2 / growth_seats[$end]))
        growth_sell
    else
        growth_events 1
        growth_sell --each "$growth_reservations"
    fi
}

growth_seats_check() {
    growth_check
}

growth_events_prepare() {
    if [ "$end" = small ]; then
        growth_hall "$growth_sections"
    else
        growth_hall 1
        growth_events "$growth_shows"
    fi
}

# One reservation on each event goes ahead of the clock.
growth_events_round() {
    local each=$((growth_reservations / growth_shows + 1))
    if [ "$end" = small ]; then
        growth_events 1
        growth_sell --each "$growth_reservations"
    else
        growth_sell --from $((round * each)) --each "$each" --in-turn
    fi
}

growth_events_check() {
    growth_check
}

# growth_room_set EVENT JSON: its room's settings.
growth_room_set() {
    local answer
    answer=$(curl -sS --noproxy '*' --max-time 60 -X PATCH -H @"$home/admin.header" -H 'Content-Type: application/json' \
        --data "{\"room\":$2}" -w '%{http_code}' "$USHER_URL/admin/events/$1") || fail "PATCH of event $1 got no answer"
    [ "${answer: -3}" = 200 ] || fail "PATCH of event $1 answered: $answer"
}

growth_stream() {
    printf 'USHER_%s_%s\n' "$(sql -c "SELECT replace(installation_id::text, '-', '') FROM usher.installation")" "$1"
}

growth_room_has() {
    [ "$(curl -sS --noproxy '*' "$USHER_URL/events/$1/queue" | json_number "$2")" -ge "$3" ]
}

growth_is_vouched() {
    [ "$(sql -c "SELECT count(*) FROM usher.room_span WHERE event_id = $1")" = 1 ]
}

# growth_room PEOPLE: sets growth_sold to a new event in whose room so many people wait, the door still shut.
growth_room() {
    local event people=$1 now
    growth_events 1
    event=${growth_sold[$end]%-*}
    growth_room_set "$event" '{"mode":"paused","admitsPerMinute":1000000,"claimSeconds":86400}'
    wait_until 60 "worker-$end" growth_is_vouched "$event" || fail "the room of event $event has no stream"
    while [ "$people" -gt 0 ]; do
        now=$((people < 1000000 ? people : 1000000)) # as many as are kept in memory
        machine_run "$programs/usher-load" publish --nats "$USHER_NATS_URL" --stream "$(growth_stream "$event")" \
            --people "$now" >"$home/published" || fail "the room of event $event could not be filled"
        people=$((people - now))
    done
    wait_until 60 "worker-$end" growth_room_has "$event" lastNumber "$1" || fail "the room of event $event is not full"
}

growth_queue_prepare() {
    growth_hall $((2 * growth_sections))
    [ "$end" = small ] || growth_room $(((rounds + 1) * growth_admissions + growth_crowd))
}

# The door stops by itself when so many shop.
growth_queue_round() {
    local number=$growth_admissions
    if [ "$end" = small ]; then
        growth_room $((growth_admissions + 1000))
    else
        number=$(((round + 1) * growth_admissions))
    fi
    sql -c CHECKPOINT
    growth_room_set "${growth_sold[$end]%-*}" "{\"mode\":\"open\",\"maxShoppers\":$number}"
    load_run door --url "$USHER_URL" --events "${growth_sold[$end]%-*}" --people "$number"
    growth_keep
}

# Everybody up to the last number was called, in the order in which they joined.
growth_queue_check() {
    local event called
    for event in $(cat "$home/growth-events-$end"); do
        machine_run "$programs/usher-load" line --nats "$USHER_NATS_URL" --stream "$(growth_stream "$event")" >"$home/line" ||
            fail "the stream of event $event can't be read"
        sql -c "SELECT number || E'\t' || replace(user_id::text, '-', '') FROM usher.turn
                WHERE event_id = $event AND state = 2 ORDER BY number" >"$home/called"
        called=$growth_admissions
        [ "$end" = small ] || called=$(((rounds + 1) * growth_admissions))
        head -n "$called" "$home/line" | cmp -s - "$home/called" ||
            fail "event $event: who was called is not who joined first: no speed"
    done
    rm "$home/growth-events-$end"
}

# growth_measure NAME THING: all rounds, and their row.
growth_measure() {
    local growth_name=$1 thing=$2 round end ends text process
    local -A growth_venue=() growth_seats=() growth_sold=()
    say "growth/$1: making both ends"
    growth_at small "growth_$1_prepare"
    growth_at large "growth_$1_prepare"
    for ((round = warm_up; round <= rounds; round++)); do
        ends=(small large)
        [ $((round % 2)) = 0 ] || ends=(large small)
        for end in "${ends[@]}"; do
            growth_at "$end" "growth_$1_round"
        done
        say "growth/$1: round $round of $rounds: $(growth_field small all) beside $(growth_field large all) microseconds $thing"
    done
    growth_at small "growth_$1_check"
    growth_at large "growth_$1_check"
    table_ratio "growth/$1" us "$(growth_rounds large all)" "$(growth_rounds small all)" "$growth_goal"
    for end in small large; do
        text="growth/$1: $end: processors' time $thing, in microseconds:"
        for process in gateway worker nats postgres; do
            text+=" $process $(growth_rounds $end $process | median),"
            table_fact "growth/$1/$end/$process" us "$(growth_rounds $end $process | median)"
        done
        table_remark "$text at $(growth_rounds $end perSecond | median) a second"
    done
}

# growth_field END FIELD: of the round; growth_rounds: of all that count, a line each.
growth_field() {
    sed -n "s/^$2 //p" "$home/growth-$growth_name-$1-$round"
}

growth_rounds() {
    local round
    for ((round = 1; round <= rounds; round++)); do
        growth_field "$1" "$2"
    done
}

bench_growth() {
    local rounds=5 warm_up=0
    local growth_bookings=1000000 growth_confirmed=10000 growth_slice=15000 growth_reservations=50000 growth_shows=10000
    local growth_crowd=1000000 growth_admissions=30000 growth_sections=100
    if [ "$smoke" = yes ]; then
        rounds=1 warm_up=1 growth_bookings=1000 growth_confirmed=10 growth_slice=1200 growth_reservations=2000 growth_shows=20
        growth_crowd=2000 growth_admissions=1000 growth_sections=4
    fi
    growth_at small growth_start
    growth_at large growth_start
    growth_measure bookings "a reservation"
    growth_measure seats "a reservation"
    growth_measure queue "an admission"
    growth_measure events "a reservation"
    growth_at small growth_stop
    growth_at large growth_stop
}
