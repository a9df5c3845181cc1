# packages: installs from the distribution what is missing, and nothing else changes: no service is left
# running or enabled, no PostgreSQL cluster created, that was not there before. Debian 12, 13, Ubuntu 24.04.
# shellcheck shell=bash

# What is looked for is the thing itself rather than a package's name, so that a compiler or a nats-server
# from elsewhere is as welcome.
have_command() {
    command -v "$1" >/dev/null
}

have_library() {
    have_command pkg-config && pkg-config --exists "$1"
}

have_http_parser() {
    have_library libllhttp || [ -e /usr/include/http_parser.h ]
}

have_browser() {
    have_command chromium || have_command chromium-browser || have_command google-chrome || have_command google-chrome-stable
}

# The newest PostgreSQL server, or the one of major version $1. Prints the folder of its programs.
postgres_programs() {
    local newest
    newest=$(printf '%s\n' /usr/lib/postgresql/${1:-*}/bin/initdb | sort -V | tail -n 1)
    [ -x "$newest" ] && dirname "$newest"
}

# Prints the packages to install for `up` ($1 = up), for ops/bench ($1 = bench) or for everything ($1 = test), one a line.
packages_missing() {
    { have_command cc && [ -e /usr/include/stdio.h ]; } || echo build-essential
    have_command cmake || echo cmake
    have_command ninja || echo ninja-build
    have_command pkg-config || echo pkg-config
    have_command curl || echo curl
    have_command nats-server || echo nats-server
    postgres_programs >/dev/null || echo postgresql
    have_library libevent || echo libevent-dev
    have_library libnats || echo libnats-dev
    have_library libpq || echo libpq-dev
    have_library jansson || echo libjansson-dev
    have_library libcrypto || echo libssl-dev
    have_library zlib || echo zlib1g-dev
    have_library libcurl || echo libcurl4-openssl-dev
    have_http_parser || echo http-parser
    if [ "$1" = bench ] || [ "$1" = test ]; then
        have_command redis-server || echo redis-server
        have_library hiredis || echo libhiredis-dev
        have_command nginx || echo nginx
    fi
    if [ "$1" = test ]; then
        have_library cmocka || echo libcmocka-dev
        have_browser || echo chromium
        have_command clang-format-14 || have_command clang-format || echo clang-format
        have_command clang-tidy-14 || have_command clang-tidy || echo clang-tidy
    fi
}

# Where a name depends on the release: http-parser lives on as llhttp; and version 14 of clang's tools, which
# .clang-format and .clang-tidy are written for, is not everywhere the default, or not to be had at all.
package_names() {
    local name
    for name in "$@"; do
        case $name in
        http-parser) package_first_known libllhttp-dev libhttp-parser-dev ;;
        chromium) package_first_known chromium chromium-browser ;;
        clang-format | clang-tidy) package_first_known "$name-14" "$name" ;;
        *) echo "$name" ;;
        esac
    done
}

package_known() {
    apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# Prints the first that apt knows, else the last.
package_first_known() {
    while [ $# -gt 1 ] && ! package_known "$1"; do
        shift
    done
    echo "$1"
}

# packages_ensure up|bench|test: installs what is missing, or says what to run and ends the script.
packages_ensure() {
    local missing names root=()
    mapfile -t missing < <(packages_missing "$1")
    [ ${#missing[@]} -gt 0 ] || return 0
    have_command apt-get || fail "these are missing, and there is no apt-get to install them: ${missing[*]}"
    if ! am_root; then
        # sudo may ask for a password where there is somebody to ask.
        if have_command sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            root=(sudo)
        else
            mapfile -t names < <(package_names "${missing[@]}")
            printf 'usher: these packages are missing, and only root may install them. Run as root:\n' >&2
            printf '    apt-get update && apt-get install -y --no-install-recommends %s\n' "${names[*]}" >&2
            exit 1
        fi
    fi
    say "installing what is missing: ${missing[*]}"
    "${root[@]}" bash "$checkout/ops/lib/install.sh" "${missing[@]}" || fail "the installation failed; see above"
    mapfile -t missing < <(packages_missing "$1")
    [ ${#missing[@]} -eq 0 ] || fail "still missing after the installation: ${missing[*]}"
}
