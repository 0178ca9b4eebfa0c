#!/usr/bin/env bash
# Speaks the questions of the end-to-end tests with espeak-ng. The files are kept, so that a newer espeak-ng changes nothing.
set -euo pipefail
cd "$(dirname "$0")"

say() { [ -e "$1.wav" ] || espeak-ng -v "$2" -s 210 -w "$1.wav" "$3"; }
say sum en-us "What is the sum of 17, 9 and 28?"
say tallest en-us+f3 "Tom is taller than Emma. Emma is taller than Ben. Who is the tallest of them?"
say france en-gb "What is the capital of France? A: Rome, B: Paris, C: Berlin."
say pens en-us+m3 "Ben has 33 pens. He buys 35 more. He sells 3. How many pens are there now?"
