# join: people who join a waiting room a second, HTTP in to HTTP out, beside raw JetStream publishing of the same
# messages, 1,000 in flight, from one program that does nothing else.
#
# In every round 100,000 people join the room of a fresh event, and as many messages are published into a fresh stream;
# which comes first changes from round to round. Then the room's stream is compared with the answers. The first round
# warms up and is not counted. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

join_connections=256

join_venue() {
    venue=$(admin_post /admin/venues venueId <<<'{"name":"Bench","city":"Bern","country":"CH","timeZone":"Europe/Zurich","sections":[{"name":"","priceCategory":"All","rows":[{"name":"A","seats":10}]}]}')
}

# Prints the id of a new event whose room is open long before its sale.
join_event() {
    admin_post /admin/events eventId <<<"{\"name\":\"Bench\",\"venueId\":$venue,\"startTime\":\"$(date -u -d '+2 years' +%FT%TZ)\",\"onSaleTime\":\"$(date -u -d '+1 year' +%FT%TZ)\",\"prices\":{\"All\":{\"value\":4500,\"currency\":\"EUR\"}},\"room\":{\"mode\":\"open\"}}"
}

# join_people COUNT: they join; $home/result.json.
join_people() {
    local event bytes
    event=$(join_event)
    load_run join --url "$USHER_URL" --events "$event" --people "$1" --answers "$home/answers" \
        --connections "$join_connections"
    load_expect_no refused wrong lost
    machine_line "$event"
    [ "$(wc -l <"$home/line")" = "$1" ] || fail "the room's stream holds $(wc -l <"$home/line") people: no speed"
    sort -n "$home/answers" | cmp -s - "$home/line" || fail "the room's stream is not what was answered: no speed"
    bytes=$(du -sb "$home"/nats/store/jetstream/*/streams/*_"$event" | cut -f 1)
    sed -i "s/}\$/,\"streamBytesEach\":$((bytes / $1))}/" "$home/result.json"
}

# join_raw COUNT: as many messages; $home/result.json.
join_raw() {
    load_run publish --nats "$USHER_NATS_URL" --people "$1"
}

bench_join() {
    local people=100000 rounds=5 number kind kinds speeds='' raw=''
    if [ "$smoke" = yes ]; then
        people=1000 rounds=1
    fi
    join_venue
    if [ "$smoke" = no ]; then
        say "join: warming up"
        join_people $((people / 4))
        join_raw $((people / 4))
    fi
    for ((number = 1; number <= rounds; number++)); do
        kinds=(people raw)
        [ $((number % 2)) = 0 ] || kinds=(raw people)
        for kind in "${kinds[@]}"; do
            "join_$kind" $people
            mv "$home/result.json" "$home/$kind-$number.json"
        done
        say "join: round $number of $rounds: $(json_number perSecond <"$home/people-$number.json") joins/s, $(json_number perSecond <"$home/raw-$number.json") messages/s published by themselves"
    done
    speeds=$(cat "$home"/people-*.json | json_number perSecond)
    raw=$(cat "$home"/raw-*.json | json_number perSecond)
    table_ratio join 1/s "$speeds" "$raw" '>= 0.5'
    table_fact join/stream-bytes bytes "$(cat "$home"/people-*.json | json_number streamBytesEach | median)"
    load_remark join "a join" "$home"/people-*.json
    table_remark "join: of the messages published by themselves, the rounds' spread is $(spread <<<"$raw" | awk '{ printf "%.1f %%", 100 * $1 }')"
}
