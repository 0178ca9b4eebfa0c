#!/usr/bin/env bash
# Installs the packages into an empty Debian, lets them answer, upgrades and removes them. Needs root, debootstrap and a mirror.
#
#   make -C Sources/Service/Packaging deb
#   Tests/Packages/install.sh .build/package/deb bookworm trixie
set -euo pipefail
debs=$(realpath "$1"); shift
here=$(cd "$(dirname "$0")" && pwd)
mirror=${MIRROR-http://deb.debian.org/debian}
say() { echo "packages: $*" >&2; }
fail() { say "$*"; exit 1; }

for suite in "$@"; do
    # The system's own users enter it, too.
    root=$(mktemp -d) && chmod 755 "$root"
    server=
    stop() { [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true; umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"; }
    trap stop EXIT
    say "$suite: an empty system"
    # What is mounted below would be deleted with it.
    if [ -d "${CACHE-}/$suite" ]; then cp -a "$CACHE/$suite/." "$root"; else debootstrap --variant=minbase "$suite" "$root" "$mirror" >/dev/null; fi
    mount -t proc proc "$root/proc"
    number=$(. "$root/etc/os-release" && echo "$VERSION_ID")
    install -d "$root/debs" && cp "$debs"/cord_*_amd64.deb "$debs"/cord-decode_*~deb"$number"_amd64.deb "$root/debs/"
    inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }

    inside apt-get update -qq
    inside sh -c 'apt-get install -y -qq --no-install-recommends curl ca-certificates /debs/*.deb' >/dev/null 2>&1 || inside sh -c 'apt-get install -y /debs/*.deb'
    before=$(inside dpkg -L cord | grep -c '^/usr/lib/cord/')
    [ "$before" -gt 5 ] || fail "$suite: the program's parts are not there"
    inside getent passwd cord >/dev/null || fail "$suite: there is no user cord"
    [ "$(inside stat -c '%U %a' /var/lib/cord)" = "cord 700" ] || fail "$suite: /var/lib/cord is not cord's alone"

    # As the service starts it, without the service manager.
    answer() {
        # Not through `inside`, whose shell would take the signal.
        chroot "$root" setpriv --reuid=cord --regid=cord --clear-groups env -i PATH=/usr/bin:/bin \
            cord serve --config /etc/cord/cord.toml --data /var/lib/cord --port 0 2>"$root/log" &
        server=$!
        local url=
        for _ in $(seq 150); do
            url=$(sed -n 's/.*ready on \(http[^ ]*\).*/\1/p' "$root/log"); [ -n "$url" ] && break
            kill -0 "$server" 2>/dev/null || fail "$suite: $(cat "$root/log")"
            sleep 0.2
        done
        [ -n "$url" ] || fail "$suite: the server was not ready within 30 s"
        cp "$here"/../Fixtures/spoken/sum.wav "$root/tmp/sum.wav"
        # Whole before it is searched: a search that has found would end the transfer, which then fails.
        holds() { local body; body=$(curl -sS --fail-with-body "${@:3}" 2>&1) && grep -qi "$2" <<<"$body" || fail "$suite: no $1: $(head -c 500 <<<"$body")"; }
        holds answer '"answer":"54"' --data-binary @"$root/tmp/sum.wav" -H 'Content-Type: audio/wav' "$url/v1/answers"
        holds console '<title>' "$url/"
        holds description '"/v1/answers"' "$url/openapi.json"
        [ -z "${M4A-}" ] || holds M4A '"answer"' --data-binary @"$M4A" -H 'Content-Type: audio/mp4' "$url/v1/answers"
        kill -TERM "$server"; wait "$server" || fail "$suite: SIGTERM did not end it well"
        server=
    }
    answer
    say "$suite: it answers, with its console"

    # The same content under a higher version stands for the next release.
    inside sh -c 'cd /tmp && dpkg-deb -R /debs/cord_*.deb next && sed -i "s/^Version: .*/&+1/" next/DEBIAN/control && dpkg-deb -Zgzip -b next next.deb >/dev/null && rm -r next &&
        echo "# mine" >>/etc/cord/cord.toml && apt-get install -y -qq ./next.deb' >/dev/null 2>&1 || fail "$suite: no upgrade"
    inside grep -q '# mine' /etc/cord/cord.toml || fail "$suite: the upgrade overwrote the settings"
    [ -n "$(ls "$root/var/lib/cord")" ] || fail "$suite: the upgrade lost the data"
    answer
    say "$suite: upgraded, with its settings and data"

    inside apt-get remove -y -qq cord cord-decode >/dev/null 2>&1
    [ ! -e "$root/usr/lib/cord" ] && [ ! -e "$root/usr/bin/cord" ] || fail "$suite: left behind: $(ls "$root/usr/lib/cord")"
    [ -n "$(ls "$root/var/lib/cord")" ] || fail "$suite: removing the program deleted the data"
    inside apt-get purge -y -qq cord >/dev/null 2>&1
    left=$(find "$root" -xdev \( -path "$root/debs" -o -path "$root/var/cache" -o -path "$root/var/log" -o -path "$root/proc" -o -path "$root/tmp" \) -prune -o -name '*cord*' -print |
        grep -vE 'record|concord|/usr/share/perl|/usr/lib/python' || true)
    [ -z "$left" ] || fail "$suite: left behind after purge: $left"
    say "$suite: removed without a trace"
    trap - EXIT
    stop
done
