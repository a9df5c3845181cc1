# reserve: reservations of two seats a second, HTTP in to HTTP out, committed; commits a reservation. Beside it, in the
# same rounds, three that need neither HTTP nor NATS (rivals.sh): optimistic locking, locks in Redis, and the worker's
# own statements fed with batches of 1,000 that are ready, which is the limit.
#
# A round sells fresh events of 100,000 seats, one after another, for at least 5 s; then the database is compared with
# the answers. The first round warms up and is not counted. Commits are PostgreSQL's own count of the whole database
# (pg_stat_database.xact_commit), so that the worker's heartbeats and clock ticks are in it. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

reserve_connections=256
reserve_commits_goal='<= 0.05'
declare -A reserve_goals=([optimistic]='>= 6' [redis-lock]='>= 6' [limit]='>= 0.7')
declare -A reserve_names=([optimistic]=optimistic [redis-lock]=redis-lock [limit]=batch-limit)

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

# Enough events of $reserve_seats seats for half as many reservations again as $1 a second in $2 seconds.
reserve_events_for() {
    awk -v speed="$1" -v seconds="$2" -v seats="$reserve_seats" 'BEGIN { print int(speed * seconds * 3 / seats) + 1 }'
}

# reserve_speeds NAME: of its rounds.
reserve_speeds() {
    cat "$home/$1"-[0-9]*.json | json_number perSecond
}

bench_reserve() {
    local sections=100 rounds=5 seconds=5 events=2 number strategy commits='' said kind
    local strategies=(optimistic redis-lock limit) rival_best=(--sessions 4)
    local -A options=() needed=()
    if [ "$smoke" = yes ]; then
        sections=5 events=1 rounds=1 seconds=1
    fi
    reserve_venue $sections
    if [ "$smoke" = no ]; then
        say "reserve: warming up"
        reserve_round $events 2
        needed[usher]=$(load_field perSecond)
    fi
    for strategy in "${strategies[@]}"; do
        if [ "$smoke" = no ]; then
            say "reserve: warming $strategy up"
            if [ "$strategy" = limit ]; then
                rival_round limit 3 "$reserve_seats" --seconds 2
            else
                rival_best "$strategy" 1 "$reserve_seats" --seconds 2
            fi
            needed[$strategy]=$(load_field perSecond)
        fi
        [ "$strategy" = limit ] || options[$strategy]=${rival_best[*]}
    done
    for ((number = 1; number <= rounds; number++)); do
        said=
        for kind in usher "${strategies[@]}"; do
            [ "$smoke" = yes ] || events=$(reserve_events_for "${needed[$kind]}" $seconds)
            if [ "$kind" = usher ]; then
                reserve_round "$events" $seconds
                commits+=$commits_each$'\n'
            else
                # shellcheck disable=SC2086 # words
                rival_round "$kind" "$events" "$reserve_seats" --seconds $seconds ${options[$kind]:-}
            fi
            needed[$kind]=$(load_field perSecond)
            said+=" $kind ${needed[$kind]}/s,"
            mv "$home/result.json" "$home/$kind-$number.json"
        done
        say "reserve: round $number of $rounds:${said%,}"
    done
    table_row reserve 1/s "$(reserve_speeds usher | median)" - - - "$(reserve_speeds usher | spread)"
    for strategy in "${strategies[@]}"; do
        table_ratio "reserve/${reserve_names[$strategy]}" 1/s "$(reserve_speeds usher)" "$(reserve_speeds "$strategy")" \
            "${reserve_goals[$strategy]}"
    done
    table_row reserve/commits commits "$(median <<<"${commits%$'\n'}")" - - "$reserve_commits_goal" "$(spread <<<"${commits%$'\n'}")"
    load_remark reserve "a reservation" "$home"/usher-[0-9]*.json
    [ "$smoke" = yes ] || table_remark "reserve: beside the best of 4 to 64 sessions: optimistic ${options[optimistic]}, redis-lock ${options[redis-lock]}"
}
