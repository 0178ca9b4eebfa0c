#!/usr/bin/env python3
"""What a model hears of speech that varies as people's does: the same questions under one condition after the other.

    benchmarks/quality/conditions.py [--limit 600] [--model DIR] [--adapter DIR] [--output conditions.md]

Questions of the test split, each spoken once: by espeak-ng's held-out voices under one condition after the other, and by the voices of flite
and festival, slt apart, who speaks in both; espeak-ng, flite, festival, festvox-kallpc16k, festvox-kdlpc16k and festvox-us-slt-hts must be
installed. Prints percent right, with 95 % Wilson intervals, and, of silence and noise, how often an answer was
invented. `cord` is the release build.
"""

import argparse
import json
import math
import random
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLITE = ["--synthesizer", "flite -voice {voice} --setf duration_stretch={stretch} -f {text_file} -o {output}"]
FESTIVAL = ["--synthesizer", "text2wave -eval '(voice_{voice})' -eval '(Parameter.set (quote Duration_Stretch) {stretch})' -o {output} {text_file}"]
HELD_OUT = ["--voices", "heldout"]


def voices(engine, *names):
    return [*engine, *(word for name in names for word in ("--voice", name))]


CONDITIONS = [
    ("espeak-ng, held-out voices", HELD_OUT),
    ("… 0.5 s of silence at both ends", [*HELD_OUT, "--silence", "0.5"]),
    ("… 2 s of silence at both ends", [*HELD_OUT, "--silence", "2"]),
    ("… at 0.8 of the tempo and pitch", [*HELD_OUT, "--tempo", "0.8"]),
    ("… at 1.25 of the tempo and pitch", [*HELD_OUT, "--tempo", "1.25"]),
    ("… 20 dB quieter", [*HELD_OUT, "--gain=-20"]),
    ("… noise 20 dB below", [*HELD_OUT, "--noise", "20"]),
    ("… over a telephone", [*HELD_OUT, "--telephone"]),
    ("… in a room of 0.4 s", [*HELD_OUT, "--room", "0.4"]),
    ("espeak-ng, held-out voices at its default 175 words a minute", voices([], "en-us+f2", "en-gb+m4", "en-us+m7", "en-gb-scotland")),
    ("flite: kal16, awb, rms", voices(FLITE, "kal16", "awb", "rms")),
    ("festival: kal, ked", voices(FESTIVAL, "kal_diphone", "ked_diphone")),
    ("flite: slt", voices(FLITE, "slt")),
    ("festival: slt", voices(FESTIVAL, "cmu_us_slt_arctic_hts")),
]


def wilson(right, n, z=1.959964):
    share, scale = right / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return 100 * (middle - half), 100 * (middle + half)


def cell(right, n):
    low, high = wilson(right, n)
    return f"{100 * right / n:.1f} [{low:.1f}, {high:.1f}]"


def silence(count, folder):
    """Clips in which nobody speaks, as a folder that cord eval reads: digital silence, white noise, a hum."""
    (folder / "audio").mkdir(parents=True)
    rng = random.Random(5)
    with (folder / "manifest.jsonl").open("w") as manifest:
        for number in range(count):
            length, kind, level = int(16000 * rng.uniform(0.3, 6)), number % 3, 10 ** (rng.uniform(-50, -6) / 20)
            pitch = rng.uniform(50, 400)
            samples = [0.0 if kind == 0 else level * (rng.gauss(0, 0.3) if kind == 1 else math.sin(2 * math.pi * pitch * t / 16000))
                       for t in range(length)]
            with wave.open(str(folder / "audio" / f"{number}.wav"), "wb") as sound:
                sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(16000)
                sound.writeframes(struct.pack(f"<{length}h", *(max(-32768, min(32767, int(32767 * s))) for s in samples)))
            manifest.write(json.dumps({"id": f"silence-{number}", "audio": f"audio/{number}.wav", "text": "(silence)", "answer": "none",
                                       "task": "phrase"}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=600, help="questions of each condition")
    parser.add_argument("--seed", type=int, default=41)
    parser.add_argument("--model", action="append", default=[], help="passed to cord eval; --adapter likewise")
    parser.add_argument("--adapter", action="append", default=[])
    parser.add_argument("--cord", default=str(ROOT / ".build/release/cord"))
    parser.add_argument("--work", type=Path, help="keep clips and reports here, and go on from what is there")
    parser.add_argument("--output", type=Path, help="write the table here, too")
    options = parser.parse_args()
    model = [word for name in ("model", "adapter") for value in getattr(options, name) for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)

        def cord(*words, output=None):
            result = subprocess.run([options.cord, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if result.returncode:
                sys.exit(f"cord {' '.join(map(str, words))} failed:\n{result.stderr}")
            if output:
                output.write_text(result.stdout)

        def arm(name, report, arms):
            if not (report / "report.json").exists():
                cord("eval", "--benchmark", name, "--arms", arms, "--output", report, *model)
            return json.loads((report / "report.json").read_text())

        questions = work / "questions.jsonl"
        cord("questions", "--split", "test", "--count", options.limit, "--seed", options.seed, output=questions)
        lines = ["| spoken by | n | % right [95 % Wilson] |", "|---|---|---|"]
        for place, (name, words) in enumerate(CONDITIONS):
            folder = work / f"clips-{place}"
            if not (folder / "manifest.jsonl").exists():
                cord("speak", questions, "--output", folder, "--seed", 7, *words)
            first = place == 0
            report = arm(folder, work / f"report-{place}", "text,audio" if first else "audio")
            if first:
                text = report["arms"]["text"]
                lines.append(f"| (typed) | {text['n']} | {cell(text['correct'], text['n'])} |")
            audio = report["arms"]["audio"]
            lines.append(f"| {name} | {audio['n']} | {cell(audio['correct'], audio['n'])} |")
            print(lines[-1], flush=True)
        folder = work / "silence"
        if not (folder / "manifest.jsonl").exists():
            silence(min(options.limit, 600), folder)
        report = arm(folder, work / "report-silence", "audio")
        answers = [item["arms"]["audio"]["text"] for item in report["items"]]
        invented = sum("cannot answer" not in answer for answer in answers)
        lines.append(f"| nobody: an answer invented | {len(answers)} | {cell(invented, len(answers))} |")
        table = "\n".join(lines)
        print("\n" + table)
        if options.output:
            options.output.write_text(table + "\n")


if __name__ == "__main__":
    main()
