# tidy_self_test: plants a violation of every rule, one at a time, into a small tree that keeps them all, and
# expects that the rule names the file. A rule that nothing is planted for is a failure as well.
# shellcheck shell=bash disable=SC2034,SC2154

plant() {
    mkdir -p "$(dirname "$tree/$1")"
    printf '%s\n' "$2" >"$tree/$1"
}

plant_clean_tree() {
    rm -rf "$tree"
    plant shared/base.h $'#include <stdint.h>\nint base(void); /* strcpy(a, b) is said, not called */'
    plant shared/bus.c $'#include "shared/base.h"\n\nconst char *bus_text(void);\nconst char *bus_text(void) {\n    return "sleep(1); time(0)";\n}'
    plant worker/engine/show.h $'#include "shared/ids.h"\nint show_time(int start_time);'
    plant worker/worker.c '#include "worker/engine/show.h"'
    plant gateway/gateway.c '#include "shared/bus.h"'
    plant tests/unit/base_test.c $'#include "gateway/gateway.h"\n#include "worker/worker.h"'
    plant ops/up $'#!/usr/bin/env bash\nsleep 1'
    cp "$checkout/.clang-format" "$checkout/.clang-tidy" "$tree"
    plant_compile_command shared/bus.c
}

plant_compile_command() {
    printf '[\n{\n  "directory": "%s",\n  "command": "cc -I%s -c %s",\n  "file": "%s"\n}\n]\n' \
        "$tree" "$tree" "$tree/$1" "$tree/$1" >"$compile_commands"
}

# expect_found RULE FILE TEXT: the rule finds what TEXT as FILE breaks, and nothing before.
expect_found() {
    local rule=$1 file=$2 text=$3 before found
    plant_clean_tree
    before=$("rule_$rule")
    plant "$file" "$text"
    [ "$rule" != clang_tidy ] || plant_compile_command "$file"
    found=$("rule_$rule")
    expectations=$((expectations + 1))
    planted+=" $rule "
    if [ -n "$before" ] || [[ $found != *"$file"* ]]; then
        printf 'the rule %s missed what was planted in %s: %s\n' "$rule" "$file" "$text"
        failures=$((failures + 1))
    fi
}

self_test() {
    local expectations=0 failures=0 planted='' rule word
    exec 3>&1
    tree=$scratch/tree compile_commands=$scratch/planted.json cache=$scratch/cache
    if is_version_14 "$(clang_tool clang-format)"; then
        expect_found format shared/bus.c 'int  bus( void );'
        expect_found format gateway/new.h $'int\nf(void);'
    else
        planted+=' format '
    fi

    expect_found include_direction shared/bus.c '#include "worker/worker.h"'
    expect_found include_direction shared/base.h '#include "shared/bus.h"'
    expect_found include_direction shared/bus.c '#include "bus.h"'
    expect_found include_direction worker/worker.c '#include "gateway/gateway.h"'
    expect_found include_direction gateway/gateway.c '#  include "worker/worker.h"'
    expect_found include_direction worker/engine/show.c '#include "shared/bus.h"'
    expect_found include_direction worker/engine/show.c '#include "worker/worker.h"'
    expect_found include_direction ops/usherctl/main.c '#include "gateway/gateway.h"'

    for word in 'time(NULL)' 'clock_gettime(0, &t)' 'rand()' 'printf("x")' 'fopen("x", "r")' 'socket(1, 2, 3)' \
        'getenv("X")' 'id128_random()' 'pthread_create(a, b, c, d)'; do
        expect_found engine_is_pure worker/engine/show.c "void f(void) { $word; }"
    done
    expect_found engine_is_pure worker/engine/show.c '#include <time.h>'

    for word in strcpy strcat sprintf gets strtok atoi atol scanf alloca system popen sleep usleep localtime; do
        expect_found banned_calls shared/bus.c "void f(void) { $word (a, b); }"
    done
    expect_found no_sleep_in_tests tests/unit/base_test.c 'void f(void) { nanosleep(&a, 0); }'
    expect_found no_sleep_in_tests tests/unit/base_test.c 'void f(void) { skip(); }'

    for word in TO''DO FIX''ME NOLI''NT 'not'' implemented'; do
        expect_found marks worker/worker.c "/* $word */"
    done
    expect_found marks worker/worker.c '#if'' 0'
    expect_found marks shared/CMakeLists.txt 'add_compile_options(-Wno''-shadow)'
    expect_found marks ops/up $'#!/usr/bin/env bash\nfalse |''| true'
    expect_found length worker/worker.c "$(seq 601)"
    expect_found shell_syntax ops/up $'#!/usr/bin/env bash\nif true; then'
    expect_found shell_syntax ops/lib/x.sh 'echo "'
    expect_found clang_tidy shared/bus.c $'int f(int a);\nint f(int a) {\n    if (a = 1)\n        return 10 / (a - 1);\n    return 0;\n}'

    for rule in "${rules[@]}"; do
        if [[ $planted != *" $rule "* ]]; then
            printf 'nothing is planted for the rule %s\n' "$rule"
            failures=$((failures + 1))
        fi
    done
    printf '%d violations planted, %d missed\n' "$expectations" "$failures"
    [ "$failures" -eq 0 ]
}
