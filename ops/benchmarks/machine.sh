# machine: the usher that is measured, in $home; asking it and its database. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

programs=${USHER_TEST_BUILD_DIR:-$checkout/build/release}/bin
running= # the pid of a program that runs for a while

machine_start() {
    local kind
    # The rows' reservations stay held, some millions of them.
    export USHER_SHOW_MEMORY_MB=8192
    export USHER_PORT USHER_WORKERS=${USHER_WORKERS:-1} USHER_GATEWAYS=${USHER_GATEWAYS:-1}
    kind=$(stat -f -c %T "$home")
    [[ $kind != @(tmpfs|ramfs) ]] || fail "$home is no disk ($kind): commits would cost nothing"
    mkdir "$home/run"
    USHER_PORT=$(port_keep public)
    say "building and starting usher; its words go to $home/up.log"
    "$checkout/ops/up" </dev/null >"$home/up.log" 2>&1 || { cat "$home/up.log" >&2 && fail "usher could not be started"; }
    # shellcheck source=/dev/null
    source "$home/run/env"
    (umask 077 && printf 'Authorization: Bearer %s\n' "$(cat "$home/admin.key")" >"$home/admin.header")
}

machine_stop_running() {
    if [ -n "$running" ]; then
        kill "$running"
        wait "$running"
    fi 2>/dev/null
}

# machine_end_row: however a row ended, the next one finds the machine as it was.
machine_end_row() {
    local name pids
    set +e
    machine_stop_running
    for name in $(process_names '*'); do
        case $name in
        gateway-[0-9]* | worker-[0-9]* | nats | postgres | redis) ;;
        *) process_stop TERM 20 "$name" ;;
        esac
    done
    mapfile -t pids < <(machine_processes | cut -d = -f 2)
    machine_keep_to "$(machine_cores | paste -sd ,)" "${pids[@]}"
}

machine_remove() {
    local status=$?
    trap - EXIT
    trap '' HUP INT TERM
    set +e
    machine_stop_running
    [ -z "$(process_names redis)" ] || process_stop TERM 10 redis
    "$checkout/ops/down" --wipe </dev/null >/dev/null
    rm -rf "$home"
    exit "$status"
}

# machine_run COMMAND…: waits for it; an interruption of the script interrupts it, too.
machine_run() {
    local status=0
    "$@" &
    running=$!
    wait "$running" || status=$?
    running=
    return "$status"
}

# admin_post PATH FIELD: posts the JSON of standard input, prints the number in that field of the answer.
admin_post() {
    local answer
    answer=$(curl -sS --noproxy '*' --max-time 60 -H @"$home/admin.header" -H 'Content-Type: application/json' \
        --data-binary @- "$USHER_URL$1") || fail "POST $1 got no answer"
    json_number "$2" <<<"$answer" || fail "POST $1 answered: $answer"
}

# json_number FIELD: of the object on standard input; fails when there is no such number.
json_number() {
    sed -nE "s/.*\"$1\": *(-?[0-9.]+).*/\1/p" | grep .
}

# database_run COMMAND…: with libpq's environment naming usher's database, or $database of the same server.
database_run() {
    local url=${USHER_DATABASE_URL#postgresql://usher:} # PASSWORD@ADDRESS:PORT/usher; no password on a command line
    PGPASSWORD=${url%%@*} PGHOST=127.0.0.1 PGPORT=$(port_of postgres) PGUSER=usher PGDATABASE=${database:-usher} "$@"
}

# sql OPTION…: psql on it; fails when a statement does.
sql() {
    database_run "$(postgres_programs)/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# Prints NAME=PID for everything that serves, or of $serving; Redis does not.
machine_processes() {
    local name
    for name in ${serving:-$(process_names '*')}; do
        [ "$name" = redis ] || printf '%s=%s\n' "$name" "$(process_pid "$name")"
    done
}

# Prints the numbers of the first two cores that may be used here, a line each.
machine_cores() {
    awk '/^Cpus_allowed_list:/ {
        parts = split($2, part, ",")
        for (i = 1; i <= parts; i++) {
            ends = split(part[i], core, "-")
            for (number = core[1]; number <= core[ends]; number++)
                print number
        } }' /proc/self/status | head -n 2
}

# machine_keep_to CORES PID…: with their threads and children; what they start later inherits that.
machine_keep_to() {
    local cores=$1 serving child
    for serving in "${@:2}"; do
        taskset -a -c -p "$cores" "$serving" >/dev/null
        for child in $(machine_children "$serving"); do
            taskset -a -c -p "$cores" "$child" >/dev/null 2>&1 || [ ! -d "/proc/$child" ] # PostgreSQL's come and go
        done
    done
}

# Prints what measurements depend on: NAME|VALUE, a line each.
machine_facts() {
    printf 'date|%s\n' "$(date -u +%F)"
    printf 'cores|%s, %s\n' "$(nproc)" "$(sed -nE 's/^(model name|Model)[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
    printf 'memory|%s\n' "$(awk '/^MemTotal:/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo)"
    printf 'kernel|%s\n' "$(uname -sr)"
    printf 'PostgreSQL|%s, fsync and synchronous_commit on\n' "$(sql -c 'SHOW server_version')"
    printf 'NATS|%s\n' "$(nats-server --version | sed -E 's/^nats-server: v?//')"
    printf 'processes|%s\n' "$(machine_processes | sed -E 's/(-[0-9]+)?=.*//' | sort | uniq -c | awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 }'), all on this machine, the load generator included"
}

# load_run COMMAND ARGUMENTS…: runs the load generator, which watches everything that serves; its result is in
# $home/result.json. The words in load_before, if any, go before it.
load_before=()
load_run() {
    local process processes=()
    for process in $(machine_processes); do
        processes+=(--process "$process")
    done
    machine_run "${load_before[@]}" "$programs/usher-load" "$@" "${processes[@]}" >"$home/result.json" ||
        fail "the load generator failed"
}

# load_field NAME: prints a number of that result.
load_field() {
    json_number "$1" <"$home/result.json" || fail "the load generator did not say $1"
}

load_expect_no() {
    local fault
    for fault in "$@"; do
        [ "$(load_field "$fault")" = 0 ] || fail "of the answers, $(load_field "$fault") were $fault: no speed"
    done
}

# load_costs FILE…: prints PROCESS and microseconds each, by a tab, of the generator and all that serves, gateways and
# workers together; medians of the rounds' results.
load_costs() {
    local name
    for name in generator $(machine_processes | cut -d = -f 1); do
        printf '%s\t%s\n' "${name%-[0-9]*}" "$(cat "$@" | json_number "$name" | median)"
    done | awk -F '\t' -v OFS='\t' '{ cost[$1] += $2 } END { for (name in cost) print name, cost[name] }'
}

# load_facts ROW FILE…: those costs, the bytes of a request and of an answer, and the speed.
load_facts() {
    local row=$1 name cost
    shift
    while IFS=$'\t' read -r name cost; do
        table_fact "$row/cpu/$name" us "$cost"
    done < <(load_costs "$@")
    for name in request answer; do
        table_fact "$row/$name-bytes" bytes "$(cat "$@" | json_number "${name}Bytes" | median)"
    done
    table_fact "$row/speed" 1/s "$(cat "$@" | json_number perSecond | median)"
}

# load_remark ROW "A THING" FILE…: latency, and where the processors' time went; medians of the rounds' results.
load_remark() {
    local row=$1 thing=$2 quantile name text strangers
    shift 2
    load_facts "$row" "$@"
    text="$row: answers in"
    for quantile in p50 p90 p99 p999 max; do
        text+=" $quantile $(cat "$@" | json_number $quantile | median) ms,"
    done
    table_remark "${text%,}"
    text="$row: processors' time $thing, in microseconds:"
    for name in generator $(machine_processes | cut -d = -f 1); do
        text+=" $name $(cat "$@" | json_number "$name" | median),"
    done
    table_remark "${text%,}"
    text="$row: the generator used $(cat "$@" | json_number generatorShare | median) of a core"
    if grep -qs '"latestMs":[0-9.]*[1-9]' "$@"; then # an open loop
        text+=", one of a hundred requests started $(cat "$@" | json_number lateMs | median) ms late or more"
    fi
    table_remark "$text; in $(cat "$@" | grep -cE '"(bottleneck|late)":true') of $# rounds it was the bottleneck"
    strangers=$(cat "$@" | json_number strangersCores | median)
    table_remark "$row: other programs of this machine used $strangers cores meanwhile$(awk -v cores="$strangers" \
        'BEGIN { if (cores > 0.2) print ": the figures are lower than on a quiet machine" }')"
}

# machine_line EVENT: number and user of everybody in the stream of its waiting room go to $home/line.
machine_line() {
    local stream
    stream=USHER_$(sql -c "SELECT replace(installation_id::text, '-', '') FROM usher.installation")_$1
    machine_run "$programs/usher-load" line --nats "$USHER_NATS_URL" --stream "$stream" >"$home/line" ||
        fail "the room's stream can't be read"
}

# machine_children PID: prints their pids.
machine_children() {
    grep -lsx "PPid:[[:space:]]$1" /proc/[0-9]*/status | cut -d / -f 3
}

# From here on machine_memory tells of the peak since.
machine_memory_reset() {
    local serving
    for serving in $(machine_processes | cut -d = -f 2); do
        printf 5 >"/proc/$serving/clear_refs"
    done
}

# Prints NAME=MIB: the peak of each process's resident memory; of PostgreSQL, whose processes share theirs, what all of
# them together have now.
machine_memory() {
    local process name pid
    for process in $(machine_processes); do
        name=${process%%=*} pid=${process#*=}
        if [ "$name" = postgres ]; then
            for pid in $pid $(machine_children "$pid"); do
                cat "/proc/$pid/smaps_rollup" 2>/dev/null || [ ! -d "/proc/$pid" ]
            done | awk '/^Pss:/ { sum += $2 } END { printf "postgres=%.0f\n", sum / 1024 }'
        else
            awk -v name="$name" '/^VmHWM:/ { printf "%s=%.0f\n", name, $2 / 1024 }' "/proc/$pid/status"
        fi
    done
}
