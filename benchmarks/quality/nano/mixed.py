"""Rows for `cord train --method supervised`: typed questions of all depths, and clips that are answered, some written down, too.

    python3 mixed.py --typed parts/typed-chains-3-6=0.1 --typed parts/more-owners=0.2 … --count 9000 --clips sp-a --clips sp-b --seed 1 --output rows

`--clips` are folders that `cord speak` wrote; the rows name their clips through links in the output folder. Spoken questions of every depth
are answered here. Three clips in ten come over a telephone or from a room, and for every forty one row has nobody speaking.
`--typed FILE=SHARE` takes so many rows of --count from a file of `cord questions`; FILE may have wildcards.
"""

import argparse
import glob
import json
import random
import wave
from pathlib import Path

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from data import BESIDE, TRANSCRIBE, UNHEARD, follow_up

# The encoder's window is 20 s.
LONGEST = 19.5


def conversation(turns, clip=None):
    """Of a user's and an assistant's turns; of four only the last is learnt."""
    messages = [{"role": "user" if place % 2 == 0 else "assistant", "content": content} for place, content in enumerate(turns)]
    if len(turns) == 4:
        messages[1]["weight"] = 0
    return {"messages": messages} | ({"audios": [clip]} if clip else {})


def typed(row, pool, rng):
    """A question, now and then after another one or with a second one about its answer."""
    if rng.random() < 0.03:
        other = rng.choice(pool)
        return conversation([other["text"], other["solution"], row["text"], row["solution"]])
    if row["task"] == "number" and rng.random() < 0.06:
        return conversation([row["text"], row["solution"], *follow_up(int(row["answer"]), rng)])
    return conversation([row["text"], row["solution"]])


def telephone(samples, rate, rng):
    """A band of some 300 to 3,400 Hz in steps of μ-law."""
    band = butter(4, [rng.uniform(200, 350), rng.uniform(3000, 3700)], "band", fs=rate, output="sos")
    samples = sosfilt(band, samples)
    loud = np.clip(samples / max(1e-6, np.abs(samples).max()) * rng.uniform(0.3, 0.9), -1, 1)
    steps = np.round(np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log1p(255) * 127) / 127
    return np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(255)) / 255


def room(samples, rate, rng, noise):
    """Noise that dies away within 0.15 to 0.6 s after the direct sound, at the loudness of before."""
    length = int(rate * rng.uniform(0.15, 0.6))
    response = noise.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response *= rng.uniform(0.3, 1.0) / np.sqrt((response ** 2).sum())
    response[:int(rate * 0.004)] = 0
    response[0] = 1
    echoed = fftconvolve(samples, response)[:len(samples)]
    return echoed * np.abs(samples).max() / max(1e-6, np.abs(echoed).max())


def nobody(kind, rng, noise):
    """0.3 to 8 s of silence, white noise, rumble or a hum, at 16 kHz."""
    length = int(16000 * rng.uniform(0.3, 8))
    level = 10 ** (rng.uniform(-55, -6) / 20)
    sound = noise.standard_normal(length)
    if kind == 0:
        sound = sound * 0
    elif kind == 2:
        sound = np.cumsum(sound)
        sound -= np.linspace(sound[0], sound[-1], length)
        sound /= max(1e-6, np.abs(sound).max())
    elif kind == 3:
        sound = np.sin(2 * np.pi * rng.uniform(40, 500) * np.arange(length) / 16000)
    return 0.3 * level * sound


def read(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768, file.getframerate()


def write(path, samples, rate):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())


def spoken(folders, output, rng, noise):
    """Rows of all clips, each answered, six in ten also written down."""
    rows, clips = [], 0
    changed = output / "changed"
    changed.mkdir(exist_ok=True)
    for folder in folders:
        link = output / folder.name
        if not link.exists():
            link.symlink_to((folder / "audio").resolve())
        for row in map(json.loads, (folder / "manifest.jsonl").open()):
            if row["seconds"] > LONGEST:
                continue
            clips += 1

            def clip():
                if rng.random() >= 0.3:
                    return f"{folder.name}/{Path(row['audio']).name}"
                samples, rate = read(folder / row["audio"])
                samples = telephone(samples, rate, rng) if rng.random() < 0.5 else room(samples, rate, rng, noise)
                write(changed / f"{len(rows)}.wav", samples, rate)
                return f"changed/{len(rows)}.wav"

            asked = "<audio>" + (rng.choice(BESIDE) if rng.random() < 0.12 else "")
            more = follow_up(int(row["answer"]), rng) if row["task"] == "number" and rng.random() < 0.06 else ()
            rows.append(conversation([asked, row["solution"], *more], clip()))
            if rng.random() < 0.6:
                prompt = TRANSCRIBE[0] if rng.random() < 0.7 else rng.choice(TRANSCRIBE[1:])
                rows.append(conversation(["<audio>" + prompt, row["text"]], clip()))
    for number in range(max(20, clips // 40)):
        write(changed / f"nobody-{number}.wav", nobody(number % 4, rng, noise), 16000)
        rows.append(conversation(["<audio>", UNHEARD], f"changed/nobody-{number}.wav"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--typed", action="append", default=[], metavar="FILE=SHARE")
    parser.add_argument("--count", type=int, default=9000, help="typed rows")
    parser.add_argument("--clips", type=Path, action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rng, noise = random.Random(options.seed), np.random.default_rng(options.seed)
    options.output.mkdir(parents=True, exist_ok=True)
    rows = spoken(options.clips, options.output, rng, noise) if options.clips else []
    heard = len(rows)
    for part in options.typed:
        pattern, share = part.rsplit("=", 1)
        pool = [json.loads(line) for path in sorted(glob.glob(pattern)) for line in open(path)]
        rows += [typed(row, pool, rng) for row in rng.sample(pool, min(len(pool), int(options.count * float(share))))]
    rng.shuffle(rows)
    (options.output / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{heard} spoken rows, {len(rows) - heard} typed ones")


if __name__ == "__main__":
    main()
