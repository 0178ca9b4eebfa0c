#!/usr/bin/env python3
"""Spoken pairs in any number from any JSONL of questions, by several synthesizers: stopped anywhere, it goes on where it was.

    questions.jsonl ─ shards of 1000 ─ cord speak, a synthesizer a shard ─ shards/00000/ … ─ manifest.jsonl ─ cord train

    benchmarks/quality/many_pairs.py --cord cord --output pairs                                        80,000 drawn by cord questions
    benchmarks/quality/many_pairs.py --cord cord --output math --questions numina.jsonl --text problem --count 80000 --max-characters 600
    benchmarks/quality/many_pairs.py --cord cord --output pairs --sample 200                           what it would take, measured
    cord train pairs --output run --cache cache

A synthesizer is a set of options of cord speak; given several times, shards are dealt to them in turn:

    --speaker "--voices varied" --speaker "--voice slt --synthesizer 'flite -voice {voice} -f {text_file} -o {output}'"

A shard appears whole or not at all, and its clips are the same whoever makes it. After each, the disk and the hours of the whole are told.
Python's standard library is all it needs.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path


def drawn(arguments):
    """Questions of the program's own generator, as they come."""
    command = [arguments.cord, "questions", "--split", "train", "--count", str(arguments.count), "--seed", str(arguments.seed),
               "--family", "all", "--manner", "plain", "--manner", "polite", "--manner", "words"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout)
    if process.returncode != 0:
        raise SystemExit("cord questions failed")


def read(arguments):
    with open(arguments.questions, encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def speakable(text, longest):
    """What can be read aloud: no figures, tables or code, and not too long."""
    return 0 < len(text) <= longest and not re.search(r"\\begin\{|!\[|\[asy\]|```|https?://", text)


def questions(arguments):
    """Rows as cord speak reads them, with ids of their own."""
    taken = 0
    for number, row in enumerate(read(arguments) if arguments.questions else drawn(arguments)):
        text = str(row.get(arguments.text) or "").strip()
        if not speakable(text, arguments.max_characters):
            continue
        kept = {"id": f"q{number:07}", "text": text}
        for name, source in (("answer", arguments.answer), ("solution", arguments.solution)):
            if row.get(source) not in (None, ""):
                kept[name] = str(row[source])
        kept.setdefault("answer", kept.get("solution", ""))
        yield kept
        taken += 1
        if taken == arguments.count:
            return


def shards(arguments, folder):
    """Files of questions, written once; what lies there is trusted, so that the same questions go on."""
    listed = folder / "shards.json"
    if not listed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        rows, names = [], []

        def close():
            name = f"{len(names):05}"
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            names.append(name)
            rows.clear()

        for row in questions(arguments):
            rows.append(row)
            if len(rows) == arguments.shard:
                close()
        if rows:
            close()
        listed.write_text(json.dumps(names))
    return json.loads(listed.read_text())


def speak(arguments, source, place, number):
    """One shard. Its speech is remembered only until it is done: kept beside the clips, it would take the disk twice."""
    fresh, cache = place.with_name(place.name + ".new"), place.with_name(place.name + ".speech")
    shutil.rmtree(fresh, ignore_errors=True)
    command = [arguments.cord, "speak", str(source), "--output", str(fresh), "--format", arguments.format, "--seed", str(arguments.seed + number),
               "--workers", str(arguments.workers), "--cache", str(cache), *shlex.split(arguments.speaker[number % len(arguments.speaker)])]
    # What was spoken is remembered: a synthesizer that hangs once in thousands of texts costs no more than that text.
    for attempt in range(arguments.attempts):
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            break
        print(f"{place.name}, attempt {attempt + 1}: {done.stderr.strip()[-300:]}", file=sys.stderr, flush=True)
    else:
        raise SystemExit(f"{shlex.join(command)} failed {arguments.attempts} times")
    fresh.rename(place)
    shutil.rmtree(cache, ignore_errors=True)


def size(place):
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", required=True, help="the program")
    parser.add_argument("--output", required=True)
    parser.add_argument("--questions", help="JSONL; without it, cord questions draws them")
    parser.add_argument("--text", default="text", help="the member that holds the question")
    parser.add_argument("--answer", default="answer")
    parser.add_argument("--solution", default="solution")
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--max-characters", type=int, default=800, help="longer questions are left out")
    parser.add_argument("--shard", type=int, default=1000)
    parser.add_argument("--speaker", action="append", help="options of cord speak; by default --voices anyone: espeak-ng, flite and festival")
    parser.add_argument("--format", default="opus", help="wav, flac or opus")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--attempts", type=int, default=5, help="at a shard, before all ends")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, help="make so many, spread over the shards' speakers, and tell what all would take")
    arguments = parser.parse_args()
    arguments.speaker = arguments.speaker or ["--voices anyone"]
    output = Path(arguments.output)
    wanted = arguments.count
    if arguments.sample:
        arguments.count, arguments.shard = arguments.sample, -(-arguments.sample // len(arguments.speaker))
    names = shards(arguments, output / "questions")
    start, made, rows = time.monotonic(), 0, 0
    (output / "shards").mkdir(parents=True, exist_ok=True)
    lines, seconds, disk = [], 0.0, 0
    for number, name in enumerate(names):
        place = output / "shards" / name
        if not place.exists():
            speak(arguments, output / "questions" / f"{name}.jsonl", place, number)
            made += sum(1 for _ in open(place / "manifest.jsonl", encoding="utf-8"))
        for row in map(json.loads, open(place / "manifest.jsonl", encoding="utf-8")):
            row["audio"] = f"shards/{name}/{row['audio']}"
            seconds += row.get("seconds", 0)
            lines.append(json.dumps(row, ensure_ascii=False))
        disk += size(place)
        rows, elapsed = len(lines), time.monotonic() - start
        hours = f"{elapsed / made * (wanted - rows) / 3600:.1f} h left" if made else "made before"
        print(f"{name}: {rows} pairs, {seconds / 3600:.2f} h of speech, {disk / 1e6:.0f} MB; {wanted} pairs: "
              f"{disk / rows * wanted / 1e9:.2f} GB, {hours}", file=sys.stderr, flush=True)
    (output / "manifest.jsonl.new").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (output / "manifest.jsonl.new").rename(output / "manifest.jsonl")
    print(output / "manifest.jsonl")


if __name__ == "__main__":
    main()
