"""Speaks texts by many voices on all cores: shards of 16-bit samples at 16 kHz that training reads while more are made.

    python3 speech.py texts.jsonl --output clips --workers 16

A shard is NAME.npz with `samples` (all clips end to end), `ends`, and `rows` (the texts' JSON lines with the voice). What is there is
not made again.
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

import voices

RATE = 16000
SHARD = 100


def read(path: Path) -> np.ndarray:
    """A WAV file of 16 bits as mono int16 at 16 kHz."""
    with wave.open(str(path)) as sound:
        rate, channels = sound.getframerate(), sound.getnchannels()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).reshape(-1, channels)[:, 0]
    if rate != RATE:
        divisor = np.gcd(rate, RATE)
        resampled = resample_poly(samples.astype(np.float32), RATE // divisor, rate // divisor)
        samples = np.clip(np.round(resampled), -32768, 32767).astype(np.int16)
    return trimmed(samples)


def trimmed(samples: np.ndarray) -> np.ndarray:
    """Without the silence that engines put around speech; what is heard later puts silence of its own there."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 200)
    if len(loud) == 0:
        return samples[:0]
    return samples[max(0, loud[0] - 400):loud[-1] + 800]


def make_shard(job):
    number, rows, output, engines, seed, most = job
    result = output / f"{number:05}.npz"
    if result.exists():
        return 0
    rng = random.Random(seed * 1_000_003 + number)
    clips, kept = [], []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        # Ten texts a voice: a process for each would read a voice anew for every text.
        for start in range(0, len(rows), 10):
            part = rows[start:start + 10]
            voice = voices.draw(rng, engines)
            for row, path in zip(part, voices.speak(voice, [r["text"] for r in part], Path(folder))):
                samples = read(path) if path else np.zeros(0, np.int16)
                if RATE // 4 < len(samples) <= most * RATE:
                    clips.append(samples)
                    kept.append(json.dumps(row | {"voice": voice.id}))
                if path:
                    path.unlink()
    temporary = output / f".{number:05}.npz"
    ends = np.cumsum([len(clip) for clip in clips])
    np.savez(temporary, samples=np.concatenate(clips) if clips else np.zeros(0, np.int16), ends=ends, rows=np.array(kept))
    temporary.rename(result)
    return len(clips)


def installed() -> list[str]:
    programs = {"espeak": "espeak-ng", "flite": "flite", "festival": "festival", "rhvoice": "RHVoice-test"}
    return [engine for engine, program in programs.items() if shutil.which(program)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, help="JSON lines with text, as cord questions draws them")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=float, default=17, help="seconds of the longest clip that is kept")
    parser.add_argument("--seconds", type=float, default=1e9, help="end after this time; what was made stays")
    options = parser.parse_args()
    engines = installed()
    if "espeak" not in engines:
        parser.error("espeak-ng is not installed: apt-get install espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k")
    options.output.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in options.texts.open()]
    jobs = [(place // SHARD, rows[place:place + SHARD], options.output, engines, options.seed, options.most)
            for place in range(0, len(rows), SHARD)]
    print(f"{len(rows)} texts by {', '.join(engines)} on {options.workers} cores", flush=True)
    began, done = time.time(), 0
    with multiprocessing.Pool(options.workers) as pool:
        for place, count in enumerate(pool.imap_unordered(make_shard, jobs)):
            done += count
            if place % 50 == 0 or place == len(jobs) - 1:
                print(f"{done} clips, {time.time() - began:.0f} s", flush=True)
            if time.time() - began > options.seconds:
                pool.terminate()
                break
    (options.output / "done").touch()


if __name__ == "__main__":
    main()
