#!/usr/bin/env python3
"""Speaks word problems for the throughput of cord-nano: a folder with `items.jsonl` (`id, text, audio`) and its WAV files.

Needs: espeak-ng, numpy and soxr (`peers.sh` installs them).
Usage: items.py FOLDER [COUNT]       128 items unless told
"""
import json
import pathlib
import random
import sys

from question import spoken, wav

NAMES = ["Tom", "Anna", "Ben", "Mary", "Sam", "Lucy", "Max", "Kate"]
THINGS = ["apples", "books", "coins", "eggs", "stones", "stamps"]


def item(random):
    name, things = random.choice(NAMES), random.choice(THINGS)
    have, more, away = random.randint(5, 60), random.randint(3, 30), random.randint(1, 5)
    return f"{name} has {have} {things}. He buys {more} more. He gives away {away}. How many {things} are there now?"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    generator = random.Random(1)
    with open(folder / "items.jsonl", "w") as manifest:
        for number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 128):
            text = item(generator)
            name = f"{number:04}.wav"
            (folder / name).write_bytes(wav(spoken(text, generator.randint(150, 210))))
            manifest.write(json.dumps({"id": f"item-{number:04}", "text": text, "audio": name}) + "\n")
