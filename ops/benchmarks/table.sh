# table: what was measured, as a table and as JSON. Sourced by ops/bench.
#
# A row: name, unit, ours, other, ratio, goal, whether a goal is met, spread. `-` is what does not exist. The goal
# is a bound of the ratio, or of ours where there is nothing beside it: ">= 6", "<= 0.05". The spread of the
# rounds is (largest - smallest) / median.
# shellcheck shell=bash disable=SC2154,SC2034

table=()
remarks=()
facts=()

# table_row NAME UNIT OURS OTHER RATIO GOAL SPREAD
table_row() {
    local met=- measured=$5
    [ "$measured" != - ] || measured=$3
    if [ "$6" != - ]; then
        met=$(awk -v measured="$measured" -v goal="$6" 'BEGIN {
            split(goal, part, " ")
            print (part[1] == ">=" ? measured >= part[2] : measured <= part[2]) ? "true" : "false" }')
    fi
    table+=("$1|$2|$3|$4|$5|$6|$met|$7")
}

# table_ratio NAME UNIT OURS OTHER GOAL: what the rounds measured on both sides, a number a line, round by round. The
# ratio is of the medians, the spread of the rounds' ratios.
table_ratio() {
    local ours other
    ours=$(median <<<"$3")
    other=$(median <<<"$4")
    table_row "$1" "$2" "$ours" "$other" "$(awk -v ours="$ours" -v other="$other" 'BEGIN { printf "%.3f", ours / other }')" \
        "$5" "$(paste <(cat <<<"$3") <(cat <<<"$4") | awk '{ print $1 / $2 }' | spread)"
}

# table_fact NAME UNIT VALUE: a figure of a row that only the JSON has, for the capacity plan.
table_fact() {
    facts+=("$1|$2|$3|-|-|-|-|0")
}

table_remark() {
    remarks+=("$*")
}

# table_keep: a row's script is done: all that it measured counts. Only what is kept is printed.
table_keep() {
    [ ${#table[@]} -eq 0 ] || printf '%s\n' "${table[@]}" >>"$home/table"
    [ ${#remarks[@]} -eq 0 ] || printf '%s\n' "${remarks[@]}" >>"$home/remarks"
    [ ${#facts[@]} -eq 0 ] || printf '%s\n' "${facts[@]}" >>"$home/facts"
}

table_print() {
    touch "$home/table" "$home/remarks"
    [ -s "$home/table" ] || return 0
    printf '\n'
    {
        printf 'name|ours|other|ratio|goal|met|spread\n'
        awk -F'|' -v OFS='|' '
            { sub(/true/, "yes", $7); sub(/false/, "NO", $7)
              print $1, $3 " " $2, $4, $5, $6, $7, sprintf("%.1f %%", 100 * $8) }' "$home/table"
    } | awk -F'|' '
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
        END { for (row = 1; row <= NR; row++)
                  for (i = 1; i <= NF; i++) printf "%-*s%s", width[i], cell[row, i], (i < NF ? "   " : "\n") }'
    cat "$home/remarks"
}

# The rows, the facts, and about the machine objects that have a text instead of figures.
table_json() {
    touch "$home/facts"
    {
        awk -F'|' '
            function value(text) { return text == "-" ? "null" : text }
            { goal = $6; sub(/^.= /, "", goal)
              printf "{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%s,\"other\":%s,\"ratio\":%s,\"goal\":%s,\"met\":%s,\"spread\":%s}\n",
                  $1, $2, $3, value($4), value($5), value(goal), value($7), $8 }' "$home/table" "$home/facts"
        machine_facts | awk -F'|' '
            { gsub(/["\\]/, "", $2)
              printf "{\"name\":\"machine/%s\",\"unit\":\"text\",\"ours\":null,\"other\":null,\"ratio\":null,\"goal\":null,\"met\":null,\"spread\":null,\"text\":\"%s\"}\n", $1, $2 }'
    } | sed '1s/^/[/; 1!s/^/ /; $!s/$/,/; $s/$/]/'
}

# median and spread: of the numbers on standard input, one a line.
median() {
    sort -g | awk '{ number[NR] = $1 } END { print (number[int((NR + 1) / 2)] + number[int(NR / 2) + 1]) / 2 }'
}

spread() {
    sort -g | awk '{ number[NR] = $1 } END {
        middle = (number[int((NR + 1) / 2)] + number[int(NR / 2) + 1]) / 2
        printf "%.4f\n", (middle > 0 ? (number[NR] - number[1]) / middle : 0) }'
}
