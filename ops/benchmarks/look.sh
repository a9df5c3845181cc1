# look: answers a second to those who look: the state of a waiting room, an event's page, a map of 2,000 seats, and the
# same map as gzip; one gateway on one core, the load generator on another. Beside it, in the same rounds and on the same
# core, nginx with one worker process and the same bytes as static files, with headers like usher's (their sizes are in
# a remark), no access log, its files kept open, connections that never end; and of the ways in which nginx can send a
# file, for each kind of thing the one that is fastest here.
#
# 64 connections, each with one request under way. The generator compares every answer with the first, byte for byte; in
# usher's only the time at which it was true may change. The first answers of both sides are compared as well. Which side
# comes first changes from round to round. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

look_connections=64
look_goal='>= 1.2'
look_kinds=(queue event seats seats-gzip)
look_ways=(sendfile cork read)
declare -A look_way=([queue]=sendfile [event]=sendfile [seats]=sendfile [seats-gzip]=sendfile)

# look_options KIND: sets options to what the generator sends besides.
look_options() {
    options=()
    [ "$1" != seats-gzip ] || options=(--gzip)
}

# look_path KIND: prints usher's.
look_path() {
    case $1 in
    event) printf '/events/%s\n' "$look_event" ;;
    *) printf '/events/%s/%s\n' "$look_event" "${1%-gzip}" ;;
    esac
}

# An event on sale whose waiting room is open.
look_prepare() {
    reserve_venue 2
    look_event=$(admin_post /admin/events eventId <<<"{\"name\":\"Bench\",\"venueId\":$venue,\"startTime\":\"$(date -u -d '+1 year' +%FT%TZ)\",\"prices\":{\"All\":{\"value\":4500,\"currency\":\"EUR\"}},\"room\":{\"mode\":\"open\"}}")
    wait_until 30 gateway-1 look_room_is_open || fail "the event's waiting room does not open"
}

look_room_is_open() {
    look_get queue | grep -q '"phase":"OPEN"'
}

# look_get KIND: prints usher's answer.
look_get() {
    local encoding=identity
    [ "$1" != seats-gzip ] || encoding=gzip
    curl -sSf --noproxy '*' --max-time 10 -H "Accept-Encoding: $encoding" "$USHER_URL$(look_path "$1")"
}

# look_without_time: of an answer on standard input, when it was true.
look_without_time() {
    sed -E 's/("(asOf|updatedAt)":")[^"]*/\1/'
}

# A folder of nginx's, of files as usher answers them.
look_nginx_start() {
    local way kind folder=$home/nginx locations=
    mkdir -p "$folder/files"
    for kind in queue event seats; do
        look_get $kind >"$folder/files/$kind"
    done
    look_get seats-gzip >"$folder/files/seats.gz"
    touch -r "$folder/files/seats" "$folder/files/seats.gz"
    for way in "${look_ways[@]}"; do
        locations+="location /$way/ { alias \"$folder/files/\"; $(look_nginx_way "$way") }"$'\n'
    done
    write_file "$folder/nginx.conf" 644 <<CONF
$(! am_root || echo 'user root;')
daemon off;
worker_processes 1;
pid "$folder/nginx.pid";
events { use epoll; worker_connections 1024; multi_accept on; }
http {
    client_body_temp_path "$folder/body"; proxy_temp_path "$folder/proxy"; fastcgi_temp_path "$folder/fastcgi";
    uwsgi_temp_path "$folder/uwsgi"; scgi_temp_path "$folder/scgi";
    default_type application/json;
    server_tokens off;
    access_log off;
    keepalive_timeout 1d;
    keepalive_requests 1000000000;
    keepalive_time 1d;
    tcp_nodelay on;
    open_file_cache max=100 inactive=1d;
    open_file_cache_valid 1d;
    gzip_static on;
    add_header X-Request-Id 0123456789abcdef0123456789abcdef;
    add_header X-Content-Type-Options nosniff;
    add_header Referrer-Policy no-referrer;
    add_header Cross-Origin-Resource-Policy same-origin;
    add_header X-Frame-Options DENY;
    add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'";
    add_header Vary Accept-Encoding;
    add_header Cache-Control "public, max-age=1, stale-if-error=600";
    server {
        listen 127.0.0.1:$(port_keep nginx);
        $locations
    }
}
CONF
    process_start nginx taskset -c "$1" nginx -e "$folder/error.log" -c "$folder/nginx.conf"
    wait_until 30 nginx look_nginx_answers || { log_tail nginx && fail "nginx did not start"; }
}

# The head and the file by two calls; the same, but held back until they are together; read into memory, then sent.
look_nginx_way() {
    case $1 in
    sendfile) printf 'sendfile on; tcp_nopush off;' ;;
    cork) printf 'sendfile on; tcp_nopush on;' ;;
    read) printf 'sendfile off; output_buffers 1 256k;' ;;
    esac
}

look_nginx_answers() {
    curl -sf --noproxy '*' --max-time 5 -o /dev/null "http://127.0.0.1:$(port_of nginx)/read/queue" 2>/dev/null
}

# look_round SIDE KIND SECONDS: a round of usher, or of nginx in its way for that kind; its result is in
# $home/result.json.
look_round() {
    local options url=$USHER_URL path
    path=$(look_path "$2")
    [ "$1" != nginx ] || url=http://127.0.0.1:$(port_of nginx) path=/${look_way[$2]}/${2%-gzip}
    look_options "$2"
    load_run look --url "$url" --path "$path" "${options[@]}" --connections "$look_connections" --seconds "$3"
    load_expect_no wrong lost
}

# Sets look_way[KIND] to the fastest.
look_nginx_best() {
    local way best=0 fastest=sendfile
    for way in "${look_ways[@]}"; do
        look_way[$1]=$way
        look_round nginx "$1" 1
        if awk -v speed="$(load_field perSecond)" -v best="$best" 'BEGIN { exit !(speed > best) }'; then
            best=$(load_field perSecond) fastest=$way
        fi
    done
    look_way[$1]=$fastest
    table_remark "look: nginx sends $1 fastest by: $(look_nginx_way "$fastest")"
}

# What both sides answer, is it the same?
look_compare() {
    local encoding
    for encoding in identity gzip; do
        curl -sSf --noproxy '*' --compressed -H "Accept-Encoding: $encoding" "http://127.0.0.1:$(port_of nginx)/${look_way[$1]}/${1%-gzip}" | look_without_time >"$home/nginx-said"
        curl -sSf --noproxy '*' --compressed -H "Accept-Encoding: $encoding" "$USHER_URL$(look_path "$1")" | look_without_time | cmp - "$home/nginx-said" ||
            fail "look: of $1, nginx answers something else: no speed"
    done
}

look_rounds() {
    local kind=$1 number side sides
    for ((number = 1; number <= rounds; number++)); do
        sides=(usher nginx)
        [ $((number % 2)) = 0 ] || sides=(nginx usher)
        for side in "${sides[@]}"; do
            look_round "$side" "$kind" "$seconds"
            mv "$home/result.json" "$home/look-$kind-$side-$number.json"
        done
    done
    say "look: $kind: $(rounds_field "look-$kind-usher" perSecond | median)/s, nginx $(rounds_field "look-$kind-nginx" perSecond | median)/s"
}

# look_remark KIND SIDE PROCESS
look_remark() {
    local row=look-$1-$2
    table_remark "look/$1: $2 answers with $(rounds_field "$row" headBytes | median) bytes of head and $(rounds_field "$row" bodyBytes | median) of body; $(rounds_field "$row" "$3" | median) us of its core and $(rounds_field "$row" generator | median) us of the generator's each; in $(grep -c '"bottleneck":true' <(cat "$home/$row"-*.json)) of $rounds rounds the generator was the bottleneck"
}

bench_look() {
    local cores kind rounds=7 seconds=1
    mapfile -t cores < <(machine_cores)
    if [ ${#cores[@]} -lt 2 ]; then
        table_remark "look: there is one core only"
        return
    fi
    [ "$smoke" = no ] || rounds=1 seconds=1 look_kinds=(queue event seats-gzip)
    look_prepare
    load_before=(taskset -c "${cores[0]}")
    machine_keep_to "${cores[1]}" "$(process_pid gateway-1)"
    look_nginx_start "${cores[1]}"
    for kind in "${look_kinds[@]}"; do
        [ "$smoke" = yes ] || look_nginx_best "$kind"
        look_compare "$kind"
        look_rounds "$kind"
        table_ratio "look/$kind" 1/s "$(rounds_field "look-$kind-usher" perSecond)" "$(rounds_field "look-$kind-nginx" perSecond)" "$look_goal"
        load_facts "look/$kind" "$home/look-$kind-usher"-*.json
        look_remark "$kind" usher gateway-1
        look_remark "$kind" nginx nginx
    done
    process_stop TERM 10 nginx
    load_before=()
    machine_keep_to "${cores[0]},${cores[1]}" "$(process_pid gateway-1)"
}
