#!/usr/bin/env python3
"""Prints digests of what must not change when code is only rearranged: run it with the program before, and with the one after.

    digest.py --cord OLD/cord >before; digest.py --cord NEW/cord >after; diff before after

Of the embedded model, on cord-bench-1:
    answers   the answers of 600 questions, each typed and spoken (cord eval)
    report    the gap report of them, without what names the program and its times
    weights   the adapter of 50 CORD steps of 4 pairs (cord train), and the losses of each step
    full      the parameters of 5 supervised steps without an adapter

The bits depend on the kernels: compare on one machine, under one CORD_KERNELS. It takes three to five minutes on two cores.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What differs between two runs of one program, or between two programs of one behaviour.
PASSING = {"created", "created_at", "started", "finished", "seconds", "software", "host", "machine", "version", "build", "latency", "throughput",
           "time", "timings", "elapsed", "duration"}


def digest(value):
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(data).hexdigest()


def lasting(value):
    """The value without its members that name a time or a program."""
    if isinstance(value, dict):
        return {name: lasting(member) for name, member in value.items()
                if name not in PASSING and not name.endswith(("_seconds", "_per_second"))}
    if isinstance(value, list):
        return [lasting(element) for element in value]
    return value


def run(*command):
    result = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"digest: {' '.join(map(str, command))} ended with {result.returncode}:\n{result.stderr[-2000:]}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cord", type=Path, default=ROOT / ".build/release/cord")
    options.add_argument("--limit", type=int, default=600, help="questions (600)")
    options.add_argument("--steps", type=int, default=50, help="CORD steps (50)")
    options.add_argument("--keep", type=Path, help="keep what the program wrote in this folder")
    options = options.parse_args()
    cord = options.cord.resolve()
    manifest = cord.parent / "cord_CordBench.resources/cord-bench-1/manifest.jsonl"

    folder = options.keep or Path(tempfile.mkdtemp(prefix="cord-digest-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run(cord, "eval", "--limit", options.limit, "--output", folder / "report")
        items = [json.loads(line) for line in open(folder / "report/items.jsonl")]
        report = json.loads((folder / "report/report.json").read_text())
        print(f"answers  {len(items)} items {digest(lasting(items))}")
        print(f"report   {digest(lasting(report))}")
        run(cord, "train", manifest, "--output", folder / "cord", "--steps", options.steps, "--batch-size", 4, "--seed", 7, "--lora-rank", 4)
        weights = folder / "cord/adapter/adapter_model.safetensors"
        losses = [lasting(json.loads(line)) for line in open(folder / "cord/metrics.jsonl")]
        print(f"weights  {options.steps} steps {digest(weights.read_bytes())}")
        print(f"losses   {len(losses)} lines {digest(losses)}")
        run(cord, "train", manifest, "--output", folder / "full", "--method", "supervised", "--steps", 5, "--batch-size", 4, "--full")
        print(f"full     5 steps {digest((folder / 'full/model/model.safetensors').read_bytes())}")
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
