# reserve: reservations of two seats a second, HTTP in to HTTP out, committed; commits a reservation.
#
# A round sells fresh events of 100,000 seats, one after another, for at least 5 s; then the database is compared with
# the answers. The first round warms up and is not counted. Commits are PostgreSQL's own count of the whole database
# (pg_stat_database.xact_commit), so that the worker's heartbeats and clock ticks are in it. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

reserve_connections=256
reserve_commits_goal='<= 0.05'

# reserve_venue SECTIONS: sections of 20 rows of 50 seats. Sets reserve_seats to how many; their ids, in order,
# go to $home/seats.
reserve_venue() {
    reserve_seats=$(($1 * 1000))
    venue=$(awk -v sections="$1" -v ids="$home/seats" 'BEGIN {
        printf "{\"name\":\"Bench\",\"city\":\"Bern\",\"country\":\"CH\",\"timeZone\":\"Europe/Zurich\",\"sections\":["
        for (s = 1; s <= sections; s++) {
            printf "%s{\"name\":\"S%d\",\"priceCategory\":\"All\",\"rows\":[", (s > 1 ? "," : ""), s
            for (row = 1; row <= 20; row++) {
                printf "%s{\"name\":\"%d\",\"seats\":50}", (row > 1 ? "," : ""), row
                for (seat = 1; seat <= 50; seat++)
                    printf "S%d-%d-%d\n", s, row, seat >ids
            }
            printf "]}"
        }
        print "]}" }' | admin_post /admin/venues venueId)
}

# reserve_events COUNT: prints the ids of new events, separated by commas.
reserve_events() {
    local number event events=
    for ((number = 0; number < $1; number++)); do
        event=$(admin_post /admin/events eventId <<<"{\"name\":\"Bench\",\"venueId\":$venue,\"holdSeconds\":3600,\"startTime\":\"$(date -u -d '+1 year' +%FT%TZ)\",\"prices\":{\"All\":{\"value\":4500,\"currency\":\"EUR\"}}}")
        events+=${events:+,}$event
    done
    printf '%s\n' "$events"
}

# PostgreSQL's sessions add to the count what is older than a second.
reserve_commits() {
    sql -c "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
}

reserve_field() {
    json_number "$1" <"$home/result.json" || fail "the load generator did not say $1"
}

# reserve_round EVENTS SECONDS: a round, checked; its result is in $home/result.json. Sets commits_each.
reserve_round() {
    local events before after wrong process processes=() fault
    events=$(reserve_events "$1")
    for process in $(machine_processes); do
        processes+=(--process "$process")
    done
    sql -c CHECKPOINT
    before=$(reserve_commits)
    machine_run "$programs/usher-load" reserve --url "$USHER_URL" --seats "$home/seats" --events "$events" \
        --answers "$home/answers" --connections "$reserve_connections" --seconds "$2" "${processes[@]}" \
        >"$home/result.json" || fail "the load generator failed"
    sleep 2.5
    after=$(reserve_commits)
    for fault in refused wrong lost; do
        [ "$(reserve_field $fault)" = 0 ] || fail "of the answers, $(reserve_field $fault) were $fault: no speed"
    done
    wrong=$(sql -v "events={$events}" -f "$checkout/ops/benchmarks/reserve_check.sql" <"$home/answers")
    [ -z "$wrong" ] || fail "the database is wrong: no speed. $wrong"
    commits_each=$(awk -v commits=$((after - before)) 'END { printf "%.5f\n", commits / (NR / 2) }' "$home/answers")
}

# reserve_remark FILE…: latency, and where the processors' time went; medians of the rounds.
reserve_remark() {
    local quantile name text strangers
    text="reserve: answers in"
    for quantile in p50 p99 p999 max; do
        text+=" $quantile $(cat "$@" | json_number $quantile | median) ms,"
    done
    table_remark "${text%,}"
    text="reserve: processors' time a reservation, in microseconds:"
    for name in generator $(machine_processes | cut -d = -f 1); do
        text+=" $name $(cat "$@" | json_number "$name" | median),"
    done
    table_remark "${text%,}"
    table_remark "reserve: the generator used $(cat "$@" | json_number generatorShare | median) of a core, in $(grep -c '"bottleneck":true' <(cat "$@")) of $# rounds it was the bottleneck"
    strangers=$(cat "$@" | json_number strangersCores | median)
    table_remark "reserve: other programs of this machine used $strangers cores meanwhile$(awk -v cores="$strangers" \
        'BEGIN { if (cores > 0.2) print ": the figures are lower than on a quiet machine" }')"
}

bench_reserve() {
    local sections=100 rounds=5 seconds=5 events=2 number speeds='' commits=''
    if [ "$smoke" = yes ]; then
        sections=5 events=1 rounds=1 seconds=1
    fi
    reserve_venue $sections
    if [ "$smoke" = no ]; then
        say "reserve: warming up"
        reserve_round $events 2
    fi
    for ((number = 1; number <= rounds; number++)); do
        # Half as many seats again as the last round would need.
        [ "$smoke" = yes ] || events=$(awk -v speed="$(reserve_field perSecond)" -v seconds=$seconds -v seats="$reserve_seats" \
            'BEGIN { print int(speed * seconds * 3 / seats) + 1 }')
        reserve_round "$events" $seconds
        speeds+=$(reserve_field perSecond)$'\n'
        commits+=$commits_each$'\n'
        mv "$home/result.json" "$home/round-$number.json"
        cp "$home/round-$number.json" "$home/result.json"
        say "reserve: round $number of $rounds: $(reserve_field perSecond) reservations/s, $commits_each commits each"
    done
    table_row reserve 1/s "$(median <<<"${speeds%$'\n'}")" - - - "$(spread <<<"${speeds%$'\n'}")"
    table_row reserve/commits commits "$(median <<<"${commits%$'\n'}")" - - "$reserve_commits_goal" "$(spread <<<"${commits%$'\n'}")"
    reserve_remark "$home"/round-*.json
}
