#!/usr/bin/env python3
"""Compares CORD with its baselines on equal pairs: tunes each method's learning rate on a development set, trains several seeds, and
measures them on a test set that no tuning saw.

    methods × rates ─ cord train ─ cord eval (development) ─ best rate of each
    methods × seeds ─ cord train ─ cord eval (test)        ─ table.md, table.json; gap-table.md, .csv, .tex (cord gap table)
    CORD with one of K, α, β changed, at CORD's rate       ─ the same table

    benchmarks/quality/ablation.py --cord .build/release/cord --model nano/model --pairs pairs/manifest.jsonl \\
        --dev dev/ --test test/ --output ablation

Every training and every measurement is kept under --output and done once: a run that was stopped goes on where it was.
The folders come from `cord questions --split …` and `cord speak`. Python's standard library is all it needs.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SINGLES = {
    "CORD, K = 5": ["--method", "cord", "--top-k", "5"],
    "CORD, K = 40": ["--method", "cord", "--top-k", "40"],
    "CORD, α = 1": ["--method", "cord", "--alpha", "1"],
    "CORD, α = 4": ["--method", "cord", "--alpha", "4"],
    "CORD, β = 1": ["--method", "cord", "--beta", "1"],
    "CORD, β = 4": ["--method", "cord", "--beta", "4"],
}


def methods(cord):
    """The options of every training method, by its name in tables."""
    lines = subprocess.run([cord, "methods"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return {title: ["--method", name] for name, title in (line.split("\t") for line in lines)}


def slug(name):
    spelled = name.lower().replace("α", "alpha").replace("β", "beta").replace("=", "").replace("+", "and")
    return "-".join("".join(c if c.isalnum() else " " for c in spelled).split())


class Study:
    def __init__(self, arguments):
        self.arguments = arguments
        self.output = Path(arguments.output)
        self.output.mkdir(parents=True, exist_ok=True)
        self.methods = methods(arguments.cord)
        self.threads = max(1, os.cpu_count() // arguments.workers)
        lines = Path(arguments.pairs).read_text().splitlines()[: arguments.limit]
        # Paths in the manifest are relative to its folder.
        folder = Path(arguments.pairs).resolve().parent
        self.pairs = self.output / "pairs.jsonl"
        rows = [json.loads(line) for line in lines]
        for row in rows:
            row["audio"] = str(folder / row["audio"])
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if self.pairs.exists() and self.pairs.read_text() != text:
            raise SystemExit(f"{self.pairs} was made from other pairs; give another --output")
        self.pairs.write_text(text)
        self.count = len(rows)

    def run(self, *command, heavy=False):
        command = [*command, *(["--threads", self.threads] if heavy else [])]
        done = subprocess.run([self.arguments.cord, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"cord {' '.join(map(str, command))}\n{done.stderr[-2000:]}")
        return done.stdout

    def trained(self, name, options, rate, seed):
        """The adapter of a method, and the seconds of its steps by its metrics: their median times their number, so that a stop counts once."""
        folder = self.output / "runs" / f"{slug(name)}-{rate:g}-{seed}"
        note = folder / "seconds.json"
        if not note.exists():
            self.run(
                "train", self.pairs, "--model", self.arguments.model, "--output", folder, *options, "--learning-rate", rate, "--seed",
                seed, "--batch-size", self.arguments.batch_size, "--schedule", "linear", "--warmup-steps", 10, "--max-grad-norm", 1,
                "--lora-rank", self.arguments.rank, "--train", "decoder", "--train", "projector", "--train", "encoder",
                "--epochs", self.arguments.epochs, heavy=True)
            steps = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
            seconds = [step["timings"]["total"] for step in steps if step.get("timings")]
            note.write_text(json.dumps(statistics.median(seconds) * len(seconds)))
            for checkpoint in (folder / "checkpoints").glob("*"):
                checkpoint.unlink()
        return folder / "adapter", json.loads(note.read_text())

    def measured(self, adapter, questions, place):
        report = place / "report.json"
        if not report.exists():
            chosen = ["--adapter", adapter] if adapter else []
            self.run("eval", "--model", self.arguments.model, *chosen, "--benchmark", questions, "--output", place, heavy=True)
        return json.loads(report.read_text())

    def base(self, split):
        questions = self.arguments.dev if split == "dev" else self.arguments.test
        return self.measured(None, questions, self.output / f"base-{split}")

    def result(self, name, options, rate, seed, split):
        adapter, seconds = self.trained(name, options, rate, seed)
        questions = self.arguments.dev if split == "dev" else self.arguments.test
        report = self.measured(adapter, questions, adapter.parent / split)
        return {"report": report, "seconds": seconds}

    def tune(self, name):
        """The rate with the best audio accuracy on the development set among those that keep text within a point of the base."""
        base = self.base("dev")["arms"]["text"]["accuracy"]
        tried = []
        for rate in self.arguments.rates:
            arms = self.result(name, self.methods[name], rate, 0, "dev")["report"]["arms"]
            tried.append({"rate": rate, "audio": arms["audio"]["accuracy"], "text": arms["text"]["accuracy"]})
            print(f"{name}: rate {rate:g}: audio {100 * tried[-1]['audio']:.1f}, text {100 * tried[-1]['text']:.1f}", flush=True)
        kept = [entry for entry in tried if entry["text"] >= base - 0.01] or tried
        return max(kept, key=lambda entry: entry["audio"])["rate"], tried


def outcomes(report, arm):
    """Right or not by item, with the source question that its voices share."""
    return {item["id"]: (item["source_question"], item["arms"][arm]["correct"]) for item in report["items"]
            if not item["arms"].get(arm, {"error": "not asked"}).get("error")}


def pooled(results, arm):
    """By item, the share of the seeds that were right."""
    seeds = [outcomes(result["report"], arm) for result in results]
    return {name: (key, statistics.mean(seed[name][1] for seed in seeds)) for name, (key, _) in seeds[0].items()
            if all(name in seed for seed in seeds)}


def difference(after, before, resamples=2000):
    """Mean of after − before over the common items in points, with percentiles of the paired bootstrap over source questions."""
    clusters = {}
    for name, (key, value) in after.items():
        if name in before:
            total, count = clusters.get(key, (0, 0))
            clusters[key] = (total + value - before[name][1], count + 1)
    clusters, draw, means = list(clusters.values()), random.Random(0), []
    for _ in range(resamples):
        drawn = draw.choices(clusters, k=len(clusters))
        means.append(sum(total for total, _ in drawn) / sum(count for _, count in drawn))
    means.sort()
    mean = sum(total for total, _ in clusters) / sum(count for _, count in clusters)
    return [100 * value for value in (mean, means[round(0.025 * resamples)], means[round(0.975 * resamples) - 1])]


def signed(value):
    """With a sign, and no zero below zero."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def points(value):
    return f"{signed(value[0])} [{signed(value[1])}, {signed(value[2])}]"


def row(name, entry, seconds):
    """One line of the table: means over seeds, with the deviation between them, and intervals over all seeds' answers."""
    def over(values, digits=1):
        spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.{digits}f}{spread}".replace("-", "−")

    versus = points(entry["cord_minus_it"]) if entry["cord_minus_it"] else ""
    return (f"| {name} | {entry['rate']:g} | {over(entry['audio'])} | {points(entry['audio_change'])} | {over(entry['text'])} | "
            f"{points(entry['text_change'])} | {over(entry['reduction'])} | {versus} | {over(seconds, 0)} |")


def summary(rate, results, base, cord):
    """A method's numbers over its seeds. The reduction is against the base's text accuracy."""
    text, before = (base["arms"][arm]["accuracy"] for arm in ("text", "audio"))
    audio = [100 * result["report"]["arms"]["audio"]["accuracy"] for result in results]
    mine = {arm: pooled(results, arm) for arm in ("audio", "text")}
    return {
        "rate": rate, "audio": audio, "text": [100 * result["report"]["arms"]["text"]["accuracy"] for result in results],
        "reduction": [100 * (value - 100 * before) / (100 * (text - before)) for value in audio],
        **{f"{arm}_change": difference(mine[arm], outcomes(base, arm)) for arm in mine},
        "cord_minus_it": difference(pooled(cord, "audio"), mine["audio"]) if cord and cord is not results else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", required=True, help="the program")
    parser.add_argument("--model", required=True, help="the model before")
    parser.add_argument("--pairs", required=True, help="manifest of the training pairs")
    parser.add_argument("--dev", required=True, help="folder of the development questions")
    parser.add_argument("--test", required=True, help="folder of the test questions")
    parser.add_argument("--output", required=True)
    parser.add_argument("--limit", type=int, default=2000, help="pairs, the same for every method")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 3e-4, 1e-3])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="by their names in tables; without it, all")
    parser.add_argument("--workers", type=int, default=2, help="trainings side by side, which share the cores")
    parser.add_argument("--singles", nargs="*", default=list(SINGLES), choices=list(SINGLES), metavar="NAME",
                        help="CORD with one of K, α, β changed; without a name, none")
    arguments = parser.parse_args()
    study = Study(arguments)
    chosen = arguments.methods or list(study.methods)
    if unknown := [name for name in chosen if name not in study.methods]:
        parser.error(f"no method {unknown[0]}; there are {', '.join(study.methods)}")
    base = study.base("test")
    study.base("dev")
    rows, table = [], {}
    with ThreadPoolExecutor(arguments.workers) as pool:
        chosen = dict(zip(chosen, pool.map(study.tune, chosen)))
        runs = {name: (study.methods[name], rate) for name, (rate, _) in chosen.items()}
        if "CORD" in chosen:
            runs |= {name: (SINGLES[name], chosen["CORD"][0]) for name in arguments.singles}
        results = {name: [pool.submit(study.result, name, options, rate, seed, "test") for seed in range(arguments.seeds)]
                   for name, (options, rate) in runs.items()}
        done = {name: [result.result() for result in results[name]] for name in runs}
        for name, (_, rate) in runs.items():
            seconds = [result["seconds"] for result in done[name]]
            entry = summary(rate, done[name], base, done.get("CORD"))
            rows.append(row(name, entry, seconds))
            table[name] = {**entry, "seconds": seconds, "tuning": chosen[name][1] if name in chosen else None,
                           "gap": [result["report"]["gap"] for result in done[name]]}
            print(rows[-1], flush=True)
    arms = base["arms"]
    text = "\n".join([
        f"{study.count} pairs, {arguments.epochs} epoch(s), {base['n']} test questions; adapters of rank {arguments.rank} on decoder, "
        f"projector and encoder, batches of {arguments.batch_size}; {arguments.seeds} seed(s), mean ± standard deviation between "
        f"seeds, intervals by a paired bootstrap over source questions; {arguments.workers} trainings side by side.",
        f"Before: audio {100 * arms['audio']['accuracy']:.1f}, text {100 * arms['text']['accuracy']:.1f}. {base['reproducibility']['machine']}.",
        "", "| method | rate | audio, % | audio change, points | text, % | text change, points | gap reduction, % | "
        "CORD − it, audio points | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows, ""])
    (study.output / "table.md").write_text(text)
    places = [f"base={study.output / 'base-test'}"]
    for name, (_, rate) in runs.items():
        places += [f"{name}={study.output / 'runs' / f'{slug(name)}-{rate:g}-{seed}' / 'test'}" for seed in range(arguments.seeds)]
    for form, ending in (("md", "md"), ("csv", "csv"), ("latex", "tex")):
        (study.output / f"gap-table.{ending}").write_text(study.run("gap", "table", *places, "--format", form))
    (study.output / "table.json").write_text(json.dumps({"base": arms, "methods": table}, ensure_ascii=False, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    sys.exit(main())
