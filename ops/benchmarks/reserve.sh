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

# reserve_prepare COUNT: sets events to the ids of so many new ones.
reserve_prepare() {
    events=$(reserve_events "$1")
    sql -c CHECKPOINT
}

# reserve_load OPTION…: the generator sells them; the answers are in $home/answers.
reserve_load() {
    load_run reserve --url "$USHER_URL" --seats "$home/seats" --events "$events" --answers "$home/answers" "$@"
}

# The database has to hold what was answered, and nothing else.
reserve_check() {
    local wrong
    wrong=$(sql -v "events={$events}" -f "$checkout/ops/benchmarks/reserve_check.sql" <"$home/answers")
    [ -z "$wrong" ] || fail "the database is wrong: no speed. $wrong"
}

# reserve_round EVENTS SECONDS: a round, checked; its result is in $home/result.json. Sets commits_each.
reserve_round() {
    local events before after
    reserve_prepare "$1"
    before=$(reserve_commits)
    reserve_load --connections "$reserve_connections" --seconds "$2"
    sleep 2.5
    after=$(reserve_commits)
    load_expect_no refused wrong lost
    reserve_check
    commits_each=$(awk -v commits=$((after - before)) 'END { printf "%.5f\n", commits / (NR / 2) }' "$home/answers")
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
        [ "$smoke" = yes ] || events=$(awk -v speed="$(load_field perSecond)" -v seconds=$seconds -v seats="$reserve_seats" \
            'BEGIN { print int(speed * seconds * 3 / seats) + 1 }')
        reserve_round "$events" $seconds
        speeds+=$(load_field perSecond)$'\n'
        commits+=$commits_each$'\n'
        mv "$home/result.json" "$home/round-$number.json"
        cp "$home/round-$number.json" "$home/result.json"
        say "reserve: round $number of $rounds: $(load_field perSecond) reservations/s, $commits_each commits each"
    done
    table_row reserve 1/s "$(median <<<"${speeds%$'\n'}")" - - - "$(spread <<<"${speeds%$'\n'}")"
    table_row reserve/commits commits "$(median <<<"${commits%$'\n'}")" - - "$reserve_commits_goal" "$(spread <<<"${commits%$'\n'}")"
    load_remark reserve "a reservation" "$home"/round-*.json
}
