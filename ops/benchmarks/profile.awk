# profile.awk: how many samples each part of each process has. Standard input: what `perf script -F comm,pid,time,ip,sym,dso`
# prints. Variables: `parts`, the table (profile_parts.txt); `pids`, lines NAME=PID; `sources`, lines PROGRAM ADDRESS
# SOURCE for usher's own programs; `from` and `to`, seconds of perf's clock. Prints: process, part, samples, separated by
# tabs; then for what no line of the table matches: process, "?", samples, innermost symbol.
#
# With `addresses=yes` it prints instead the addresses whose sources are needed, lines PROGRAM ADDRESS.

BEGIN {
    while (!addresses && (getline line <parts) > 0) {
        if (line ~ /^ *(#|$)/)
            continue
        count++
        for (column = 1; column <= 3; column++) {
            match(line, /^ *[^ ]+/)
            pattern[count, column] = substr(line, 1, RLENGTH)
            gsub(/ /, "", pattern[count, column])
            pattern[count, column] = "^(" pattern[count, column] ")$"
            line = substr(line, RLENGTH + 1)
        }
        sub(/^ */, "", line)
        part[count] = line
    }
    while (!addresses && (getline line <pids) > 0) {
        split(line, pair, "=")
        sub(/-[0-9]+$/, "", pair[1])
        process[pair[2]] = pair[1]
    }
    FS = "\t"
    while (!addresses && (getline line <sources) > 0) {
        split(line, field, "\t")
        source[field[1], field[2]] = field[3]
    }
}

# The part that a frame says, "" when none. What was found once is kept: frames repeat.
function part_of(who, where, symbol,    key, number) {
    key = who SUBSEP where SUBSEP symbol
    if (!(key in known)) {
        known[key] = ""
        for (number = 1; number <= count; number++)
            if (who ~ pattern[number, 1] && where ~ pattern[number, 2] && symbol ~ pattern[number, 3]) {
                known[key] = part[number]
                break
            }
    }
    return known[key]
}

function finish_sample() {
    if (who != "") {
        if (found == "") {
            unknown[who "\t?", innermost]++
            found = "other"
        }
        samples[who "\t" found]++
    }
    who = found = innermost = ""
}

# COMM PID TIME:, where COMM may contain spaces; a line that begins without a tab.
/^[^\t]/ {
    finish_sample()
    match($0, /[0-9]+ +[0-9.]+: *$/)
    split(substr($0, RSTART), field, / +/)
    moment = field[2] + 0
    if (addresses || (moment >= from && moment <= to))
        who = addresses ? "any" : process[field[1]]
    next
}

# A frame: ADDRESS SYMBOL (PROGRAM).
NF > 1 && who != "" && found == "" {
    sub(/^\t */, "")
    split($0, field, / /)
    symbol = field[2]
    where = substr($0, index($0, " (") + 2)
    sub(/\)$/, "", where)
    if (where ~ /\/usher-[a-z]+$/) {
        if (addresses) {
            if (!((where, field[1]) in seen))
                print where "\t" field[1]
            seen[where, field[1]] = 1
            next
        }
        where = source[where, field[1]]
    } else {
        sub(/.*\//, "", where)
        sub(/(-[0-9.]+)?\.so[.0-9]*$/, "", where)
        if (where == "[kernel.kallsyms]")
            where = "kernel"
    }
    if (innermost == "")
        innermost = symbol
    if (!addresses)
        found = part_of(who, where, symbol)
}

END {
    finish_sample()
    for (key in samples)
        if (!addresses)
            print key "\t" samples[key]
    for (key in unknown) {
        split(key, pair, SUBSEP)
        if (!addresses)
            print pair[1] "\t" unknown[key] "\t" pair[2]
    }
}
