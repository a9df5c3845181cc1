#!/usr/bin/env bash
# install.sh NAME…: run as root by packages.sh. Installs packages (http-parser, clang-format and clang-tidy
# stand for whatever this release calls them) and puts back everything else that installing them changes:
#
#   /usr/sbin/policy-rc.d                     while we install it forbids starting services; one that was
#                                             there is set aside and put back
#   /etc/postgresql-common/createcluster.conf says meanwhile that no cluster is to be created
#   units and init links                      what became enabled is disabled again
#
# All of it also when interrupted. After a SIGKILL, which no trap sees, the next run puts the two files back.
# shellcheck source=ops/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=ops/lib/packages.sh
source "$checkout/ops/lib/packages.sh"

policy=/usr/sbin/policy-rc.d
policy_mark='# temporary, by usher'
cluster_conf=/etc/postgresql-common/createcluster.conf
aside=.before-usher

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt=(apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)

forbid_services() {
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        mv "$policy" "$policy$aside"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
    chmod 755 "$policy"
}

allow_services() {
    if [ -f "$policy" ] && grep -qxF "$policy_mark" "$policy"; then
        rm "$policy"
    fi
    if [ -e "$policy$aside" ] || [ -L "$policy$aside" ]; then
        mv "$policy$aside" "$policy"
    fi
}

forbid_clusters() {
    cp -p "$cluster_conf" "$cluster_conf$aside"
    printf '\ncreate_main_cluster = false\n' >>"$cluster_conf"
}

allow_clusters() {
    if [ -f "$cluster_conf$aside" ]; then
        mv "$cluster_conf$aside" "$cluster_conf"
    fi
}

# Links that start at boot what comes with the servers: systemd's wants and the S links of the runlevels.
boot_links() {
    find /etc -maxdepth 4 -type l \( -path '/etc/systemd/system/*.wants/*' -o -path '/etc/rc[0-6S].d/S*' \) |
        sed -nE '/\/(S[0-9]+)?(nats-server|nginx|postgresql|redis|ssl-cert)[^/]*$/p' | sort
}

disable_new_services() {
    local link name
    while read -r link; do
        name=$(basename "$link")
        case $link in
        /etc/rc*) update-rc.d "${name#S[0-9][0-9]}" disable ;;
        *) DPKG_MAINTSCRIPT_PACKAGE=${name%.*} deb-systemd-helper disable "$name" ;; # what a package itself calls
        esac
    done < <(comm -13 <(printf '%s\n' "$links_before") <(boot_links)) >/dev/null
}

put_back() {
    local status=$?
    trap - EXIT
    set +e # a step that fails must not keep the others from being done
    disable_new_services
    allow_clusters
    allow_services
    exit "$status"
}

lists_updated=no
update_lists() {
    if [ "$lists_updated" = no ]; then
        "${apt[@]}" update
        lists_updated=yes
    fi
}

# The package lists may be missing or name versions that the mirror no longer has: then fetch them and repeat.
install_packages() {
    "${apt[@]}" install --no-install-recommends "$@" && return
    [ "$lists_updated" = no ] || return 1
    update_lists
    "${apt[@]}" install --no-install-recommends "$@"
}

am_root || fail "install.sh has to run as root"
exec 9>/run/usher-install.lock
flock 9
allow_clusters
allow_services
links_before=$(boot_links)
trap put_back EXIT
trap 'exit 130' HUP INT TERM

package_known postgresql || update_lists
mapfile -t names < <(package_names "$@")
forbid_services
if [[ " ${names[*]} " == *" postgresql "* ]]; then
    # First, since it brings the file that forbid_clusters has to change.
    install_packages postgresql-common
    forbid_clusters
fi
install_packages "${names[@]}"
