# home: USHER_HOME, its lock, its settings and secrets. Sourced by ops/up and ops/down.
#
#   admin.key     the admin key, 64 hex digits (mode 0600)
#   run/          *.pid; what tells a process from a later one of the same pid (*.start); its port (*.port);
#                 env and ops.json for people and programs
#   log/          one file a process
#   postgres      the database (postgres.sh says where it really lies)
#   nats/         the stream store, and the server's configuration
#   gateway-*/    what gateways keep for the time the database is down
# shellcheck shell=bash

home=$(realpath -m -- "${USHER_HOME:-$checkout/.usher}")

# home_lock: nobody else changes this home until the script ends. The lock (descriptor 9) is on the folder
# itself, so it may be another one once we have it: then whoever had it before has wiped the home.
home_lock() {
    while :; do
        exec 9<"$home"
        if ! flock --nonblock 9; then
            say "another ops/up or ops/down is at work on $home; waiting"
            flock 9
        fi
        [ "$home" -ef /proc/self/fd/9 ] && return
        [ -d "$home" ] || return
    done
}

home_create() {
    mkdir -p "$home" || fail "$home can't be created"
    home_lock
    (umask 022 && mkdir -p "$home/run" "$home/log") && [ -w "$home/run" ] && [ -w "$home/log" ] ||
        fail "$home is not writable for $(id -un): does it belong to another user's ops/up?"
}

# write_file PATH MODE: standard input into a file that others see whole or not at all.
write_file() {
    (umask 077 && cat >"$1.new")
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
}

random_hex() {
    od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# secret_ensure PATH BYTES: a file with that many random bytes in hex, made once.
secret_ensure() {
    [ -s "$1" ] || random_hex "$2" | write_file "$1" 600
}

# setting_number NAME DEFAULT LOWEST HIGHEST: prints the setting, or ends the script with what is wrong.
setting_number() {
    local value=${!1:-$2}
    [[ $value =~ ^[0-9]{1,9}$ ]] && [ "$value" -ge "$3" ] && [ "$value" -le "$4" ] ||
        fail "$1 is '$value', but has to be a number from $3 to $4"
    printf '%d\n' "$((10#$value))"
}
