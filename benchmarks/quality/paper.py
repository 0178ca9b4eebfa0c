#!/usr/bin/env python3
"""The table of the CORD paper (arXiv 2601.16547) for a model that you have: MMSU, OpenBookQA and spoken GSM8K before and after a training with
the paper's parameters, beside the numbers that it published.

    benchmarks/quality/paper.py MODEL --mmsu mmsu --openbookqa openbookqa --gsm8k GSM8k_structured --pairs spoken/manifest.jsonl --output paper
    benchmarks/quality/paper.py cord-nano --dry-run --output dry          a quarter of an hour, with small sets in the same form

MODEL is a directory or cord-nano, the embedded one. The three sets are folders as `cord gap formats` says under voicebench and speech_math, which also
prints the commands that write them. The pairs are the training's: 80,000 mathematics questions in the paper, which are not public; a manifest of
`cord data formats`, or --adapter DIR, where the training is done already. Without both, only the model is measured.

Steps, learning rate, K, α, β, N, temperatures and rollout length are the paper's; the batch (--batch-size) and what was trained are not told there.
Everything is kept under --output and done once: what was stopped goes on when the same command is given again. Nothing but Python's
standard library is needed. Intervals are 95 %: Wilson's of accuracies, of differences the percentile bootstrap over items, the same items in every
column.
"""

import argparse
import collections
import json
import math
import random
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = {"mmsu": "MMSU", "openbookqa": "OpenBookQA", "gsm8k": "GSM8K, spoken"}
# Typed, spoken before, spoken after, in percent.
PUBLISHED = {
    "Qwen2-Audio-7B-Instruct": {"mmsu": (44.46, 36.04, 38.06), "openbookqa": (68.79, 51.20, 52.77), "gsm8k": (40.47, 20.73, 36.20)},
    "Step-Audio 2 mini": {"mmsu": (60.47, 52.31, 57.63), "openbookqa": (80.00, 72.30, 77.74), "gsm8k": (60.47, 43.75, 47.56)},
}
PARAMETERS = {
    "--method": "cord", "--learning-rate": 3e-5, "--top-k": 20, "--alpha": 2, "--beta": 2, "--rollouts": 4, "--token-temperature": 1,
    "--sequence-temperature": 1.5, "--max-rollout-tokens": 200, "--teacher": "frozen",
}
RESAMPLES = 2000


def cord(options, *words):
    done = subprocess.run([options.cord, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"cord {' '.join(map(str, words))}\n{done.stderr[-2000:]}")
    return done.stdout


def of_model(options):
    return [] if options.model == "cord-nano" else ["--model", options.model]


def measured(options, name, folder, adapter):
    """Of every item that was asked typed and spoken, whether each answer is right, by its id."""
    place = options.output / "reports" / name
    if not (place / "report.json").exists():
        limit = ["--limit", options.limit] if options.limit else []
        chosen = ["--adapter", adapter] if adapter else []
        cord(options, "eval", *of_model(options), *chosen, "--benchmark", folder, "--output", place, *limit)
    items = {}
    for item in map(json.loads, (place / "items.jsonl").open()):
        arms = item["arms"]
        if "text" in arms and "audio" in arms:
            items[item["id"]] = (bool(arms["text"].get("correct")), bool(arms["audio"].get("correct")))
    if not items:
        raise SystemExit(f"{name}: no item of {folder} was asked both typed and spoken; {place}/report.md says why")
    return items


def trained(options):
    """The adapter that CORD leaves behind."""
    if options.adapter or not options.pairs:
        return options.adapter
    run = options.output / "cord"
    if not (run / "adapter").exists():
        parameters = [word for pair in PARAMETERS.items() for word in pair]
        cord(options, "train", options.pairs, *of_model(options), "--output", run, *parameters, "--steps", options.steps, "--batch-size",
             options.batch_size, "--seed", options.seed, "--max-skipped", options.max_skipped)
    return run / "adapter"


class Column:
    """Figures of one set: counts of items by what was right, and what is read from them."""

    def __init__(self, before, after):
        shared = [name for name in before if after is None or name in after]
        # Typed before, spoken before, typed after, spoken after.
        self.counts = collections.Counter((*before[name], *(after[name] if after else (False, False))) for name in shared)
        self.n = len(shared)

    def drawn(self, rng):
        """The same, of items drawn anew."""
        other = Column({}, None)
        cells = list(self.counts)
        other.counts = collections.Counter(rng.choices(cells, [self.counts[cell] for cell in cells], k=self.n))
        other.n = self.n
        return other

    def share(self, place):
        return 100 * sum(count for cell, count in self.counts.items() if cell[place]) / self.n

    def figures(self, is_trained):
        text, audio = self.share(0), self.share(1)
        found = {"text": text, "audio": audio, "gap": text - audio}
        if is_trained:
            found |= {"text after": self.share(2), "audio after": self.share(3), "gap after": text - self.share(3),
                      "own gap after": self.share(2) - self.share(3)}
        return found


def mean_figures(columns, is_trained):
    """Over the sets: the mean gap, and by how much of it the training lowered it, as the paper has it, against the base's typed answers."""
    all_figures = [column.figures(is_trained) for column in columns]
    found = {"gap": sum(f["gap"] for f in all_figures) / len(columns)}
    if is_trained:
        for name in ("gap after", "own gap after"):
            found[name] = sum(f[name] for f in all_figures) / len(columns)
        found["change"] = 100 * (found["gap after"] / found["gap"] - 1) if found["gap"] else float("nan")
    return found


def with_intervals(found, drawn):
    """`figure [low, high]` of every figure; a change against a gap of nothing has none."""
    cells = {}
    for name, value in found.items():
        values = sorted(d[name] for d in drawn if d[name] == d[name])
        if value != value or not values:
            cells[name] = "–"
            continue
        low, high = values[int(0.025 * len(values))], values[min(len(values) - 1, int(0.975 * len(values)))]
        cells[name] = f"{value:.1f} [{low:.1f}, {high:.1f}]"
    return cells


def wilson(percent, n, z=1.959964):
    """An accuracy with its score interval."""
    share = percent / 100
    centre, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return f"{percent:.1f} [{100 * (centre - half) / (1 + z * z / n):.1f}, {100 * (centre + half) / (1 + z * z / n):.1f}]"


def table(columns, is_trained, seed):
    """The measured rows, in Markdown."""
    rng = random.Random(seed)
    draws = [{name: column.drawn(rng) for name, column in columns.items()} for _ in range(RESAMPLES)]
    after = ["text after", "audio after", "gap after", "own gap after"] if is_trained else []
    heads = {"text": "Text", "audio": "Audio", "gap": "Gap", "text after": "Text after", "audio after": "Audio after CORD",
             "gap after": "Gap after, to the base's text", "own gap after": "Gap after, to its own text"}
    shown = ["text", "audio", "gap", *after]
    lines = ["| | n | " + " | ".join(heads[name] for name in shown) + " |", "|---|" + "---|" * (len(shown) + 1)]
    for name, column in columns.items():
        found = column.figures(is_trained)
        cells = with_intervals(found, [draw[name].figures(is_trained) for draw in draws])
        cells |= {part: wilson(value, column.n) for part, value in found.items() if "gap" not in part}
        lines.append(f"| {SETS[name]} | {column.n} | " + " | ".join(cells[s] for s in shown) + " |")
    means = with_intervals(mean_figures(list(columns.values()), is_trained), [mean_figures(list(d.values()), is_trained) for d in draws])
    lines.append("| mean | | " + " | ".join(means.get(s, "") for s in shown) + " |")
    if is_trained:
        lines.append(f"\nThe mean gap changed by {means['change']} % of itself, against the base's typed answers, as the paper reckons it.")
    return "\n".join(lines)


def published(names):
    """The paper's rows of these sets, in Markdown."""
    lines = ["| Published | | Text | Audio | Audio after CORD | Gap before → after |", "|---|---|---|---|---|---|"]
    for model, rows in PUBLISHED.items():
        for name in names:
            text, before, after = rows[name]
            lines.append(f"| {model} | {SETS[name]} | {text:.2f} | {before:.2f} | {after:.2f} | {text - before:.2f} → {text - after:.2f} |")
        first = sum(rows[n][0] - rows[n][1] for n in names) / len(names)
        last = sum(rows[n][0] - rows[n][2] for n in names) / len(names)
        lines.append(f"| | mean | | | | {first:.2f} → {last:.2f} ({100 * (last / first - 1):+.1f} %) |")
    return "\n".join(lines)


def small_sets(options):
    """Sets and pairs of the true form, a few questions each, for a dry run."""
    def spoken(name, split, *words):
        folder = options.output / "small" / name
        if not (folder / "manifest.jsonl").exists():
            folder.mkdir(parents=True, exist_ok=True)
            questions = folder / "questions.jsonl"
            questions.write_text(cord(options, "questions", "--split", split, *words))
            cord(options, "speak", questions, "--output", folder, "--voices", "heldout" if split == "test" else "varied", "--format", "wav")
        return folder, [json.loads(line) for line in (folder / "manifest.jsonl").open()]

    for name, subset, seed in (("mmsu", "mmsu", 1), ("openbookqa", "openbookqa", 2)):
        folder, rows = spoken(f"{name}-spoken", "test", "--family", "facts", "--count", 40, "--seed", seed)
        place = options.output / "small" / name
        place.mkdir(exist_ok=True)
        shutil.copytree(folder / "audio", place / "audio", dirs_exist_ok=True)
        # As load_dataset("hlt-lab/voicebench", subset) gives it; the rest of its columns are not read.
        (place / "metadata.jsonl").write_text("".join(json.dumps(
            {"prompt": row["text"], "audio": row["audio"], "reference": row["answer"], "subset": subset, "split": "test"}) + "\n" for row in rows))
        setattr(options, name, place)
    folder, rows = spoken("gsm8k-spoken", "test", "--family", "shopping", "--family", "chains", "--depth", "1-3", "--count", 40, "--seed", 3)
    options.gsm8k = options.output / "small" / "gsm8k"
    options.gsm8k.mkdir(exist_ok=True)
    shutil.copytree(folder / "audio", options.gsm8k / "audio", dirs_exist_ok=True)
    (options.gsm8k / "metadata.jsonl").write_text("".join(json.dumps(
        {"index": number, "audio": row["audio"], "question": row["text"], "answer": f"{row['solution']} #### {row['answer']}",
         "subset": "GSM8k_structured"}) + "\n" for number, row in enumerate(rows)))
    options.pairs = spoken("pairs", "train", "--family", "shopping", "--depth", "1-3", "--count", 24, "--seed", 4)[0] / "manifest.jsonl"
    options.steps, options.batch_size = 3, 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL", help="a directory, or cord-nano")
    for name, title in SETS.items():
        parser.add_argument(f"--{name}", type=Path, help=f"the folder of {title}")
    parser.add_argument("--pairs", type=Path, help="the manifest that is trained on")
    parser.add_argument("--adapter", type=Path, help="what a training left behind, in place of a training")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-skipped", type=int, default=100, help="lines of the pairs that may be left out, each named")
    parser.add_argument("--limit", type=int, help="ask so many items of each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cord", default=str(ROOT / ".build/release/cord"), help="the program")
    parser.add_argument("--dry-run", action="store_true", help="small sets of the true form and three steps, to see that all goes through")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.dry_run:
        small_sets(options)
    folders = {name: getattr(options, name) for name in SETS if getattr(options, name)}
    if not folders:
        parser.error("give at least one of --mmsu, --openbookqa and --gsm8k, or --dry-run")
    for name, folder in folders.items():
        if not folder.exists():
            parser.error(f"--{name}: there is no {folder}")
    before = {name: measured(options, f"{name}-before", folder, None) for name, folder in folders.items()}
    adapter = trained(options)
    after = {name: measured(options, f"{name}-after", folder, adapter) if adapter else None for name, folder in folders.items()}
    columns = {name: Column(before[name], after[name]) for name in folders}
    page = (f"# {options.model}, before and after CORD with the paper's parameters\n\nPercent right [95 % interval].\n\n"
            f"{table(columns, bool(adapter), options.seed)}\n\n{published(list(folders))}\n")
    (options.output / "table.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
