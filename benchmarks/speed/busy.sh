#!/bin/sh
# What a busy neighbour costs: cord's first token and decode on the random 1.27B model beside one process that never rests, as a
# share of the speed without it. On two cores a fair share is at least a half.
#
# Needs: what answer.py needs, without peers. Usage: benchmarks/speed/busy.sh CORD [further options of answer.py]
set -eu
cord="${1:?usage: busy.sh CORD [options of answer.py]}"
shift
here="$(dirname "$0")"
python="${CORD_PEERS:-$HOME/.cache/cord-peers}/python/bin/python"
[ -x "$python" ] || python=python3
hog=
trap '[ -z "$hog" ] || kill "$hog"' EXIT INT TERM

measure() { "$python" "$here/answer.py" "$cord" --peers "" --parts single "$@"; }
alone="$(measure "$@")"
sh -c 'while :; do :; done' &
hog=$!
beside="$(measure "$@" --quiet 99)"
kill "$hog"
hog=
printf '%s\n' "$alone" "$beside" | awk -F, '
    /first token of|,decode,/ { sub(/^"[^"]*"/, "m"); value[++n] = $6; name[n] = $4 }
    { print }
    END {
        print "# first token beside a busy neighbour: " value[1] / value[3] " of the speed alone"
        print "# decode beside a busy neighbour: " value[4] / value[2] " of the speed alone"
    }'
