#!/bin/sh
# Requests per second of GET /health under `wrk -t1 -c64`, as CSV rows. Builds nothing.
#
#   benchmarks/speed/health.sh CORD [PEER_URL]
#
# CORD is the program, started here on a free port of its own, or a URL where one serves already. With a peer, both are
# measured in turn, twice, the better run counts, and the last line is the ratio.
set -eu

target=${1:?usage: health.sh CORD_BINARY_OR_URL [PEER_URL]}
peer=${2:-}
seconds=${SECONDS_EACH:-10}
commit=$(git -C "$(dirname "$0")" rev-parse --short HEAD 2>/dev/null || echo unknown)
machine="$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
server=

stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true; }
trap stop EXIT INT TERM

case $target in
http*) url=${target%/health}/health ;;
*)
    port=${PORT:-18080}
    "$target" serve --port "$port" >/dev/null 2>&1 &
    server=$!
    url=http://127.0.0.1:$port/health
    ;;
esac
[ -z "$peer" ] || peer=${peer%/health}/health

for u in "$url" $peer; do
    tries=0
    until curl -sf -o /dev/null "$u"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "health.sh: $u did not answer 200 within 60 s" >&2; exit 1; }
        sleep 0.2
    done
done

# requests/s, p50 ms, p99 ms, errors
measure() {
    wrk -t1 -c64 -d"${seconds}s" --latency "$1" | awk '
        function ms(t) { return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000 }
        $1 == "50%" { p50 = ms($2) } $1 == "99%" { p99 = ms($2) } $1 == "Requests/sec:" { rate = $2 }
        /Socket errors|Non-2xx/ { for (i = 1; i <= NF; i++) errors += $i }
        END { printf "%.0f,%.3f,%.3f,%d\n", rate, p50, p99, errors }'
}

better() { printf '%s\n%s\n' "$1" "$2" | sort -t, -k1,1nr | head -1; }

echo "what,requests_per_second,p50_ms,p99_ms,errors,machine,commit"
ours=$(measure "$url")
if [ -n "$peer" ]; then
    theirs=$(measure "$peer")
    ours=$(better "$ours" "$(measure "$url")")
    theirs=$(better "$theirs" "$(measure "$peer")")
fi
echo "cord,$ours,$machine,$commit"
if [ -n "$peer" ]; then
    echo "peer,$theirs,$machine,-"
    echo "ratio $(echo "$ours,$theirs" | awk -F, '{ printf "%.2f", $1 / $5 }')"
fi
