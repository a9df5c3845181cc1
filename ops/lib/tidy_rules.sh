# tidy_rules: the rules of ops/tidy. A rule prints what breaks it, a line each, and nothing when it is kept.
# They work on $tree, and may use the folder $scratch.
# shellcheck shell=bash disable=SC2154

rules=(format include_direction engine_is_pure banned_calls no_sleep_in_tests marks length shell_syntax clang_tidy)

# Prints the files of these patterns, NUL-separated, relative to the tree.
files() {
    local folder pattern names=()
    for pattern in "$@"; do
        names+=(-o -name "$pattern")
    done
    (cd "$tree" && for folder in gateway worker shared migrations tests ops; do
        [ ! -d $folder ] || find $folder -type f \( "${names[@]:1}" \) -print0
    done | sort -z)
}

# find_in_code PERL-PATTERN MESSAGE FILE…: prints where the code matches, comments and the insides of strings apart.
find_in_code() {
    local pattern=$1 message=$2
    shift 2
    [ $# -eq 0 ] || (cd "$tree" && perl -0777 -e '
        my ($pattern, $message) = splice(@ARGV, 0, 2);
        for my $file (@ARGV) {
            open(my $in, "<", $file) or die "$file: $!\n";
            my $code = <$in>;
            $code =~ s{("(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)|/\*.*?\*/|//[^\n]*}
                      {defined $1 ? "\"\"" : "\n" x ($& =~ tr/\n//)}gse;
            my $line = 0;
            for (split /\n/, $code) {
                ++$line;
                print "$file:$line: $message: $1\n" while /$pattern/g;
            }
        }' "$pattern" "$message" "$@")
}

# The version that .clang-format and .clang-tidy are written for, or whatever there is.
clang_tool() {
    if command -v "$1-14" >/dev/null; then
        echo "$1-14"
    else
        echo "$1"
    fi
}

is_version_14() {
    "$1" --version | grep -q 'version 14\.'
}

# Other versions lay out a few things differently: then nothing can be said.
rule_format() {
    local tool list
    tool=$(clang_tool clang-format)
    if ! is_version_14 "$tool"; then
        printf 'format is not checked: this is %s, not version 14\n' "$("$tool" --version | sed -n 1p)" >&3
        return
    fi
    mapfile -d '' list < <(files '*.c' '*.h')
    [ ${#list[@]} -eq 0 ] || (cd "$tree" && printf '%s\0' "${list[@]}" |
        xargs -0 "$tool" --dry-run --ferror-limit=1 2>&1 | sed -n 's/: warning: .*/: format: run clang-format -i/p')
}

# shared <- worker/engine <- worker; shared <- gateway; the engine knows only shared's plain words, and these only
# each other.
rule_include_direction() {
    local plain='shared/(base|booking|room|status|ids|id_map|partition)[.]h' file allowed
    while IFS= read -r -d '' file; do
        case $file in
        worker/engine/*) allowed="^(worker/engine/.*|$plain)\$" ;;
        worker/*) allowed='^(shared|worker)/' ;;
        gateway/*) allowed='^(shared|gateway)/' ;;
        ops/benchmarks/limit.c) allowed='^(shared|ops|worker)/' ;; # measures the worker's own SQL
        ops/*) allowed='^(shared|ops)/' ;;
        tests/*) allowed='^(shared|worker|gateway|ops|tests)/' ;;
        *) allowed='^shared/' ;;
        esac
        [[ ! $file =~ ^$plain$ ]] || allowed="^$plain\$"
        awk -v allowed="$allowed" -v file="$file" -F '"' '
            /^[ \t]*#[ \t]*include[ \t]*"/ && $2 !~ allowed { print file ":" FNR ": include direction: " $2 }' "$tree/$file"
    done < <(files '*.c' '*.h')
}

# No I/O, no clock, no randomness, no threads in worker/engine: of the system it includes what only computes, and
# of that nothing that asks the outside.
rule_engine_is_pure() {
    local list=()
    mapfile -d '' list < <(files '*.c' '*.h' | grep -z '^worker/engine/')
    [ ${#list[@]} -gt 0 ] || return 0
    (cd "$tree" && awk '/^[ \t]*#[ \t]*include[ \t]*</ && !/<(assert|inttypes|limits|stdbool|stddef|stdint|stdlib|string)\.h>/ {
        print FILENAME ":" FNR ": pure engine: " $0 }' "${list[@]}")
    find_in_code '\b((?:time|clock\w*|gettimeofday|rand\w*|srand\w*|random|drand48|arc4random\w*|getrandom|id128_random|uuid7_text|(?:v?f?|d|vd)printf|puts|putchar|perror|fopen|open|read|write|send|recv|socket|getenv|secure_getenv|setenv|exit|fork|exec\w*|kill|raise|pthread_\w+)\s*\()' \
        'pure engine' "${list[@]}"
}

# Calls that overflow, ignore errors, block the loop, are not thread-safe or start a shell; each has a better one.
rule_banned_calls() {
    local list=()
    mapfile -d '' list < <(files '*.c' '*.h')
    find_in_code '(?<![\w.>])((?:strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|ato[ifl]|atoll|v?f?scanf|alloca|system|popen|tmpnam|tempnam|mktemp|setjmp|longjmp|localtime|gmtime|ctime|asctime|rand|srand|drand48|sleep|usleep|gethostbyname)\s*\()' \
        'banned call' "${list[@]}"
}

# A test waits for a condition, or moves the time.
rule_no_sleep_in_tests() {
    local list=()
    mapfile -d '' list < <(files '*.c' '*.h' | grep -z '^tests/')
    find_in_code '\b((?:nanosleep|clock_nanosleep|skip)\s*\()' 'waiting or skipping in a test' "${list[@]}"
}

# Marks of unfinished work, and of checks that were silenced. The brackets keep the patterns from finding themselves.
rule_marks() {
    local list=()
    mapfile -d '' list < <(files '*.c' '*.h' '*.sh' '*.sql' '*.txt' up down test tidy bench)
    [ ${#list[@]} -eq 0 ] || (cd "$tree" && grep -nHP '(?i:\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b)|not[ ]implemented|NOLI[N]T|^ *# *if[ ]0|-Wno[-]|[|][|] true' \
        "${list[@]}" | sed -E 's/^([^:]*:[0-9]+):/\1: mark of unfinished work or of a silenced check: /') || return 0
}

rule_length() {
    local file lines
    while IFS= read -r -d '' file; do
        lines=$(wc -l <"$tree/$file")
        [ "$lines" -le 600 ] || printf '%s:%d: length: does a thing in there want a name of its own?\n' "$file" "$lines"
    done < <(files '*.c' '*.h' '*.sh')
}

rule_shell_syntax() {
    local file
    while IFS= read -r -d '' file; do
        bash -n "$tree/$file" 2>"$scratch/syntax" || sed "s#^.*: line \([0-9]*\)#$file:\1: shell syntax#" "$scratch/syntax"
    done < <(files '*.sh' && cd "$tree" && find ops .ci -type f ! -name '*.*' -exec grep -lZ '^#!.*bash' {} + 2>/dev/null)
}

# clang-tidy over every file once: the compile commands hold most of them twice, with and without failpoints. What was
# clean is not looked at again while it, all headers, its command and the configuration are the same.
rule_clang_tidy() {
    local tool commands=$scratch/compile_commands.json common
    tool=$(clang_tool clang-tidy)
    [ -s "$compile_commands" ] || { echo "clang-tidy: there is no $compile_commands; build first" && return; }
    awk '/^\{/ { entry = ""; next }
         /^\}/ { if (!seen[file]++) { printf "%s{\n%s}", (count++ ? ",\n" : "[\n"), entry }; next }
         /^ *"file":/ { file = $0 }
         { entry = entry $0 "\n" }
         END { print "\n]" }' "$compile_commands" >"$commands"
    common=$({ "$tool" --version && cd "$tree" && cat .clang-tidy && files '*.h' | xargs -0 cat; } | sha256sum)
    mkdir -p "$cache"
    export -f clang_tidy_file
    sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$commands" | sort | tr '\n' '\0' |
        xargs -0 -n 1 -P "$(nproc)" bash -c 'clang_tidy_file "$@"' - "$tool" "$scratch" "$cache" "$common" |
        if is_version_14 "$tool"; then cat; else sed '1i clang-tidy is not version 14; what it finds does not count:' >&3; fi
}

clang_tidy_file() {
    local tool=$1 commands=$2 cache=$3 common=$4 file=$5 key output
    key=$({ echo "$common" && grep -F -B 2 "\"$file\"" "$commands/compile_commands.json" && cat "$file"; } | sha256sum | cut -c 1-32)
    [ ! -e "$cache/$key" ] || return 0
    if output=$("$tool" --quiet -p "$commands" "$file" 2>&1); then
        : >"$cache/$key"
    else
        printf '%s\n' "$output" | grep -E '(error|warning):'
    fi
}
