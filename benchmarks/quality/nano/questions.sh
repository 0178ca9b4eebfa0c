#!/usr/bin/env bash
# Draws what cord-nano is taught: typed.jsonl, spoken.jsonl and, to look at, dev.jsonl.
#   bash questions.sh OUTPUT [CORD]
set -euo pipefail
output=$1; cord=${2:-cord}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$output/parts"

# draw NAME COUNT FAMILY DEPTH SEED MANNERS…
draw() {
    local name=$1 count=$2 family=$3 depth=$4 seed=$5; shift 5
    "$cord" questions --split train --count "$count" --family "$family" --depth "$depth" --seed "$seed" ${@/#/--manner } > "$output/parts/$name-$family-$depth"
}

typed="plain plain polite words careless"
draw typed 60000 arithmetic 1 100 $typed & draw typed 40000 lists 1 101 $typed; wait
draw typed 40000 comparisons 1 102 $typed & draw typed 20000 facts 1 103 $typed; wait
draw typed 15000 ordering 1 104 $typed & draw typed 2000 calendar 1 105 $typed; wait
for family in chains columns owners derived agenda shopping legs; do
    draw typed 28000 $family 1-3 110 $typed & draw typed 16000 $family 4-12 111 $typed
    wait
done
draw typed 15000 unanswerable 1-3 112 $typed

spoken="plain plain polite"
draw spoken 7000 arithmetic 1 200 $spoken & draw spoken 6000 lists 1 201 $spoken; wait
draw spoken 5000 comparisons 1 202 $spoken & draw spoken 5000 facts 1 203 $spoken; wait
draw spoken 4000 ordering 1 204 $spoken & draw spoken 1500 calendar 1 205 $spoken; wait
for family in chains columns owners derived agenda shopping legs; do
    draw spoken $([ $family = legs ] && echo 500 || echo 2000) $family 1 210 $spoken & draw spoken 1200 $family 2-5 211 $spoken
    wait
done
draw spoken 2500 unanswerable 1-3 212 $spoken

python3 "$here/words.py" "$output/parts"/typed-* > "$output/parts/spoken-words"
python3 - "$output" <<'PY'
import pathlib, random, sys
folder = pathlib.Path(sys.argv[1])
for kind in ("typed", "spoken"):
    lines = [line for part in sorted((folder / "parts").glob(f"{kind}-*")) for line in part.open()]
    random.Random(1).shuffle(lines)
    (folder / f"{kind}.jsonl").write_text("".join(lines))
    print(kind, len(lines))
PY
"$cord" questions --split dev --count 600 --family all --depth 1-3 --seed 6 > "$output/dev.jsonl"
