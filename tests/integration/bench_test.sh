#!/usr/bin/env bash
# bench_test.sh BUILD-FOLDER: ops/bench measures, reports no speed when the database does not hold what was answered, and
# leaves nothing behind, also when interrupted.
# shellcheck source=ops/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../ops/lib/common.sh"
for name in ${!USHER_@}; do
    unset "$name"
done

top=$(mktemp -d "${TMPDIR:-/tmp}/usher bench XXXXXX")
trap 'status=$?; [ $status -eq 0 ] || cat "$top/said"; rm -rf "$top"; exit $status' EXIT
built=$(cd "$1" && pwd)

expect() {
    "$@" || fail "line ${BASH_LINENO[0]}: it is not so: $*"
}

expect_not() {
    ! "$@" || fail "line ${BASH_LINENO[0]}: it is so: $*"
}

said() {
    grep -q -e "$1" "$top/said"
}

# The folder that it works in, by what it says.
folder() {
    sed -n 's#.*words go to \(.*\)/up.log$#\1#p' "$top/said"
}

# Every process of its own knows the folder by its environment or its arguments.
expect_nothing_left() {
    expect test -n "$(folder)"
    expect_not test -e "$(folder)"
    expect_not grep -qsF "$(folder)" /proc/[0-9]*/environ /proc/[0-9]*/cmdline
}

# Of what there is perf for and what it may see; without it, the one line that says so.
profiles() {
    if perf record -q -a -e cpu-clock -o "$top/perf.data" -- true >/dev/null 2>&1; then
        expect grep -qE '^## A reservation of two seats: [0-9.]+ µs$' "$top/PROFILE.md"
        expect grep -qE '^\| \*\*gateway\*\* \| \| \*\*[0-9.]+\*\* \|' "$top/PROFILE.md"
        expect grep -qE '^\| \| kernel: network \| [0-9.]+ \| [0-9]+ % \|$' "$top/PROFILE.md"
        expect grep -qE '^## A join: [0-9.]+ µs$' "$top/PROFILE.md"
    else
        expect said '^usher: the profile needs perf. Run as root: apt-get .*linux-perf$\|^usher: perf may not watch'
        expect said '^usher: not measured, see above: profile$'
    fi
}

# From the figures of all rows, and from nothing less.
plans_capacity() {
    expect "$checkout/ops/benchmarks/capacity" --json "$top/table.json" "$top/CAPACITY.md" >"$top/planned" 2>&1
    expect grep -qE '^\| reservation of two seats( \| [0-9.,]+){6} \|$' "$top/CAPACITY.md"
    expect grep -qE '^First is .*: at [0-9.]+ times the spike\.$' "$top/CAPACITY.md"
    expect grep -qE '^\| `join/stream-bytes` \| [0-9]+ \| bytes \| `./ops/bench join` \|$' "$top/CAPACITY.md"
    expect_not grep -qE 'nan|inf\b' "$top/CAPACITY.md"
    grep -v '"join/stream-bytes"' "$top/table.json" >"$top/less.json"
    expect_not "$checkout/ops/benchmarks/capacity" --json "$top/less.json" "$top/less.md" >"$top/planned" 2>&1
    expect grep -q '^usher: join/stream-bytes is missing: run ./ops/bench --json FILE join' "$top/planned"
    expect_not test -e "$top/less.md"
}

measures() {
    local rival rows
    read -ra rows < <("$checkout/ops/bench" no-such-row 2>&1 | sed -n 's/.*NAME being one of: //p')
    USHER_TEST_BUILD_DIR=$built "$checkout/ops/bench" --smoke --json "$top/table.json" --profile "$top/PROFILE.md" "${rows[@]}" >"$top/said" 2>&1 ||
        expect said '^usher: not measured, see above: profile$'
    profiles
    plans_capacity
    expect said '^reserve .* 1/s '
    expect said '^overload .* 1/s '
    expect said '^overload/apart'
    expect said '^overload: turning one away costs 0\.[0-9]* of serving one: .* serves at most [0-9]* % of its peak'
    expect said '^join .* 1/s '
    expect said '^look/queue .* 1/s '
    expect said '^fanout/500 .* 1/s '
    expect said '^fanout/500/memory .* bytes '
    expect said '^fanout/500/reserve-p99 .* ms '
    expect said '^latency/reserve-p99 .* ms '
    expect said '^latency/confirm-p999 .* ms '
    expect said '^latency: the disk takes [0-9]* us '
    expect said '^latency/confirm: answers in p50 .* ms, p90 .* ms, p99 .* ms, p999 .* ms, max .* ms$'
    expect said '^latency/confirm: the generator used .* of a core, one of a hundred requests started .* ms late'
    expect said '^failover .* ms '
    expect said '^drop/join-seconds .* <= 2 '
    expect said '^drop: answers: join 201: [0-9]*, .*confirm 200: [0-9]*,'
    expect said '^drop: memory at its peak, MiB: generator [0-9]*, gateway-1 [1-9][0-9]*, .*postgres [1-9]'
    expect said '^growth/queue .* us '
    expect said '^growth/events .* us '
    expect grep -qE '^\[\{"name":"reserve","unit":"1/s","ours":[0-9.]+,"other":null,"ratio":null,"goal":null,"met":null,"spread":[0-9.]+\},$' "$top/table.json"
    for rival in reserve/optimistic reserve/redis-lock reserve/batch-limit storm/optimistic storm/redis-lock look/queue look/seats-gzip; do
        expect grep -qE "^ \{\"name\":\"$rival\",\"unit\":\"1/s\",\"ours\":[0-9.]+,\"other\":[0-9.]+,\"ratio\":[0-9.]+,\"goal\":[0-9.]+," "$top/table.json"
    done
    expect grep -qE '^ \{"name":"reserve/commits",.*"goal":0.05,' "$top/table.json"
    expect grep -qE '^ \{"name":"overload","unit":"1/s","ours":[0-9.]+,"other":[0-9.]+,"ratio":[0-9.]+,"goal":0.8,"met":(true|false),' "$top/table.json"
    expect grep -qE '^ \{"name":"overload/asked","unit":"1/s","ours":[0-9]+,' "$top/table.json"
    expect grep -qE '^ \{"name":"overload/refusing","unit":"us","ours":[0-9.]+,"other":[0-9.]+,"ratio":0\.[0-9]+,' "$top/table.json"
    expect grep -qE '^ \{"name":"join","unit":"1/s","ours":[0-9.]+,"other":[0-9.]+,"ratio":[0-9.]+,"goal":0.5,' "$top/table.json"
    expect grep -qE '^ \{"name":"fanout/500","unit":"1/s","ours":[0-9]+,"other":[0-9]+,"ratio":[0-9.]+,"goal":0.6,' "$top/table.json"
    expect_nothing_left
}

# A generator that keeps one seat's answer to itself, or one person's number.
reports_no_speed_when_answers_are_missing() {
    mkdir -p "$top/build/bin"
    ln -s "$built"/bin/usher* "$top/build/bin"
    rm "$top/build/bin/usher-load"
    cat >"$top/build/bin/usher-load" <<LOAD
#!/bin/sh
'$built/bin/usher-load' "\$@" || exit
[ "\$1" = "\${SPOILED:-\$1}" ] || exit 0
while [ \$# -gt 0 ]; do
    [ "\$1" != --answers ] || sed -i 1d "\$2"
    shift
done
LOAD
    chmod +x "$top/build/bin/usher-load"
    USHER_TEST_BUILD_DIR=$top/build expect_not "$checkout/ops/bench" --smoke reserve drop >"$top/said" 2>&1
    expect said 'the database is wrong: no speed. .*nobody was answered for'
    expect said 'the database is wrong: no speed. .* turns are not of who was answered their number'
    expect said 'not measured, see above: reserve drop$'
    expect_not said '1/s'
    expect_nothing_left
    SPOILED=join USHER_TEST_BUILD_DIR=$top/build expect_not "$checkout/ops/bench" --smoke join failover >"$top/said" 2>&1
    expect said 'stream is not what was answered: no speed'
    expect said 'not measured, see above: join$'
    expect_not said '^join'
    expect said '^failover .* ms ' # the others are measured all the same
    expect_nothing_left
}

removes_everything_when_interrupted() {
    local bench
    USHER_TEST_BUILD_DIR=$built "$checkout/ops/bench" --smoke reserve >"$top/said" 2>&1 &
    bench=$!
    until [ -n "$(folder)" ] && [ -e "$(folder)/answers" ]; do
        expect kill -0 "$bench"
        sleep 0.02
    done
    kill "$bench"
    expect_not wait "$bench"
    expect_nothing_left
}

measures
reports_no_speed_when_answers_are_missing
removes_everything_when_interrupted
say "all as expected"
