# failover: milliseconds from a SIGKILL of the worker that owns the event, under load, to the first booking that was
# asked for after it. A second worker is there for this. Nothing may be lost: everybody gets an answer, and the database
# holds what was answered, and nothing else. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"

failover_goal='<= 3000'
failover_connections=8000 # everybody who asks in the meantime waits on one

# Both workers run and take part.
failover_workers() {
    local name
    USHER_WORKERS=2 "$checkout/ops/up" </dev/null >>"$home/up.log" 2>&1 || fail "the second worker could not be started"
    for name in worker-1 worker-2; do
        wait_until 30 $name failover_takes_part "$(process_pid $name)" || fail "$name does not take part"
    done
}

failover_takes_part() {
    [ "$(sql -c "SELECT count(*) FROM usher.worker_instance WHERE pid = $1")" != 0 ]
}

# failover_owner EVENT: prints the pid of the worker that owns it.
failover_owner() {
    sql -c "SELECT w.pid FROM usher.event e JOIN usher.partition p USING (partition_id)
            JOIN usher.worker_instance w ON w.instance = p.owner WHERE e.event_id = $1"
}

bench_failover() {
    local sections=20 rounds=5 seconds=6 rate=1000 number events all=''
    [ "$smoke" = no ] || sections=5 rounds=1 seconds=3 rate=300
    reserve_venue $sections
    for ((number = 1; number <= rounds; number++)); do
        failover_workers
        reserve_prepare 1
        reserve_load --connections $failover_connections --rate $rate --seconds $seconds --kill "$(failover_owner "$events")"
        load_expect_no refused wrong lost unsent
        reserve_check
        [ "$(load_field recoveryMs)" != 0.0 ] || fail "nobody took over"
        all+=$(load_field recoveryMs)$'\n'
        say "failover: round $number of $rounds: $(load_field recoveryMs) ms; $(load_field reservations) booked, all told so"
    done
    failover_workers
    process_stop TERM 20 worker-2
    table_row failover ms "$(median <<<"${all%$'\n'}")" - - "$failover_goal" "$(spread <<<"${all%$'\n'}")"
}
