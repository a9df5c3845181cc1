# reserve: reservations of two seats a second, HTTP in to HTTP out, committed; commits a reservation. Beside it, in the
# same rounds, three that need neither HTTP nor NATS (rivals.sh): optimistic locking, locks in Redis, and the worker's
# own statements fed with batches of 1,000 that are ready: no more than that can be had.
#
# A round sells fresh events of 100,000 seats, one after another, for at least 5 s; then the database is compared with
# the answers. The first round warms up and is not counted. Commits are PostgreSQL's own count of the whole database
# (pg_stat_database.xact_commit), so that the worker's heartbeats and clock ticks are in it. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

reserve_connections=256
reserve_commits_goal='<= 0.05'
declare -A reserve_goals=([optimistic]='>= 6' [redis-lock]='>= 6' [batch-limit]='>= 0.7')

# reserve_venue SECTIONS [ROWS SEATS]: sections of 20 rows of 50 seats, or of that. Sets reserve_seats to how many; their
# ids, in order, go to $home/seats.
reserve_venue() {
    local rows=${2:-20} seats=${3:-50}
    reserve_seats=$(($1 * rows * seats))
    venue=$(awk -v sections="$1" -v rows="$rows" -v seats="$seats" -v ids="$home/seats" 'BEGIN {
        printf "{\"name\":\"Bench\",\"city\":\"Bern\",\"country\":\"CH\",\"timeZone\":\"Europe/Zurich\",\"sections\":["
        for (s = 1; s <= sections; s++) {
            printf "%s{\"name\":\"S%d\",\"priceCategory\":\"All\",\"rows\":[", (s > 1 ? "," : ""), s
            for (row = 1; row <= rows; row++) {
                printf "%s{\"name\":\"%d\",\"seats\":%d}", (row > 1 ? "," : ""), row, seats
                for (seat = 1; seat <= seats; seat++)
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

# Prints the database's commits so far, and the bytes of PostgreSQL's log and of the database. PostgreSQL's sessions add
# to the count of commits what is older than a second.
reserve_counts() {
    sql -F ' ' -c "SELECT xact_commit, pg_current_wal_insert_lsn() - '0/0', pg_database_size(datname)
                   FROM pg_stat_database WHERE datname = current_database()"
}

# reserve_each FIELD NUMBER: adds to the last load's result that number by reservation.
reserve_each() {
    sed -i "s/}\$/,\"$1\":$(awk -v number="$2" 'END { printf "%.5f", number / (NR / 2) }' "$home/answers")}/" "$home/result.json"
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

# reserve_check [VARIABLE…]: the database has to hold what was answered, and nothing else.
reserve_check() {
    local wrong
    wrong=$(sql -v "events={$events}" "$@" -f "$checkout/ops/benchmarks/reserve_check.sql" <"$home/answers")
    [ -z "$wrong" ] || fail "the database is wrong: no speed. $wrong"
}

# reserve_round EVENTS SECONDS: a round, checked; its result, and what each has added to those counts, are in
# $home/result.json.
reserve_round() {
    local events before=() after=()
    reserve_prepare "$1"
    read -ra before < <(reserve_counts)
    reserve_load --connections "$reserve_connections" --seconds "$2"
    sleep 2.5
    read -ra after < <(reserve_counts)
    load_expect_no refused wrong lost
    reserve_check
    reserve_each commitsEach $((after[0] - before[0]))
    reserve_each logBytesEach $((after[1] - before[1]))
    reserve_each databaseBytesEach $((after[2] - before[2]))
}

bench_reserve() {
    local sections=100 rounds=5 seconds=5 strategy
    local strategies=(optimistic redis-lock batch-limit) rival_options=()
    [ "$smoke" = no ] || sections=5 rounds=1 seconds=1
    reserve_venue $sections
    local answers_each=$((reserve_seats / 2))
    rivals_beside reserve
    table_row reserve 1/s "$(rounds_field reserve-usher perSecond | median)" - - - "$(rounds_field reserve-usher perSecond | spread)"
    for strategy in "${strategies[@]}"; do
        rivals_row reserve "$strategy" "${reserve_goals[$strategy]}"
    done
    table_row reserve/commits commits "$(rounds_field reserve-usher commitsEach | median)" - - "$reserve_commits_goal" \
        "$(rounds_field reserve-usher commitsEach | spread)"
    table_fact reserve/log-bytes bytes "$(rounds_field reserve-usher logBytesEach | median)"
    table_fact reserve/database-bytes bytes "$(rounds_field reserve-usher databaseBytesEach | median)"
    load_remark reserve "a reservation" "$home"/reserve-usher-*.json
}
