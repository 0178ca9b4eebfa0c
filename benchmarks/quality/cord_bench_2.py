#!/usr/bin/env python3
"""Makes cord-bench-2: 800 spoken questions over families, depths, synthesizers and what lies between mouth and microphone.

    benchmarks/quality/cord_bench_2.py --output cord-bench-2 [--cord .build/release/cord]

Questions of the test split: the six plain families, seven deep ones of one to four steps, one that no training saw (travel), and what cannot be
answered. Each is spoken once; a hundred in each of eight ways, by voices that no training heard in six of them. Needs espeak-ng, flite, festival,
festvox-kallpc16k and festvox-kdlpc16k. The set is frozen inside the program: made again with other versions of these, its clips differ.
"""

import argparse
import json
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from conditions import FESTIVAL, FLITE, HELD_OUT, ROOT, voices

WAYS = [
    HELD_OUT,
    [*HELD_OUT, "--silence", "0.5,2"],
    [*HELD_OUT, "--noise", "15,25", "--gain=-20,-10"],
    [*HELD_OUT, "--room", "0.3,0.5"],
    [*HELD_OUT, "--telephone", "--tempo", "0.85,1.2"],
    voices(FLITE, "slt"),
    voices(FLITE, "kal16", "awb", "rms"),
    voices(FESTIVAL, "kal_diphone", "ked_diphone"),
]
# Family, how many, and how to draw them.
PARTS = [("plain", 240, []), ("deep", 480, ["--depth", "1-4"]), ("travel", 80, ["--depth", "1-2"])]
# The encoder's window is 20 s; of longer clips another question takes the place.
LONGEST = 18.0


def run(*words):
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cord", default=str(ROOT / ".build/release/cord"))
    options = parser.parse_args()
    rng = random.Random(2)
    # A fifth more than are kept.
    parts = [[json.loads(line) for line in run(options.cord, "questions", "--split", "test", "--family", family, "--count", count * 6 // 5,
                                               "--seed", 52, *more).splitlines()] for family, count, more in PARTS]
    for part in parts:
        rng.shuffle(part)
    (options.output / "audio").mkdir(parents=True)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        for place, way in enumerate(WAYS):
            for number, ((family, count, _), part) in enumerate(zip(PARTS, parts)):
                share, spare = count // len(WAYS), len(part) // len(WAYS)
                folder, questions = Path(work) / f"{place}-{number}", Path(work) / f"{place}-{number}.jsonl"
                questions.write_text("".join(json.dumps(row) + "\n" for row in part[place * spare:(place + 1) * spare]))
                run(options.cord, "speak", questions, "--output", folder, "--format", "opus", "--seed", place, *way)
                spoken = [json.loads(line) for line in (folder / "manifest.jsonl").open()]
                kept = [row for row in spoken if row["seconds"] <= LONGEST][:share]
                assert len(kept) == share, f"{family}: {len(kept)} of {share} clips are short enough"
                for row in kept:
                    shutil.copy(folder / row["audio"], options.output / row["audio"])
                rows += kept
                print(f"{' '.join(way)}: {family}, {len(kept)} clips", flush=True)
    rng.shuffle(rows)
    (options.output / "manifest.jsonl").write_text("".join(json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n" for row in rows))


if __name__ == "__main__":
    main()
