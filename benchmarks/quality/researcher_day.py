#!/usr/bin/env python3
"""A researcher's day, start to end: data, an SFT warm start, CORD and two baselines over several seeds, curves, a paper's table, and an adapter
that Python's peft reads.

    cord questions ─ cord speak ─ cord eval (base) ─ cord train supervised ─┬─ cord train METHOD × seeds, validated on the way ─ cord eval
                                                                            └─ cord eval
    validation.jsonl of every run ─ curves.csv        reports ─ cord gap table ─ table.md, .csv, .tex        cord train export ─ peft
    one run's checkpoints at half and all of its steps ─ cord eval ─ cord gap compare ─ longer.md

    benchmarks/quality/researcher_day.py --cord .build/release/cord --output day

Everything is kept under --output and done once: what was stopped goes on where it was. Python's standard library is all it needs; with peft
installed the exported adapter is read by it, too. The defaults took 38 minutes on two cores that builds used at the same time.
"""

import argparse
import csv
import json
import subprocess
import time
from pathlib import Path


class Day:
    def __init__(self, arguments):
        self.arguments = arguments
        self.output = Path(arguments.output)
        self.output.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()

    def say(self, text):
        print(f"{(time.monotonic() - self.start) / 60:5.1f} min  {text}", flush=True)

    def cord(self, *command):
        done = subprocess.run([self.arguments.cord, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"cord {' '.join(map(str, command))}\n{done.stderr[-2000:]}")
        return done.stdout

    def spoken(self, split, count):
        """A folder of spoken questions; the splits share no text, and only training has the training's voices."""
        folder = self.output / split
        if not (folder / "manifest.jsonl").exists():
            questions = self.output / f"{split}.jsonl"
            questions.write_text(self.cord("questions", "--split", split, "--count", count, "--seed", 1, "--depth", self.arguments.depth,
                                           *(word for family in self.arguments.family for word in ("--family", family))))
            voices = "varied" if split == "train" else "heldout"
            self.cord("speak", questions, "--output", folder, "--voices", voices, "--seed", 1, "--cache", self.output / "speech")
        return folder

    def trained(self, name, method, seed, *more):
        folder = self.output / "runs" / name / str(seed)
        if not (folder / "adapter").exists():
            self.cord("train", self.output / "train", "--output", folder, "--method", method, "--seed", seed, "--steps", self.arguments.steps,
                      "--batch-size", 8, "--max-rollout-tokens", 64, "--max-grad-norm", 1, "--learning-rate", self.arguments.learning_rate,
                      "--train", "decoder", "--train", "projector", "--train", "encoder", "--checkpoint-every", self.arguments.eval_every,
                      "--keep", f"every:{self.arguments.eval_every}", "--validation", self.output / "dev", "--eval-every", self.arguments.eval_every, *more)
        return folder

    def measured(self, name, adapter):
        place = self.output / "reports" / name
        if not (place / "report.json").exists():
            chosen = ["--adapter", adapter] if adapter else []
            self.cord("eval", *chosen, "--benchmark", self.output / "test", "--output", place)
        gap = json.loads((place / "report.json").read_text())["gap"]
        self.say(f"{name}: gap {gap['points']:+.1f} points, n {gap['n']}")

    def longer(self, run):
        """Whether the second half of a run's steps brought anything, told by that one run: its checkpoint at half way against its end."""
        half = self.arguments.steps // 2
        self.measured("half/0", run / "checkpoints" / f"step-{half:07}")
        text = self.cord("gap", "compare", self.output / "reports/half/0", self.output / "reports" / self.arguments.methods[0] / "0")
        (self.output / "longer.md").write_text(text)

    def curves(self, runs):
        with open(self.output / "curves.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["method", "seed", "step", "measure", "value"])
            for name, seed, folder in runs:
                for line in map(json.loads, (folder / "validation.jsonl").read_text().splitlines()):
                    for measure, value in line["validation"].items():
                        table.writerow([name, seed, line["step"], measure, value])

    def exported(self, run):
        """The adapter of the run's first checkpoint, as peft reads it."""
        place = self.output / "exported"
        if not place.exists():
            self.cord("train", "export", run, "--adapter", self.output / "runs/sft/0/adapter", "--step", self.arguments.eval_every, "--output", place)
        try:
            from peft import LoraConfig
            from peft.utils import load_peft_weights
        except ImportError:
            return "peft is not installed"
        rank, tensors = LoraConfig.from_pretrained(str(place)).r, load_peft_weights(str(place), device="cpu")
        return f"peft reads an adapter of rank {rank} with {len(tensors)} tensors"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", required=True, help="the program")
    parser.add_argument("--output", required=True)
    parser.add_argument("--family", nargs="+", default=["deep"], help="as cord questions knows them")
    parser.add_argument("--depth", default="1-3")
    parser.add_argument("--pairs", type=int, default=480)
    parser.add_argument("--questions", type=int, default=400, help="of the test set; the development set has a quarter")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--eval-every", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--methods", nargs="+", default=["cord", "opd", "self_distillation"])
    arguments = parser.parse_args()
    if arguments.steps % (2 * arguments.eval_every):
        parser.error("--steps: expected a multiple of twice --eval-every")
    day = Day(arguments)
    for split, count in (("train", arguments.pairs), ("dev", max(8, arguments.questions // 4)), ("test", arguments.questions)):
        day.spoken(split, count)
        day.say(f"{count} spoken questions for {split}")
    day.measured("base/0", None)
    warm = day.trained("sft", "supervised", 0)
    day.measured("sft/0", warm / "adapter")
    runs = [("sft", 0, warm)]
    for method in arguments.methods:
        for seed in range(arguments.seeds):
            # The warm start learns; who teaches is the model itself.
            folder = day.trained(method, method, seed, "--adapter", warm / "adapter", "--teacher-adapter", "base")
            runs.append((method, seed, folder))
            day.measured(f"{method}/{seed}", folder / "adapter")
    day.longer(runs[1][2])
    day.curves(runs)
    reports = day.output / "reports"
    places = [f"{name}={reports / name}" for name in ("base", "sft", *arguments.methods)]
    for form, ending in (("md", "md"), ("csv", "csv"), ("latex", "tex")):
        (day.output / f"table.{ending}").write_text(day.cord("gap", "table", *places, "--format", form))
    day.say(day.exported(runs[1][2]))
    print((day.output / "table.md").read_text())


if __name__ == "__main__":
    main()
