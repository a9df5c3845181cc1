# fanout: one change of an event told to 10,000 and to 50,000 WebSockets, deliveries a second, beside a bare loop of
# write(2) of the same frame to as many sockets; and what a connection costs the gateway of memory in user space.
#
# A change is a reservation over HTTP. Telling takes from the first socket that has its frame to the last; every socket
# is checked to have every frame, once and in order, and the seats as they were told are compared with the database.
# There is one gateway, and one process that writes, when a process may have as many files open; else there are as many
# of each as need be. The gateways are started for this, with no limit of live connections opened a second. The first
# round warms up and is not counted.
#
# Then an ordinary sale while 10,000 watch: what a reservation takes when they do and when nobody does, in turn. Sourced by
# ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

fanout_goal='>= 0.6'
fanout_memory_goal='<= 6144'

# fanout_gateways COUNT [SETTING…]: so many run, and nobody is connected to them.
fanout_gateways() {
    local count=$1 names
    shift
    mapfile -t names < <(process_names 'gateway-*')
    process_stop TERM 20 "${names[@]}"
    env "$@" USHER_GATEWAYS="$count" "$checkout/ops/up" </dev/null >>"$home/up.log" 2>&1 ||
        fail "$count gateways could not be started"
}

# fanout_needed SOCKETS: prints how many gateways can have them: of its files, a gateway gives 7 in 8 to live connections,
# and a listening port shared by several is not shared evenly.
fanout_needed() {
    awk -v sockets="$1" -v files="$(ulimit -H -n)" 'BEGIN {
        most = files == "unlimited" ? sockets : files * 7 / 8 - 500
        if (most > 52000) most = 52000 # by its settings
        print int((sockets + most - 1) / most) }'
}

# fanout_processes: sets processes to the options that name all gateways.
fanout_processes() {
    local name
    processes=()
    for name in $(process_names 'gateway-*'); do
        processes+=(--process "$name=$(process_pid "$name")")
    done
}

# The event's seats as everybody was told are those of the database.
fanout_check() {
    sql -F $'\t' -c "SELECT seat_id, status FROM report.seats WHERE event_id = $1 AND status <> 'AVAILABLE'" | sort >"$home/stored"
    [ -s "$home/stored" ] && sort "$home/told" | cmp -s - "$home/stored" ||
        fail "the seats are not what was told: no speed"
}

# fanout_watch ROW SOCKETS GATEWAYS
fanout_watch() {
    local row=$1 sockets=$2 gateways=$3 rounds=5 event processes
    [ "$smoke" = no ] || rounds=1
    fanout_gateways "$gateways" USHER_LIMIT_LIVE=0
    event=$(reserve_events 1)
    fanout_processes
    say "$row: opening $sockets sockets twice"
    machine_run "$programs/usher-load" watch --url "$USHER_URL" --events "$event" --sockets "$sockets" --rounds $rounds \
        --answers "$home/told" "${processes[@]}" >"$home/result.json" || fail "$row could not be measured"
    fanout_check "$event"
    table_ratio "$row" 1/s "$(fanout_field toldPerSecond)" "$(fanout_field criedPerSecond)" "$fanout_goal"
    table_row "$row/memory" bytes "$(fanout_field bytesEach | median)" - - "$fanout_memory_goal" "$(fanout_field bytesEach | spread)"
    table_row "$row/last" ms "$(fanout_field lastMs | median)" - - - "$(fanout_field lastMs | spread)"
    table_fact "$row/cpu/gateway" us "$(fanout_field toldMicroseconds | median)"
    table_fact "$row/kernel" bytes "$(fanout_field kernelBytesEnd | median)"
    table_remark "$row: processors' time a delivery, in microseconds: gateway $(fanout_field toldMicroseconds | median), bare loop $(fanout_field criedMicroseconds | median), who listens $(fanout_field toldAudienceMicroseconds | median) and $(fanout_field criedAudienceMicroseconds | median)"
    table_remark "$row: $gateways of the gateway, $gateways of the bare loop, $(fanout_field processes | median) of who listens on each side: of files a process may have $(ulimit -H -n) open here; who listened used $(fanout_field audienceShare | median) of a core each while they were told"
    table_remark "$row: besides, the kernel has $(fanout_field kernelBytesEnd | median) bytes for an end of a connection; the last socket is told as late as it is since usher pauses 100 ms between two frames"
}

# fanout_field NAME: that number of all rounds.
fanout_field() {
    json_number "$1" <"$home/result.json" || fail "the load generator did not say $1"
}

# fanout_sale SOCKETS: a round of a sale that so many watch; its result is in $home/result.json, how they were told in
# $home/overheard.json.
fanout_sale() {
    local sockets=$1 listener
    reserve_prepare 1
    if [ "$sockets" -gt 0 ]; then
        rm -f "$home/version" "$home/overheard.json"
        mkfifo "$home/version"
        "$programs/usher-load" overhear --url "$USHER_URL" --events "$events" --sockets "$sockets" --answers "$home/told" \
            "${processes[@]}" <"$home/version" >"$home/overheard.json" &
        listener=$!
        exec 7>"$home/version"
        until [ -s "$home/overheard.json" ]; do
            kill -0 $listener || fail "nobody can watch the sale"
            sleep 0.05
        done
    fi
    reserve_load --connections 1000 --rate "$fanout_sale_rate" --seconds "$fanout_sale_seconds"
    load_expect_no refused wrong lost unsent
    reserve_check
    if [ "$sockets" -gt 0 ]; then
        sql -c "SELECT seats_version FROM usher.show WHERE event_id = $events" >&7
        exec 7>&-
        wait $listener || fail "who watched the sale was not told of it: no speed"
        fanout_check "$events"
    fi
}

fanout_sales() {
    local sockets=$1 rounds=3 fanout_sale_rate=500 fanout_sale_seconds=4 number who events processes
    local row=fanout/$sockets/reserve-p99
    [ "$smoke" = no ] || rounds=1 fanout_sale_rate=200 fanout_sale_seconds=1
    reserve_venue 5
    fanout_processes
    for ((number = 1; number <= rounds; number++)); do
        for who in 0 "$sockets"; do
            fanout_sale "$who"
            mv "$home/result.json" "$home/fanout-sale-$who-$number.json"
        done
        mv "$home/overheard.json" "$home/overheard-$number.json"
        say "fanout: sale $number of $rounds: p99 $(json_number p99 <"$home/fanout-sale-$sockets-$number.json") ms while $sockets watch, $(json_number p99 <"$home/fanout-sale-0-$number.json") ms while nobody does"
    done
    table_ratio "$row" ms "$(rounds_field "fanout-sale-$sockets" p99)" "$(rounds_field fanout-sale-0 p99)" -
    table_remark "$row: at $fanout_sale_rate/s, p50 $(rounds_field "fanout-sale-$sockets" p50 | median) beside $(rounds_field fanout-sale-0 p50 | median) ms; $(rounds_field overheard frames | median) frames in $fanout_sale_seconds s, each to all within $(rounds_field overheard tellingP50 | median) ms, for $(rounds_field overheard gateway-1 | median) microseconds of the gateway each, bookings included"
}

bench_fanout() {
    local sockets venue hall gateways=$USHER_GATEWAYS
    local sizes=(10000 50000)
    [ "$smoke" = no ] || sizes=(500)
    venue=$(admin_post /admin/venues venueId <<<'{"name":"Bench","city":"Bern","country":"CH","timeZone":"Europe/Zurich","sections":[{"name":"Floor","priceCategory":"All","capacity":2000}]}')
    hall=$venue
    for sockets in "${sizes[@]}"; do
        venue=$hall
        fanout_watch "fanout/$sockets" "$sockets" "$(fanout_needed "$sockets")"
        [ "$sockets" -gt 10000 ] || fanout_sales "$sockets"
    done
    fanout_gateways "$gateways"
}
