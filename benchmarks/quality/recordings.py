#!/usr/bin/env python3
"""How a model hears a person: recordings that Debian packages, which nothing here was trained on.

    benchmarks/quality/recordings.py [--cord .build/release/cord] [--model DIR] [--adapter DIR] [--questions 600] [--work DIR]

Of asterisk-core-sounds-en-wav (one speaker, 8 kHz): numbers, days and months, each alone, to be written down; and questions "Is 27 plus 16
less than 35?", spliced from such words with a pause of 20 to 120 ms between. Half of them are to be answered yes. Of
pocketsphinx-testdata: five utterances about playing cards and five sentences of a novel, whose words the built-in model never learnt. Prints
word error rates, and percent right with 95 % Wilson intervals.
"""

import argparse
import array
import json
import random
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from conditions import ROOT, cell

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
UTTERANCES = Path("/usr/share/pocketsphinx/test/data")
DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]


def samples(path):
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2), path
        return array.array("h", sound.readframes(sound.getnframes())), sound.getframerate()


def word(name):
    """A recorded word without the silence around it."""
    sound, rate = samples(SOUNDS / f"{name}.wav")
    loud = [place for place, value in enumerate(sound) if abs(value) > 400]
    return sound[max(0, loud[0] - rate // 50):loud[-1] + rate // 20], rate


def number(value):
    if value <= 20 or value % 10 == 0:
        return [f"digits/{value}"]
    return [f"digits/{value // 10 * 10}", f"digits/{value % 10}"]


def write(path, parts, rng):
    joined, rate = array.array("h"), 8000
    for name in parts:
        sound, rate = word(name)
        joined += array.array("h", [0] * int(rate * rng.uniform(0.02, 0.12))) + sound
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(rate)
        sound.writeframes((joined + array.array("h", [0] * (rate // 10))).tobytes())


def questions(folder, count, rng):
    rows = []
    for place in range(count):
        plus, right = rng.random() < 0.5, place % 2 == 0
        a, b = (rng.randint(10, 50), rng.randint(2, 20)) if plus else (rng.randint(30, 60), rng.randint(2, 20))
        value = a + b if plus else a - b
        c = value + rng.choice([d for d in (8, 10, 12, 15, 20) if value + d <= 99]) if right else value - rng.choice(
            [d for d in (8, 10, 12, 15, 20) if value - d >= 1])
        parts = ["is", *number(a), "letters/plus" if plus else "digits/minus", *number(b), "queue-less-than", *number(c)]
        write(folder / f"q{place}.wav", parts, rng)
        rows.append({"id": f"q{place}", "audio": f"q{place}.wav", "text": f"Is {a} {'plus' if plus else 'minus'} {b} less than {c}?",
                     "answer": "yes" if right else "no", "task": "yes_no", "category": "spliced"})
    return rows


def words(folder, rng):
    rows = []
    names = [(str(value), number(value)) for value in range(100)]
    names += [(day, [f"digits/day-{place}"]) for place, day in enumerate(DAYS)]
    names += [(month, [f"digits/mon-{place}"]) for place, month in enumerate(MONTHS)]
    for place, (text, parts) in enumerate(names):
        write(folder / f"w{place}.wav", parts, rng)
        kind = "numbers" if text.isdigit() else "days and months"
        rows.append({"id": f"w{place}", "audio": f"w{place}.wav", "text": text, "answer": text, "task": "phrase", "category": kind})
    return rows


def utterances(folder):
    rows = []
    for name, transcripts in (("cards", "cards/cards.transcription"), ("librivox", "librivox/transcription")):
        for line in (UTTERANCES / transcripts).read_text().splitlines():
            text, _, place = line.replace("<s>", "").replace("</s>", "").strip().rpartition("(")
            place = place.rstrip(")")
            (folder / f"{place}.wav").write_bytes((UTTERANCES / name / f"{place}.wav").read_bytes())
            rows.append({"id": place, "audio": f"{place}.wav", "text": text.strip(), "answer": "none", "task": "phrase", "category": name})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=600)
    parser.add_argument("--model", action="append", default=[], help="passed to cord eval; --adapter likewise")
    parser.add_argument("--adapter", action="append", default=[])
    parser.add_argument("--cord", default=str(ROOT / ".build/release/cord"))
    parser.add_argument("--work", type=Path, help="keep clips and reports here")
    options = parser.parse_args()
    for needed, package in ((SOUNDS, "asterisk-core-sounds-en-wav"), (UTTERANCES, "pocketsphinx-testdata")):
        if not needed.exists():
            sys.exit(f"{needed} is missing: apt-get install {package}")
    model = [word for name in ("model", "adapter") for value in getattr(options, name) for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random(3)
        rows = questions(folder, options.questions, rng) + words(folder, rng) + utterances(folder)
        (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [options.cord, "eval", "--benchmark", str(folder), "--arms", "text,audio,transcript", "--output", str(folder / "report"), *model]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{result.stderr}")
        items = json.loads((folder / "report/report.json").read_text())["items"]
    print("| recording | clips | words | word error rate, % |\n|---|---|---|---|")
    for kind in dict.fromkeys(item["category"] for item in items):
        heard = [item["arms"]["transcript"]["word_errors"] for item in items if item["category"] == kind]
        count = sum(errors["words"] for errors in heard)
        wrong = sum(errors["substitutions"] + errors["deletions"] + errors["insertions"] for errors in heard)
        print(f"| {kind} | {len(heard)} | {count} | {100 * wrong / count:.1f} |")
    spliced = [item["arms"] for item in items if item["category"] == "spliced"]
    print("\n| spliced questions | n | % right [95 % Wilson] |\n|---|---|---|")
    for arm in ("text", "audio", "transcript"):
        print(f"| {arm} | {len(spliced)} | {cell(sum(arms[arm]['correct'] for arms in spliced), len(spliced))} |")


if __name__ == "__main__":
    main()
