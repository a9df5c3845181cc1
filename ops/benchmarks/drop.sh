# drop: an on-sale as a whole, on one machine with everything on it: 200,000 people join the waiting room within a
# minute, half of them in two rushes, one when it opens and one when the sale begins 20 s later; 18,000 seats; whoever is
# called thinks, leaves, does not pay, until every seat is paid for. One round: it is a proof as much as a measurement.
#
# Holds, claims and passes are short, so that it ends in minutes: 8, 6 and 20 s. Afterwards the database is compared with
# every answer, the room's stream with every number, and the audit has to find nothing; else no speed is reported.
# Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

# drop_event SALE-MILLISECONDS: prints the id of an event that is sold from then on.
drop_event() {
    admin_post /admin/events eventId <<<"{\"name\":\"Bench\",\"venueId\":$venue,\"holdSeconds\":$drop_hold,\"startTime\":\"$(date -u -d '+1 year' +%FT%TZ)\",\"onSaleTime\":\"$(date -u -d "@$(($1 / 1000)).$(printf '%03d' $(($1 % 1000)))" +%FT%T.%3NZ)\",\"prices\":{\"All\":{\"value\":4500,\"currency\":\"EUR\"}},\"room\":{\"mode\":\"open\",\"admitsPerMinute\":$drop_rate,\"maxShoppers\":$drop_shoppers,\"claimSeconds\":$drop_claim,\"passSeconds\":$drop_pass}}"
}

# drop_check EVENT: the database, the stream and the audit.
drop_check() {
    local wrong began=$SECONDS
    [ "$(grep -o '"soldOut":[a-z]*' "$home/result.json")" = '"soldOut":true' ] || {
        cat "$home/result.json" >&2
        fail "it was not sold out in time: no speed"
    }
    load_expect_no wrong lost
    wrong=$(sql -v "event=$1" -f "$checkout/ops/benchmarks/drop_check.sql" <"$home/answers")
    [ -z "$wrong" ] || fail "the database is wrong: no speed. $wrong"
    machine_line "$1"
    awk -F '\t' -v OFS='\t' '$1 == "place" { print $3, $2 }' "$home/answers" | sort -n | cmp -s - "$home/line" ||
        fail "the room's stream is not what was answered: no speed"
    drop_checked_seconds=$((SECONDS - began))
    began=$SECONDS
    "$programs/usherctl" audit "$1" --json >"$home/audit.json" || {
        cat "$home/audit.json" >&2
        fail "the audit has found something: no speed"
    }
    drop_audit_seconds=$((SECONDS - began))
}

# drop_latency WORD…: a remark with the latency of each kind of request.
drop_latency() {
    local word quantile text
    for word in "$@"; do
        text="drop: $word in"
        for quantile in P50 P99 P999 Max; do
            text+=" ${quantile,} $(load_field "$word$quantile") ms,"
        done
        table_remark "${text%,}"
    done
}

drop_remarks() {
    local process text
    drop_latency join claim reserve confirm cancel look room map
    table_remark "drop: answers: $(sed -E 's/.*"answers":\{([^}]*)\}.*/\1/; s/"//g; s/:/: /g; s/,/, /g' "$home/result.json")"
    table_remark "drop: nine tenths of the seats were paid for $(load_field mostSeconds) s after the sale began, when $(load_field mostCalled) numbers were called: seats and admits are of that time; then what was not paid for is sold again, hold by hold"
    table_remark "drop: bookings paid $(load_field bookingsPaid), numbers called $(load_field called); claimSeconds $drop_claim, passSeconds $drop_pass, holdSeconds $drop_hold, admitsPerMinute $drop_rate, maxShoppers $drop_shoppers"
    table_remark "drop: $(load_field watchers) people watched by WebSocket ($(load_field watchersCut) were cut off): told $(load_field frames) times, of their turn $(load_field turnsTold), of their booking $(load_field bookingsTold)"
    table_remark "drop: audit: $(sed -E 's/.*"turns":\{([^}]*)\}.*/\1/; s/"//g; s/:/ /g; s/,/, /g' "$home/audit.json"); at most $(json_number mostShoppers <"$home/audit.json") shoppers at a time; nothing is wrong. It took $drop_audit_seconds s, the other checks $drop_checked_seconds s"
    text="drop: memory at its peak, MiB: generator $(load_field generatorMib)"
    for process in $drop_memory; do
        text+=", ${process%%=*} ${process#*=}"
    done
    table_remark "$text (PostgreSQL: at the end)"
    text="drop: processors' time, seconds of $(load_field seconds):"
    for process in generator $(machine_processes | cut -d = -f 1); do
        text+=" $process $(load_field "$process"),"
    done
    table_remark "${text%,}; other programs of this machine used $(load_field strangersCores) cores meanwhile"
    table_remark "drop: the generator was late by p50 $(load_field lateP50) ms, p99 $(load_field lateP99) ms, at most $(load_field lateMax) ms, whatever the server did: $(grep -q '"bottleneck":true' "$home/result.json" && printf 'it was a bottleneck' || printf 'it was no bottleneck')"
}

bench_drop() {
    local people=200000 seconds=60 sections=18 rows=20 row=50 connections=2000 ahead_ms=3000
    local drop_hold=8 drop_claim=6 drop_pass=20 drop_rate=18000 drop_shoppers=3000
    local event sale_ms process drop_memory drop_audit_seconds drop_checked_seconds
    if [ "$smoke" = yes ]; then
        people=500 seconds=2 sections=1 rows=2 row=20 connections=50 ahead_ms=1500
        drop_hold=1 drop_claim=1 drop_pass=3 drop_rate=6000 drop_shoppers=20
    fi
    reserve_venue $sections $rows $row
    say "drop: $people people, $reserve_seats seats"
    machine_run "$programs/usher-load" guests --url "$USHER_URL" --people $people --guests "$home/guests" ||
        fail "the people's sessions can't be made"
    sale_ms=$(($(date +%s%3N) + ahead_ms + seconds * 1000 / 3))
    event=$(drop_event "$sale_ms")
    machine_memory_reset
    load_run drop --url "$USHER_URL" --seats "$home/seats" --events "$event" --people $people \
        --guests "$home/guests" --sale-begins "$sale_ms" --seconds $seconds --connections $connections --answers "$home/answers"
    drop_memory=$(machine_memory)
    drop_check "$event"
    table_row drop/join-seconds s "$(load_field joinSeconds)" - - "<= $seconds" 0
    table_row drop/joins 1/s "$(awk -v people=$people -v seconds="$(load_field joinSeconds)" 'BEGIN { printf "%.1f", people / seconds }')" - - - 0
    table_row drop/join-p99 ms "$(load_field joinP99)" - - - 0
    table_row drop/sold-out-seconds s "$(load_field soldSeconds)" - - - 0
    table_row drop/seats 1/s "$(awk -v seats="$reserve_seats" -v seconds="$(load_field mostSeconds)" 'BEGIN { printf "%.1f", seats * 0.9 / seconds }')" - - - 0
    table_row drop/admits 1/min "$(awk -v called="$(load_field mostCalled)" -v seconds="$(load_field mostSeconds)" 'BEGIN { printf "%.0f", called * 60 / seconds }')" - - - 0
    table_row drop/reserve-p99 ms "$(load_field reserveP99)" - - - 0
    table_row drop/confirm-p99 ms "$(load_field confirmP99)" - - - 0
    table_fact drop/people people $people
    for process in $drop_memory; do
        table_fact "drop/memory/${process%%=*}" MiB "${process#*=}"
    done
    drop_remarks
}
