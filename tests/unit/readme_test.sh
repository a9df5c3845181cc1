#!/usr/bin/env bash
# readme_test.sh PROGRAMS CHECKOUT: the README's tables of settings and metrics are what the programs know, and every
# file it names is there.
set -euo pipefail
programs=$1 checkout=$2 readme=$2/README.md
status=0

# What the README has between <!-- NAME --> and <!-- /NAME -->.
table() {
    sed -n "/^<!-- $1 -->\$/,/^<!-- \/$1 -->\$/p" "$readme" | sed '1d;$d'
}

# Without the environment: a caller's settings are none of the test's.
if ! diff <(table settings) <(env -i "$programs/usherctl" settings); then
    echo "README: the settings table differs from what \`usherctl settings\` prints"
    status=1
fi

metrics() {
    printf '| metric | process | kind | labels | meaning |\n| --- | --- | --- | --- | --- |\n'
    env -i "$programs/usher-gateway" metrics
    env -i "$programs/usher-worker" metrics
}
if ! diff <(table metrics) <(metrics); then
    echo "README: the metrics table differs from what \`usher-gateway metrics\` and \`usher-worker metrics\` print"
    status=1
fi

while read -r path; do
    if [ ! -e "$checkout/$path" ]; then
        echo "README names $path, which is not there"
        status=1
    fi
done < <(grep -oE '`(\./)?(gateway|worker|shared|migrations|tests|ops)/[A-Za-z0-9_./-]+`' "$readme" | tr -d '`' | sed 's#^\./##' | sort -u)

# Log events in the table of failures.
while read -r event; do
    if ! grep -rqF --include='*.c' "\"$event\"" "$checkout/gateway" "$checkout/worker" "$checkout/shared"; then
        echo "README names the log event $event, which nothing writes"
        status=1
    fi
done < <(sed -n '/^## When something fails/,/^## Tests/p' "$readme" | grep '^|' | grep -oE '`[a-z]+(-[a-z]+)+`' | tr -d '`' | grep -v '^tok_' | sort -u)
exit $status
