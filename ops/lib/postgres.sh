# postgres: the home's private database cluster. After packages.sh and process.sh.
#
# It listens on loopback TCP only, asks for a password (scram) that only this home's files know, and has no Unix
# socket, whose path could be too long. The cluster lies in USHER_HOME/postgres/data. PostgreSQL refuses to run as
# root: then it runs as the system user `postgres`, or as the owner of a cluster that is there already. That
# user may be unable to enter USHER_HOME, as in root's own home: then USHER_HOME/postgres is a link to a folder
# /var/lib/usher-XXXXXX that was made for it, and goes with `ops/down --wipe`. The file `home` in there
# says whose it is.
# shellcheck shell=bash

cluster=${home:?}/postgres
postgres_outside='/var/lib/usher-??????'

# Sets the cluster's folder as its user can reach it, and the words that go before a command to run it as that
# user.
postgres_become() {
    reachable=$(readlink -f "$cluster")
    become=()
    if am_root; then
        become=(setpriv "--reuid=$(stat -Lc %u "$cluster")" "--regid=$(stat -Lc %g "$cluster")" --clear-groups)
    fi
}

# In a folder that this user can enter, or PostgreSQL's programs fail.
as_postgres() {
    (cd / && exec "${become[@]}" "$@")
}

# The folder of the cluster, where its user can reach it.
postgres_create_folder() {
    local outside
    mkdir -m 700 "$cluster"
    am_root || return 0
    chown postgres: "$cluster"
    postgres_become
    if ! as_postgres test -w "$cluster"; then
        rmdir "$cluster"
        outside=$(mktemp -d "${postgres_outside//\?/X}")
        printf '%s\n' "$home" >"$outside/home"
        chown -R postgres: "$outside"
        ln -s "$outside" "$cluster"
    fi
}

# A copy of a home must not start the original's cluster: the link may only be followed by whom it was made for,
# or when that home is no more (moved).
postgres_check_link() {
    local owner
    [ -L "$cluster" ] || return 0
    owner=$(cat "$cluster/home") || fail "$cluster leads nowhere; the database of this home is gone"
    [ "$owner" != "$home" ] || return 0
    ! [ "$owner/postgres" -ef "$cluster" ] ||
        fail "$cluster is the database of $owner: was this home copied from there? Remove the copy and start anew"
    printf '%s\n' "$home" >"$cluster/home"
}

# Made aside and moved into place when complete, so that an interrupted run leaves nothing half made.
postgres_create() {
    local programs=$1 new=$reachable/data.new
    say "creating the database cluster"
    secret_ensure "$reachable/password" 24
    chown --reference="$reachable" "$reachable/password"
    rm -rf "$new"
    as_postgres "$programs/initdb" -D "$new" -U usher -E UTF8 --locale=C.UTF-8 --auth=scram-sha-256 \
        --pwfile="$reachable/password" --no-instructions >"$home/log/initdb.log" 2>&1 ||
        fail "initdb failed; see $home/log/initdb.log"
    cat >>"$new/postgresql.conf" <<'CONF'

# usher: what its load wants; everything that keeps promises (fsync, synchronous_commit) is as PostgreSQL ships it.
shared_buffers = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
CONF
    as_postgres "$programs/postgres" --single -D "$new" postgres >>"$home/log/initdb.log" 2>&1 \
        <<<'CREATE DATABASE usher' || fail "creating the database failed; see $home/log/initdb.log"
    mv "$new" "$reachable/data"
}

# PostgreSQL believes its own pid file when a process of that pid exists. After a power cut that may be anybody:
# our own pid file, which can tell, says that it is not our server.
postgres_forget_stale_pid() {
    local pid
    pid=$(head -n 1 "$cluster/data/postmaster.pid" 2>/dev/null) || return 0
    [[ $pid =~ ^[0-9]+$ ]] && process_identity "$pid" >/dev/null || return 0
    ! grep -qzxF "$reachable/data" "/proc/$pid/cmdline" ||
        fail "process $pid runs on $cluster/data, but it is not the one that ops/up started. Stop it first"
    rm -f "$cluster/data/postmaster.pid"
}

postgres_ready() {
    local file=$cluster/data/postmaster.pid
    [ "$(sed -n 1p "$file" 2>/dev/null)" = "$(process_pid postgres)" ] &&
        [[ $(sed -n 8p "$file") == ready* ]]
}

# Starts it when it isn't running, and waits until it takes connections.
postgres_ensure() {
    local programs version=
    ! process_running postgres || return 0
    [ -e "$cluster" ] || [ -L "$cluster" ] || postgres_create_folder
    postgres_check_link
    [ ! -d "$cluster/data" ] || version=$(cat "$cluster/data/PG_VERSION")
    programs=$(postgres_programs "$version") || fail "the cluster needs PostgreSQL $version, which is not installed"
    postgres_become
    [ -d "$cluster/data" ] || postgres_create "$programs"
    postgres_forget_stale_pid
    say "starting PostgreSQL"
    process_start postgres "${become[@]}" "$programs/postgres" -D "$reachable/data" \
        -c listen_addresses=127.0.0.1 -c "port=$(port_keep postgres)" -c unix_socket_directories=
    wait_until 120 postgres postgres_ready || { log_tail postgres && fail "PostgreSQL did not start"; }
}

postgres_url() {
    printf 'postgresql://usher:%s@127.0.0.1:%s/usher\n' "$(cat "$cluster/password")" "$(port_of postgres)"
}

# For --wipe. The link is only followed to a folder that was made for this home.
postgres_wipe() {
    local outside
    if [ -L "$cluster" ]; then
        outside=$(readlink "$cluster")
        # shellcheck disable=SC2053 # a pattern
        if [[ $outside == $postgres_outside ]] && [ "$(cat "$outside/home" 2>/dev/null)" = "$home" ]; then
            rm -rf "$outside"
        fi
    fi
    rm -rf "$cluster"
}
