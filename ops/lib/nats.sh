# nats: the home's private NATS server with JetStream, on loopback, with a password. After process.sh.
# shellcheck shell=bash

nats=${home:?}/nats

# A string of the server's configuration format.
nats_quote() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# The server greets with a line of JSON.
nats_ready() {
    local greeting
    { exec 7<>"/dev/tcp/127.0.0.1/$(port_of nats)"; } 2>/dev/null || return 1
    read -r -t 2 -u 7 greeting
    exec 7<&-
    [[ $greeting == *'"jetstream":true'* ]]
}

# Starts it when it isn't running, and waits until it takes connections.
nats_ensure() {
    ! process_running nats || return 0
    mkdir -p "$nats"
    secret_ensure "$nats/password" 24
    write_file "$nats/nats.conf" 600 <<CONF
listen: "127.0.0.1:$(port_keep nats)"
authorization { user: usher, password: "$(cat "$nats/password")" }
jetstream { store_dir: $(nats_quote "$nats/store") }
CONF
    say "starting NATS"
    process_start nats nats-server --config "$nats/nats.conf"
    wait_until 60 nats nats_ready || { log_tail nats && fail "NATS did not start"; }
}

nats_url() {
    printf 'nats://usher:%s@127.0.0.1:%s\n' "$(cat "$nats/password")" "$(port_of nats)"
}
