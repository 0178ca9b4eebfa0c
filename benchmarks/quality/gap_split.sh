#!/usr/bin/env bash
# The gap of cord-nano and cord-nano-cord, taken apart in what hearing and what reasoning over sound lose: cord-bench-1, and 1,200 questions of the test
# split, spoken by voices that no training heard. Writes reports and comparisons to benchmarks/quality/gap-split.
#
#     benchmarks/quality/gap_split.sh [.build/release/cord]        # seven minutes on two cores; needs espeak-ng
set -euo pipefail
cd "$(dirname "$0")/../.."
cord=${1:-.build/release/cord} out=benchmarks/quality/gap-split
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p $out
"$cord" questions --split test --count 1200 --seed 17 >"$work/questions.jsonl"
"$cord" speak "$work/questions.jsonl" --voices heldout --seed 17 --format opus --output "$work/test-1200" >&2
for set in cord-bench-1 test-1200; do
    benchmark=$set
    if [ -d "$work/$set" ]; then benchmark=$work/$set; fi
    for model in cord-nano cord-nano-cord; do
        adapter=()
        if [ $model = cord-nano-cord ]; then adapter=(--adapter cord-nano-cord); fi
        "$cord" eval --benchmark "$benchmark" --arms text,audio,transcript "${adapter[@]}" --output "$work/$set-$model" >$out/$set-$model.md
    done
    "$cord" gap compare "$work/$set-cord-nano" "$work/$set-cord-nano-cord" >$out/$set-compared.md
done
