#!/usr/bin/env bash
# Every parser that strangers reach under libFuzzer: fuzz.sh [--seconds N] [--targets "a b"] [--corpus DIR]
#
# Prints executions, coverage and corpus size per target; a finding is kept under Tests/Fixtures/fuzz/TARGET, printed, and ends in 1.
# The instrumented build lies apart (.build/fuzz). Six seconds a target by default; an hour is --seconds 280.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=6
targets=
corpus=
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=$2 ;;
        --targets) targets=$2 ;;
        --corpus) corpus=$2 ;;
        *) echo "usage: fuzz.sh [--seconds N a target] [--targets \"NAME …\"] [--corpus DIR]" >&2; exit 2 ;;
    esac
    shift 2
done

export CORD_FUZZ=1
build=(swift build -c release --scratch-path .build/fuzz --product cord-fuzz)
"${build[@]}" >&2
fuzz=$("${build[@]}" --show-bin-path)/cord-fuzz

# In memory where there is room: targets that write a file per input are twenty times as fast there.
scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"
found=0
for target in ${targets:-$("$fuzz" list)}; do
    work=${corpus:-$scratch}/$target
    mkdir -p "$work" "$scratch/$target-found"
    "$fuzz" seed "$target" "$work"
    log=$scratch/$target.log
    if "$fuzz" "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$scratch/$target-found/" \
        "$work" >"$log" 2>&1
    then verdict=ok; else verdict=FOUND; fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -c6-)
    printf '%-24s %9s executions %6s edges %5s inputs  %s\n' "$target" "${executions:-?}" "${coverage:-?}" "$(ls "$work" | wc -l)" "$verdict"
    if [ "$verdict" = FOUND ]; then
        found=1
        mkdir -p "Tests/Fixtures/fuzz/$target"
        cp "$scratch/$target-found"/* "Tests/Fixtures/fuzz/$target/" 2>/dev/null || true
        grep -E 'Fatal error|ERROR|SUMMARY|Crash|overflow' "$log" | head -5 >&2 || true
        tail -5 "$log" >&2
    fi
done
exit $found
