"""Rows for `cord train --method supervised` of typed questions and of clips that are answered or written down.

    python3 answered.py --typed typed.jsonl --sums spoken-sums --pairs pairs --output rows

`--sums` and `--pairs` are what `cord speak` wrote; the rows name their clips through links in the output folder. A question of more than one step
is never answered when spoken, only written down: what the model lacks there is left for CORD.
"""

import argparse
import json
import random
from pathlib import Path

TRANSCRIBE = "Detect the language and recognize the speech:"
PLAIN = {"arithmetic", "calendar", "facts", "ordering", "comparisons", "lists", "unanswerable", "sums"}


def typed(row):
    return {"messages": [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": row["solution"]}]}


def spoken(row, folder, is_answered):
    asked, said = ("", row["solution"]) if is_answered else (TRANSCRIBE, row["text"])
    return {"messages": [{"role": "user", "content": "<audio>" + asked}, {"role": "assistant", "content": said}],
            "audios": [f"{folder}/{Path(row['audio']).name}"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--typed", type=Path, required=True)
    parser.add_argument("--sums", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--count", type=int, default=9600, help="typed rows: of sums 27 in 100, of more than three steps 6")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, folder in (("sums", options.sums), ("pairs", options.pairs)):
        link = options.output / name
        if not link.exists():
            link.symlink_to((folder / "audio").resolve())
        for row in map(json.loads, (folder / "manifest.jsonl").open()):
            if row["category"] in PLAIN and rng.random() < 0.8:
                rows.append(spoken(row, name, True))
            elif rng.random() < 0.6:
                rows.append(spoken(row, name, False))
    groups = {"sums": [], "deep": [], "other": []}
    for row in map(json.loads, options.typed.open()):
        groups["sums" if row["category"] == "sums" else "deep" if row.get("depth", 1) > 3 else "other"].append(row)
    for name, share in (("sums", 0.27), ("deep", 0.06), ("other", 0.67)):
        rows += map(typed, rng.sample(groups[name], min(len(groups[name]), int(options.count * share))))
    rng.shuffle(rows)
    (options.output / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
