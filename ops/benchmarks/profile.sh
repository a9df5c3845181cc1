# profile: where the processors' time of a reservation and of a join goes, by process and part, as a document.
#
# What each process takes for one is measured first, without a profiler, in rounds as those of `reserve` and `join`. Then
# the same load runs once more under perf, which notes 997 times a second what each processor is doing; profile.awk
# gives every sample to a process, and by profile_parts.txt to a part of it. Frames are found by the programs' unwind
# tables: libraries keep no frame pointers. Sourced by ops/bench.
# shellcheck shell=bash disable=SC2154,SC2034

source "$checkout/ops/benchmarks/reserve.sh"
source "$checkout/ops/benchmarks/join.sh"

profile_hertz=997

profile_require() {
    perf --version >/dev/null 2>&1 ||
        fail "the profile needs perf. Run as root: apt-get update && apt-get install -y --no-install-recommends linux-perf"
    perf record -q -a -e cpu-clock -o "$home/perf.data" -- true >/dev/null 2>"$home/log/perf.log" ||
        fail "perf may not watch the whole machine; root may. It says: $(cat "$home/log/perf.log")"
}

# Prints NAME=PID for everything that takes part, PostgreSQL's sessions and the last load's generator included.
profile_processes() {
    local child
    machine_processes
    for child in $(machine_children "$(process_pid postgres)"); do
        printf 'postgres=%s\n' "$child"
    done
    printf 'generator=%s\n' "$(load_field pid)"
}

# Prints, of usher's own programs, the source file of each address in the samples: PROGRAM ADDRESS SOURCE, by tabs.
profile_sources() {
    local program addresses=$home/addresses
    awk -v addresses=yes -f "$checkout/ops/benchmarks/profile.awk" "$home/samples" >"$addresses"
    for program in usher-gateway usher-worker usher-load; do
        program=$(realpath "$programs/$program")
        awk -F '\t' -v program="$program" '$1 == program { print $2 }' "$addresses" >"$addresses.program"
        addr2line -e "$program" <"$addresses.program" | awk -v checkout="$checkout/" '
            { sub(/:[^:]*$/, ""); sub(/^.*\.\.\//, "")
              print index($0, checkout) == 1 ? substr($0, length(checkout) + 1) : $0 }' |
            paste "$addresses.program" - | awk -v program="$program" '{ print program "\t" $0 }'
    done
}

# profile_sample COMMAND…: a round under perf; how many samples each part of each process has goes to $home/parts.
profile_sample() {
    local from
    load_before=(perf record -q -a -F "$profile_hertz" -e cpu-clock -k mono --call-graph "dwarf,4096" -o "$home/perf.data" --)
    "$@"
    load_before=()
    perf script -i "$home/perf.data" --no-inline -F "comm,pid,time,ip,sym,dso" >"$home/samples" 2>"$home/log/perf.log" ||
        fail "perf can't read what it has recorded: $(cat "$home/log/perf.log")"
    profile_processes >"$home/pids"
    profile_sources >"$home/sources"
    from=$(load_field startedSeconds)
    awk -v parts="$checkout/ops/benchmarks/profile_parts.txt" -v pids="$home/pids" -v sources="$home/sources" \
        -v from="$from" -v to="$(awk -v from="$from" -v seconds="$(load_field seconds)" 'BEGIN { printf "%.6f", from + seconds }')" \
        -f "$checkout/ops/benchmarks/profile.awk" "$home/samples" >"$home/parts"
    [ -s "$home/parts" ] || fail "perf has seen none of what ran"
}

# profile_chapter THING THINGS FILE…: of the rounds without a profiler in these files, the one with it in
# $home/result.json, and $home/parts.
profile_chapter() {
    local thing=$1 things=$2 strangers
    shift 2
    strangers=$(cat "$@" "$home/result.json" | json_number strangersCores | median)
    load_costs "$@" >"$home/costs"
    awk -F '\t' -v OFS='\t' -v thing="$thing" '
        FNR == NR { cost[$1] = $2; total += $2; next }
        $2 != "?" { all[$1] += $3; process[++count] = $1; part[count] = $2; samples[count] = $3; seen += $3 }
        END {
            printf "0\t## %s: %.1f µs\n", thing, total
            printf "1\t%d\n", seen
            for (i = 1; i <= count; i++) {
                share = samples[i] / all[process[i]]
                if (share < 0.01 || part[i] == "other")
                    rest[process[i]] += share
                else
                    print 3, cost[process[i]], process[i], share * cost[process[i]], part[i], share
            }
            for (name in cost) {
                print 3, cost[name], name, 999999, "", (total > 0 ? cost[name] / total : 0)
                if (rest[name] > 0)
                    print 3, cost[name], name, -1, "what is left", rest[name]
            }
        }' "$home/costs" "$home/parts" | sort -t $'\t' -k 1,1n -k 2,2nr -k 3,3 -k 4,4nr >"$home/chapter"
    sed -n 's/^0\t//p' "$home/chapter"
    printf '\n%s %s/s over HTTP without the profiler (rounds: %d, spread %s), %s/s with it; %s samples. Other programs used %s cores meanwhile.\n' \
        "$(cat "$@" | json_number perSecond | median)" "$things" $# \
        "$(cat "$@" | json_number perSecond | spread | awk '{ printf "%.1f %%", 100 * $1 }')" "$(load_field perSecond)" \
        "$(sed -n 's/^1\t//p' "$home/chapter")" "$strangers"
    awk -F '\t' '$1 == 3 && $5 != "" && $4 > 0 { print $4 "\t" $3 ", " $5 }' "$home/chapter" | sort -gr | head -n 5 |
        awk -F '\t' 'BEGIN { printf "The largest parts:" } { printf "%s %s %.1f µs", (NR > 1 ? ";" : ""), $2, $1 } END { print "." }'
    printf '\n| process | part | µs | share |\n| --- | --- | ---: | ---: |\n'
    awk -F '\t' '$1 == 3 {
        if ($5 == "")
            printf "| **%s** | | **%.2f** | **%.0f %% of all** |\n", $3, $2, 100 * $6
        else
            printf "| | %s | %.2f | %.0f %% |\n", $5, $2 * $6, 100 * $6 }' "$home/chapter"
    printf '\n'
}

# profile_rounds KIND COMMAND…: rounds of it without a profiler, results in $home/KIND-NUMBER.json; then one with it.
profile_rounds() {
    local kind=$1 number
    shift
    for ((number = 1; number <= rounds; number++)); do
        "$@"
        mv "$home/result.json" "$home/$kind-$number.json"
    done
    say "profile: $kind under the profiler"
    profile_sample "$@"
}

bench_profile() {
    local rounds=3 seconds=5 people=100000 sections=100 events=4
    [ "$smoke" = no ] || rounds=1 seconds=1 people=2000 sections=5 events=6
    profile_require
    {
        printf '# Where the processors'\'' time goes\n\n'
        printf 'Generated by `./ops/bench --profile %s`. Parts are those of\n`ops/benchmarks/profile_parts.txt`; what PostgreSQL and NATS take for usher is counted, too.\n\n' ops/benchmarks/PROFILE.md
        machine_facts | awk -F '|' 'BEGIN { print "| | |\n| --- | --- |" } { print "| " $1 " | " $2 " |" }'
        printf '\n'
    } >"$profile"
    reserve_venue $sections
    say "profile: warming up"
    reserve_round $events $seconds
    profile_rounds reserve reserve_round $events $seconds
    profile_chapter "A reservation of two seats" reservations "$home"/reserve-[0-9]*.json >>"$profile"
    join_venue
    join_people $((people / 4))
    profile_rounds join join_people $people
    profile_chapter "A join" joins "$home"/join-[0-9]*.json >>"$profile"
    say "profile: written to $profile"
}
