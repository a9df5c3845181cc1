#!/usr/bin/env bash
# ops_test.sh BUILD-FOLDER: ops/up and ops/down on programs that are built already, in homes whose paths have spaces.
# shellcheck source=ops/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../ops/lib/common.sh"
for name in ${!USHER_@}; do
    unset "$name"
done
export USHER_TEST_BUILD_DIR=$1

top=$(mktemp -d "${TMPDIR:-/tmp}/usher ops XXXXXX")
chmod 755 "$top" # as root: PostgreSQL's user can enter the first home, but not the second
first="$top/first home"
second="$top/private/second"
mkdir -m 700 "$top/private"
stranger=

# up HOME PORT [WORKERS [GATEWAYS]]
up() {
    USHER_HOME=$1 USHER_PORT=$2 USHER_WORKERS=${3:-1} USHER_GATEWAYS=${4:-1} "$checkout/ops/up" \
        </dev/null >"$top/said" 2>&1
}

# down HOME [--wipe]
down() {
    USHER_HOME=$1 "$checkout/ops/down" "${@:2}" </dev/null >"$top/said" 2>&1
}

clean_up() {
    local status=$?
    trap - EXIT
    set +e
    if [ "$status" -ne 0 ]; then
        cat "$top/said"
    fi
    if [ -n "$stranger" ]; then
        kill "$stranger"
    fi
    down "$first" --wipe
    down "$second" --wipe
    rm -rf "$top"
    exit "$status"
}
trap clean_up EXIT

expect() {
    "$@" || fail "line ${BASH_LINENO[0]}: it is not so: $*"
}

expect_not() {
    ! "$@" || fail "line ${BASH_LINENO[0]}: it is so: $*"
}

said() {
    grep -q -e "$1" "$top/said"
}

# ask ORIGIN TARGET CURL-OPTION…: the answer is in $top/answer, and is one that the document allows.
ask() {
    curl -s -i -o "$top/answer" --noproxy '*' --max-time 5 "${@:3}" "$1$2" &&
        "$USHER_TEST_BUILD_DIR/bin/answer-check" GET "$2" "$top/answer"
}

can_book() {
    ask "http://127.0.0.1:$1" /readyz && grep -Eq '"booking": *"up"' "$top/answer"
}

# pid HOME PROCESS
pid() {
    cat "$1/run/$2.pid"
}

pids() {
    cat "$1"/run/*.pid
}

alive() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) && [[ ${stat##*) } != [ZX]* ]]
}

any_alive() {
    local process
    for process in "$@"; do
        ! alive "$process" || return 0
    done
    return 1
}

# Listens on a free port of every address, shared with whoever sets SO_REUSEPORT as well. Sets stranger, and port: one that
# neither outgoing connections nor other tests (tests/support/servers.c) get.
start_stranger() {
    rm -f "$top/port"
    mkfifo "$top/port"
    perl -MSocket=:all -e '
        socket(my $socket, AF_INET, SOCK_STREAM, 0);
        setsockopt($socket, SOL_SOCKET, $_, 1) for SO_REUSEADDR, SO_REUSEPORT;
        until (bind($socket, pack_sockaddr_in(12000 + int(rand(8000)), INADDR_ANY))) { $!{EADDRINUSE} or die $! }
        listen($socket, 9) or die $!;
        open(my $out, ">", $ARGV[0]);
        print $out (unpack_sockaddr_in(getsockname($socket)))[0], "\n";
        close($out);
        accept(my $peer, $socket) while 1' "$top/port" &
    stranger=$!
    read -r port <"$top/port"
}

stop_stranger() {
    kill "$stranger"
    while alive "$stranger"; do
        sleep 0.02
    done
    stranger=
}

port_in_use_starts_nothing() {
    expect_not up "$first" "$port"
    expect said "port $port .*in use"
    expect_not compgen -G "$first/run/*.pid"
    expect_not test -e "$first/postgres"
}

up_starts_everything() {
    expect up "$first" "$port" 2
    expect can_book "$port"
    expect test "$(stat -c %a "$first/admin.key")" = 600
    expect test "$(wc -c <"$first/admin.key")" = 64
    expect test "$(stat -c %a "$first/run/env")" = 600
    expect grep -q "^USHER_URL=http://127.0.0.1:$port\$" "$first/run/env"
    for name in gateway-1 worker-1 worker-2; do
        expect alive "$(pid "$first" $name)"
        expect curl -sf -o "$top/health" --noproxy '*' --max-time 5 "$(sed -E "s/.*\"$name\":\"([^\"]*)\".*/\1/" "$first/run/ops.json")/healthz"
    done
    expect alive "$(pid "$first" nats)"
    expect alive "$(pid "$first" postgres)"
}

# Also when a pid file names somebody else's process: that one is left alone.
up_again_starts_what_is_missing() {
    local before
    before=$(pids "$first")
    expect up "$first" "$port" 2
    expect test "$(pids "$first")" = "$before"

    kill -9 "$(pid "$first" worker-2)"
    echo $$ >"$first/run/worker-2.pid"
    expect up "$first" "$port" 2
    expect said 'starting worker-2'
    expect_not said 'starting \(worker-1\|gateway\|PostgreSQL\|NATS\)'
    expect_not test "$(pid "$first" worker-2)" = $$
    expect can_book "$port"
}

another_port_is_refused_while_running() {
    expect_not up "$first" $((port - 1)) 2
    expect said "gateways run on port $port"
}

second_home_runs_beside() {
    expect_not up "$second" "$port"
    expect said "port $port .*in use"
    USHER_HOME=$second USHER_PORT=$other_port USHER_WORKERS=1 "$checkout/ops/up" </dev/null >"$top/said-2" 2>&1 &
    expect up "$second" "$other_port" # two at once on one home: one after the other
    expect wait $!
    expect test "$(cat "$top/said" "$top/said-2" | grep -c 'starting worker-1')" = 1
    expect can_book "$other_port"
    expect can_book "$port"
}

down_stops_only_its_own() {
    local mine
    mine=$(pids "$first")
    echo $$ >"$first/run/worker-7.pid"
    expect down "$first"
    # shellcheck disable=SC2086 # a list
    expect_not any_alive $mine
    expect can_book "$other_port"
    expect test -d "$first/postgres/data"
    expect_not compgen -G "$first/run/*.pid"
}

data_outlive_a_restart() {
    local key
    key=$(cat "$first/admin.key")
    expect up "$first" "$port"
    expect can_book "$port"
    expect test "$(cat "$first/admin.key")" = "$key"
    expect_not said 'creating'
}

# With paths as seen from where ops/up is called; the gateway runs elsewhere.
a_certificate_makes_it_https() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout "$top/the key.pem" -out "$top/chain.pem" >"$top/said" 2>&1
    kill -9 "$(pid "$second" gateway-1)"
    cd "$top"
    USHER_TLS_CERTIFICATE=chain.pem expect_not up "$second" "$other_port"
    expect said "USHER_TLS_KEY is ''.*Nothing was started"
    USHER_TLS_CERTIFICATE=chain.pem USHER_TLS_KEY='the key.pem' expect up "$second" "$other_port"
    cd - >"$top/said"
    expect grep -q "^USHER_URL=https://127.0.0.1:$other_port\$" "$second/run/env"
    expect ask "https://localhost:$other_port" /healthz --cacert "$top/chain.pem" \
        --resolve "localhost:$other_port:127.0.0.1"
    expect grep -q '"status": *"ok"' "$top/answer"
    sed -i 's/^Date:/X-Date:/' "$top/answer"
    expect_not "$USHER_TEST_BUILD_DIR/bin/answer-check" GET /healthz "$top/answer" 2>"$top/said"
    expect said 'X-Date is not documented'
}

wipe_deletes_only_its_own() {
    local cluster
    cluster=$(readlink -f "$second/postgres")
    touch "$first/somebody's notes"
    expect down "$second" --wipe
    expect_not test -e "$second"
    expect_not test -e "$cluster"
    expect can_book "$port"
    expect down "$first" --wipe
    expect test "$(ls "$first")" = "somebody's notes"
    expect down "$second" # there is nothing: and nothing is made
    expect_not test -e "$second"
}

start_stranger
other_port=$port
stop_stranger
start_stranger
expect_not test "$port" = "$other_port"
port_in_use_starts_nothing
stop_stranger
up_starts_everything
up_again_starts_what_is_missing
another_port_is_refused_while_running
second_home_runs_beside
down_stops_only_its_own
data_outlive_a_restart
a_certificate_makes_it_https
wipe_deletes_only_its_own
say "all as expected"
