"""The table of a run of methods.py: each method's accuracy, and its change against the base on the same questions.

    python3 study.py study/results.jsonl

Intervals are paired bootstraps over questions (2,000 samples, 95 %), the seeds of a method averaged question by question.
"""

import argparse
import json
from pathlib import Path

import numpy as np

SAMPLES = 2000


def answers(row, arm):
    return np.array([mark == "1" for mark in row["right"][arm]], float)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.results.open()]
    measured = [r for r in rows if r["stage"] in ("large", "kept") and r.get("pairs", 0) > 100]
    base = next(r for r in measured if r["experiment"]["name"] == "base")
    before = {arm: answers(base, arm) for arm in ("text", "audio")}
    start = next(r for r in rows if r["stage"] == "base" and r["set"] == "test")
    depths = np.array([row[1] for row in start["rows"]])
    print(f"n = {len(depths)}: text {base['text']}, audio {base['audio']}, transcript {start['transcript']}, word errors {start['word_errors']} %\n")
    groups = {}
    for row in measured:
        if row is not base:
            groups.setdefault((row["experiment"]["name"], row["pairs"]), []).append(row)
    samples = np.random.default_rng(0).integers(0, len(depths), (SAMPLES, len(depths)))
    print("| method | pairs | seeds | text | change | audio | change |\n|---|---|---|---|---|---|---|")
    for (name, pairs), runs in groups.items():
        cells = []
        for arm in ("text", "audio"):
            each = np.array([answers(run, arm) for run in runs])
            change = 100 * (each.mean(0) - before[arm])
            low, high = np.percentile(change[samples].mean(1), [2.5, 97.5])
            spread = f" ± {100 * each.mean(1).std(ddof=1):.1f}" if len(runs) > 1 else ""
            cells += [f"{100 * each.mean():.1f}{spread}", f"{change.mean():+.1f} [{low:.1f}, {high:.1f}]"]
        print(f"| {name} | {pairs:,} | {len(runs)} | {' | '.join(cells)} |")
    print("\n| steps | n | text | audio | audio after CORD |\n|---|---|---|---|---|")
    after = np.mean([answers(run, "audio") for (name, _), runs in groups.items() if name == "CORD" for run in runs], 0)
    for depth in sorted(set(depths)):
        own = depths == depth
        print(f"| {depth} | {own.sum()} | " + " | ".join(f"{100 * values[own].mean():.1f}" for values in (before["text"], before["audio"], after)) + " |")


if __name__ == "__main__":
    main()
