# fanout: one change of an event told to 10,000 and to 50,000 WebSockets, deliveries a second, beside a bare loop of
# write(2) of the same frame to as many sockets; and what a connection costs the gateway of memory in user space.
#
# A change is a reservation over HTTP. Telling takes from the first socket that has its frame to the last; every socket
# is checked to have every frame, once and in order, and the seats as they were told are compared with the database.
# There is one gateway, and one process that writes, when a process may have as many files open; else there are as many
# of each as need be. The gateways are started for this, with no limit of live connections opened a second. The first
# round warms up and is not counted. Sourced by ops/bench.
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

# The event's seats as everybody was told are those of the database.
fanout_check() {
    sql -F $'\t' -c "SELECT seat_id, status FROM report.seats WHERE event_id = $1 AND status <> 'AVAILABLE'" | sort >"$home/stored"
    [ -s "$home/stored" ] && sort "$home/answers" | cmp -s - "$home/stored" ||
        fail "the seats are not what was told: no speed"
}

# fanout_watch ROW SOCKETS GATEWAYS
fanout_watch() {
    local row=$1 sockets=$2 gateways=$3 rounds=5 event number processes=()
    [ "$smoke" = no ] || rounds=1
    fanout_gateways "$gateways" USHER_LIMIT_LIVE=0
    event=$(reserve_events 1)
    for ((number = 1; number <= gateways; number++)); do
        processes+=(--process "gateway-$number=$(process_pid "gateway-$number")")
    done
    say "$row: opening $sockets sockets twice"
    machine_run "$programs/usher-load" watch --url "$USHER_URL" --events "$event" --sockets "$sockets" --rounds $rounds \
        --answers "$home/answers" "${processes[@]}" >"$home/result.json" || fail "$row could not be measured"
    fanout_check "$event"
    table_ratio "$row" 1/s "$(fanout_field toldPerSecond)" "$(fanout_field criedPerSecond)" "$fanout_goal"
    table_row "$row/memory" bytes "$(fanout_field bytesEach | median)" - - "$fanout_memory_goal" "$(fanout_field bytesEach | spread)"
    table_row "$row/last" ms "$(fanout_field lastMs | median)" - - - "$(fanout_field lastMs | spread)"
    table_remark "$row: processors' time a delivery, in microseconds: gateway $(fanout_field toldMicroseconds | median), bare loop $(fanout_field criedMicroseconds | median), who listens $(fanout_field toldAudienceMicroseconds | median) and $(fanout_field criedAudienceMicroseconds | median)"
    table_remark "$row: $gateways of the gateway, $gateways of the bare loop, $(fanout_field processes | median) of who listens on each side: of files a process may have $(ulimit -H -n) open here; who listened used $(fanout_field audienceShare | median) of a core each while they were told"
}

# fanout_field NAME: that number of all rounds.
fanout_field() {
    json_number "$1" <"$home/result.json" || fail "the load generator did not say $1"
}

bench_fanout() {
    local sockets venue gateways=$USHER_GATEWAYS
    local sizes=(10000 50000)
    [ "$smoke" = no ] || sizes=(500)
    venue=$(admin_post /admin/venues venueId <<<'{"name":"Bench","city":"Bern","country":"CH","timeZone":"Europe/Zurich","sections":[{"name":"Floor","priceCategory":"All","capacity":2000}]}')
    for sockets in "${sizes[@]}"; do
        fanout_watch "fanout/$sockets" "$sockets" "$(fanout_needed "$sockets")"
    done
    fanout_gateways "$gateways"
}
