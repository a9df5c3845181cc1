# common: messages, the checkout's paths, building. Sourced by ops/up, ops/down and ops/test.
# shellcheck shell=bash

set -euo pipefail
export LC_ALL=C.UTF-8
# A plain user's PATH lacks the folder of nats-server and of the tools that switch users.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# A gateway holds thousands of connections: the soft limit, made for programs that use select(2), is too low.
ulimit -S -n "$(ulimit -H -n)"

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() {
    printf 'usher: %s\n' "$*"
}

fail() {
    printf 'usher: %s\n' "$*" >&2
    exit 1
}

am_root() {
    [ "$EUID" -eq 0 ]
}

# One build or installation at a time in a checkout: ninja itself has no lock. Held on the folder itself, as
# descriptor 8, until the script ends or unlock_checkout.
lock_checkout() {
    exec 8<"$checkout"
    if ! flock --nonblock 8; then
        say "somebody else is building in this checkout; waiting"
        flock 8
    fi
}

unlock_checkout() {
    exec 8<&-
}

# configure PRESET: prepares build/PRESET.
configure() {
    local cache=$checkout/build/$1/CMakeCache.txt fresh=()
    # A checkout that was moved or copied together with its build folder: CMake refuses the old cache.
    if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$checkout" "$cache"; then
        fresh=(--fresh)
    fi
    (cd "$checkout" && cmake --preset "$1" "${fresh[@]}" --log-level=WARNING) ||
        fail "configuring build/$1 failed; see above"
}

# build PRESET [TARGET…]: what configure has prepared.
build() {
    cmake --build "$checkout/build/$1" ${2:+--target "${@:2}"} || fail "building build/$1 failed; see above"
}
