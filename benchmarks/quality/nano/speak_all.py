"""Speaks the sets of methods.py on all cores: pairs by training voices, dev and test by those that nothing was trained with.

    python3 speak_all.py data --output clips
"""

import argparse
import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import numpy as np

import speech
import voices

HELD_OUT = sorted(voices.HELD_OUT - {"slt"})


def held_out(rng: random.Random, engines) -> voices.Voice:
    """cord-bench-1's four voices, and in a fifth of the cases flite's slt."""
    if "flite" in engines and rng.random() < 0.2:
        return voices.Voice("flite", "slt", 1.0)
    return voices.Voice("espeak", rng.choice(HELD_OUT), round(rng.uniform(140, 210)))


def make(job):
    """One shard of a set: `NAME-NUMBER.npz`, with the rows that were spoken."""
    name, number, rows, output, engines = job
    draw = voices.draw if name == "pairs" else held_out
    rng = random.Random(f"{name} {number}")
    clips, kept = [], []
    folder = output / f".{name}-{number:05}"
    folder.mkdir(exist_ok=True)
    for start in range(0, len(rows), 5):
        part = rows[start:start + 5]
        voice = draw(rng, engines)
        for row, path in zip(part, voices.speak(voice, [r["text"] for r in part], folder)):
            samples = speech.read(path) if path else np.zeros(0, np.int16)
            if len(samples) > speech.RATE // 4:
                clips.append(samples)
                kept.append(json.dumps(row | {"voice": voice.id}))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    temporary = output / f".{name}-{number:05}.npz"
    np.savez(temporary, samples=np.concatenate(clips) if clips else np.zeros(0, np.int16), ends=np.cumsum([len(c) for c in clips]), rows=np.array(kept))
    temporary.rename(output / f"{name}-{number:05}.npz")
    return len(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--most", type=int, default=1 << 30, help="texts of each set")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    engines, began = [e for e in speech.installed() if e in ("espeak", "flite")], time.time()
    with multiprocessing.Pool(options.workers) as pool:
        for name in ("test", "dev", "pairs"):
            rows = [json.loads(line) for line in (options.data / f"{name}.jsonl").open()][:options.most]
            jobs = [(name, number, rows[start:start + 25], options.output, engines) for number, start in enumerate(range(0, len(rows), 25))]
            count = sum(pool.imap_unordered(make, jobs))
            (options.output / f"{name}.done").touch()
            print(f"{name}: {count} of {len(rows)} texts by {', '.join(engines)} after {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
