#!/usr/bin/env python3
"""What a running server writes down of music, and what it withdraws of speech: the bounds of `DoubtedWords` (Sources/Operation/Workshop/Answering).

Music is synthesised here by three seeds, 24 pieces each: arpeggios and chords of four timbres, half of them with drums. Speech is 400 clips of
cord-bench-2, and 60 recordings of several of them with pauses of a quarter of a second. Each is transcribed as it is, with `temperature` 1e-6, which
doubts nothing, and with 0, which does.

    cord serve & python music.py [http://127.0.0.1:8080] [--model cord-nano]

Needs numpy and ffmpeg.
"""
import argparse
import io
import json
import pathlib
import random
import re
import subprocess
import urllib.request
import wave

import numpy as np

RATE = 16_000
BENCH = pathlib.Path(__file__).resolve().parents[2] / "Sources/Measuring/CordBench/cord-bench-2"
HARMONICS = [[1], [1, 0.5, 0.33, 0.25, 0.2], [1, 0, 0.33, 0, 0.2], [1, 0.7, 0.5, 0.2, 0.1, 0.3]]


def piece(rng, number):
    count = RATE * int(rng.integers(6, 16))
    sound, step = np.zeros(count), int(RATE * rng.choice([0.125, 0.2, 0.25, 0.4]))
    scale, time = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12), np.arange(step) / RATE
    for start in range(0, count - step, step):
        for pitch in rng.choice(scale, 1 + number % 3):
            tone = sum(a * np.sin(2 * np.pi * pitch * (i + 1) * time) for i, a in enumerate(HARMONICS[number % 4]))
            sound[start:start + step] += tone * np.exp(-time * rng.choice([2, 6, 12]))
        if number % 2:
            sound[start:start + step] += rng.standard_normal(step) * np.exp(-time * 40) * (1 if (start // step) % 2 else 0.4)
    if number % 5 == 0:
        sound *= 1 + 0.5 * np.sin(2 * np.pi * 5 * np.arange(count) / RATE)
    return sound / np.abs(sound).max() * 20_000


def spoken(item):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", BENCH / item["audio"], "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"],
                         capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2")


def recording(draw, items):
    """Several questions, one after another, within 20 s."""
    parts, said = [], []
    while True:
        item = draw.choice(items)
        sound = spoken(item)
        if sum(map(len, parts)) + len(sound) > 19.3 * RATE:
            return np.concatenate(parts), " ".join(said)
        parts += [sound, np.zeros(RATE // 4, "<i2")]
        said.append(item["text"])


def transcript(base, model, sound, temperature):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(sound.astype("<i2").tobytes())
    fields = {"model": model, "temperature": temperature}
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()).encode()
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + file.getvalue() + b"\r\n--b--\r\n"
    request = urllib.request.Request(base + "/v1/audio/transcriptions", body, {"Content-Type": "multipart/form-data; boundary=b"})
    return json.load(urllib.request.urlopen(request))["text"]


def words(text):
    return re.sub(r"[^a-z0-9' ]", " ", text.lower()).split()


def is_mostly_wrong(heard, said):
    """Whether more than half of the words are errors."""
    heard, said = words(heard), words(said)
    row = list(range(len(said) + 1))
    for place, word in enumerate(heard, 1):
        above, row[0] = row[0], place
        for index, other in enumerate(said, 1):
            above, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, above + (word != other))
    return row[-1] > 0.5 * len(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", nargs="?", default="http://127.0.0.1:8080")
    parser.add_argument("--model", default="cord-nano")
    arguments = parser.parse_args()
    items = [json.loads(line) for line in (BENCH / "manifest.jsonl").read_text().splitlines()]
    music = []
    for seed in (3, 11, 12):
        rng = np.random.default_rng(seed)
        music += [(piece(rng, number), "") for number in range(24)]
    draw = random.Random(2)
    speech = [(spoken(item), item["text"]) for item in draw.sample(items, 400)]
    recordings = [recording(draw, items) for _ in range(60)]
    print("| of | n | words undoubted | words | withdrawn | of those mostly wrong | left mostly wrong |\n|---|---|---|---|---|---|---|")
    for name, sounds in (("music", music), ("questions", speech), ("recordings of several", recordings)):
        raw, kept = ([transcript(arguments.base, arguments.model, sound, t) for sound, _ in sounds] for t in (1e-6, 0))
        rows = list(zip(raw, kept, (said for _, said in sounds)))
        gone = [(before, said) for before, after, said in rows if before and not after]
        wrong = sum(is_mostly_wrong(before, said) for before, said in gone) if name != "music" else "–"
        left = sum(is_mostly_wrong(after, said) for _, after, said in rows if after) if name != "music" else "–"
        print(f"| {name} | {len(sounds)} | {sum(map(bool, raw))} | {sum(map(bool, kept))} | {len(gone)} | {wrong} | {left} |", flush=True)


if __name__ == "__main__":
    main()
