#!/usr/bin/env bash
# readme_test.sh USHERCTL CHECKOUT: the README's settings table is what the programs know, and every file it names is
# there.
set -euo pipefail
usherctl=$1 checkout=$2 readme=$2/README.md
status=0

# Without the environment: a caller's settings are none of the test's.
if ! diff <(sed -n '/^<!-- settings -->$/,/^<!-- \/settings -->$/p' "$readme" | sed '1d;$d') <(env -i "$usherctl" settings); then
    echo "README: the settings table differs from what \`usherctl settings\` prints"
    status=1
fi

while read -r path; do
    if [ ! -e "$checkout/$path" ]; then
        echo "README names $path, which is not there"
        status=1
    fi
done < <(grep -oE '`(\./)?(gateway|worker|shared|migrations|tests|ops)/[A-Za-z0-9_./-]+`' "$readme" | tr -d '`' | sed 's#^\./##' | sort -u)
exit $status
