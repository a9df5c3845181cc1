# process: starting, recognising and stopping the processes of a home, and their ports. After home.sh.
#
# A process NAME (worker-1, nats …) is known by run/NAME.pid. Pids are used again, by anybody: so run/NAME.start
# keeps what no other process ever has in common with it, pid, start time (proc(5), stat, field 22) and the
# boot's id, and a pid file without its match there is not believed.
# shellcheck shell=bash

# Fails when there is no such process, or only its zombie (in a container nobody may be there to reap it).
process_identity() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra fields <<<"${stat##*) }" # the name before may contain anything
    [[ ${fields[0]} != [ZX] ]] && printf '%s %s %s\n' "$1" "${fields[19]}" "$(cat /proc/sys/kernel/random/boot_id)"
}

process_pid() {
    cat "$home/run/$1.pid" 2>/dev/null
}

process_running() {
    local pid identity
    pid=$(process_pid "$1") && [[ $pid =~ ^[0-9]+$ ]] && identity=$(process_identity "$pid") &&
        [ "$identity" = "$(cat "$home/run/$1.start" 2>/dev/null)" ]
}

# Prints the names of all that ever ran: process_names 'worker-*'.
process_names() {
    local file
    for file in "$home"/run/$1.pid; do
        [ ! -e "$file" ] || basename "$file" .pid
    done
}

# process_start NAME COMMAND…: as a daemon, in a session and folder of its own, its output appended to
# log/NAME.log. The locks stay here.
process_start() {
    local name=$1 pid identity
    shift
    (cd / && exec setsid "$@") </dev/null >>"$home/log/$name.log" 2>&1 8<&- 9<&- &
    pid=$!
    identity=$(process_identity "$pid") || identity=ended
    write_file "$home/run/$name.start" 644 <<<"$identity"
    write_file "$home/run/$name.pid" 644 <<<"$pid"
}

# process_wait_end SECONDS NAME…: false when one is still there after that time.
process_wait_end() {
    local until=$((SECONDS + $1)) name
    shift
    for name in "$@"; do
        while process_running "$name"; do
            [ "$SECONDS" -lt "$until" ] || return 1
            sleep 0.05
        done
    done
}

process_signal() {
    local signal=$1 name
    shift
    for name in "$@"; do
        if process_running "$name"; then
            kill -s "$signal" "$(process_pid "$name")" 2>/dev/null || ! process_running "$name" ||
                fail "$(id -un) may not stop $name"
        fi
    done
}

# process_stop SIGNAL SECONDS NAME…: all of them at once; who is still there after that time is killed. One that
# is frozen is woken, or it could not end.
process_stop() {
    local signal=$1 seconds=$2 name
    shift 2
    process_signal "$signal" "$@"
    process_signal CONT "$@"
    if ! process_wait_end "$seconds" "$@"; then
        say "not all of $* ended within $seconds s; killing the rest"
        process_signal KILL "$@"
        process_wait_end 10 "$@" || fail "not even SIGKILL ends them"
    fi
    for name in "$@"; do
        rm -f "$home/run/$name.pid" "$home/run/$name.start"
    done
}

# port_free ADDRESS PORT: or else prints why the port can't be had. A plain bind, without SO_REUSEPORT: with it, the
# kernel would let us share the port with a stranger who set it as well.
port_free() {
    perl -MSocket=:all -e '
        my ($error, $found) = getaddrinfo($ARGV[0], $ARGV[1],
            { flags => AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, socktype => SOCK_STREAM });
        if ($error) { print "$error\n"; exit 1 }
        my $socket;
        socket($socket, $found->{family}, SOCK_STREAM, 0)
            && setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1)
            && bind($socket, $found->{addr}) && listen($socket, 1) && exit 0;
        print "$!\n";
        exit 1' "$1" "$2"
}

# port_keep NAME: the port that NAME had the last time, or when somebody else has it now, or for the first time, a
# free one. Below the range from which Linux serves outgoing connections, so that none of those gets in the way.
port_keep() {
    local file=$home/run/$1.port port
    port=$(cat "$file" 2>/dev/null) || port=0
    while [ "$port" -eq 0 ] || ! port_free 127.0.0.1 "$port" >/dev/null; do
        port=$((20000 + RANDOM % 12000))
        ! grep -qsxF "$port" "$home"/run/*.port || port=0
    done
    write_file "$file" 644 <<<"$port"
    printf '%s\n' "$port"
}

port_of() {
    cat "$home/run/$1.port"
}

# wait_until SECONDS NAME COMMAND…: until the command succeeds; fails when time is up or process NAME has ended.
wait_until() {
    local until=$((SECONDS + $1)) name=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] && process_running "$name" || return 1
        sleep 0.05
    done
}

# The end of a process's log, to show why it did not start.
log_tail() {
    printf '\n--- the end of %s\n' "$home/log/$1.log" >&2
    tail -n 20 "$home/log/$1.log" >&2
}
