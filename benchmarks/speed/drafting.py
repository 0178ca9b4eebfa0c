#!/usr/bin/env python3
"""What lossless drafting saves a paired run: `cord eval` of questions typed and spoken, with `--draft` and without, in turn.

Prints for each way the items a second by the run's own count, the ratio of each pair of runs, and how many guessed tokens were right.
The reports of both ways must hold the same answers, or the script fails.

Model: a random 1.27B in bfloat16 whose arms agree, by `make_model.py DIRECTORY --agreeing`, or any other; `cord-nano` for the embedded one.

Usage: drafting.py CORD MODEL [--limit 64] [--tokens 128] [--concurrency 1] [--runs 3] [--draft auto] [--benchmark cord-bench-1]
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import tempfile

from measuring import Neighbours, Rows, say


def evaluate(arguments, way, folder):
    command = [arguments.cord, "eval", "--dtype", arguments.dtype, "--benchmark", arguments.benchmark, "--limit", arguments.limit,
               "--max-tokens", arguments.tokens, "--concurrency", arguments.concurrency, "--draft", way, "--output", folder]
    if arguments.model != "cord-nano":
        command += ["--model", arguments.model]
    with Neighbours([]) as neighbours:
        run = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    count, seconds = re.search(r"(\d+) answers in ([\d.]+) s", run.stderr).groups()
    guesses = re.search(r"(\d+) of (\d+) guessed tokens were right, of (\d+)", run.stderr)
    return int(count) / 2 / float(seconds), guesses and [int(part) for part in guesses.groups()], neighbours.cores


def answers(folder):
    """Texts by item and arm."""
    lines = [json.loads(line) for line in (folder / "items.jsonl").open()]
    return {line["id"]: {arm: answer["text"] for arm, answer in line["arms"].items()} for line in lines}


def agreement(found):
    """The mean share of the typed answer's characters that the spoken answer begins with."""
    shares = []
    for arms in found.values():
        typed, spoken = arms["text"], arms["audio"]
        same = next((i for i, (a, b) in enumerate(zip(typed, spoken)) if a != b), min(len(typed), len(spoken)))
        shares.append(same / max(1, len(typed)))
    return statistics.mean(shares)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cord", type=pathlib.Path)
    parser.add_argument("model")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--draft", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--benchmark", default="cord-bench-1")
    arguments = parser.parse_args()
    rates, ratios, guesses, others, agreed = {"off": [], arguments.draft: []}, [], [], {"off": [], arguments.draft: []}, None
    for number in range(arguments.runs):
        found = {}
        for way in ["off", arguments.draft][:: 1 if number % 2 == 0 else -1]:
            with tempfile.TemporaryDirectory() as folder:
                rate, right, cores = evaluate(arguments, way, pathlib.Path(folder) / "report")
                found[way] = answers(pathlib.Path(folder) / "report")
            rates[way].append(rate)
            others[way].append(cores)
            if right:
                guesses.append(right)
        if found["off"] != found[arguments.draft]:
            raise SystemExit("answers differ with and without drafts")
        agreed = agreement(found["off"])
        ratios.append(rates[arguments.draft][-1] / rates["off"][-1])
        say(f"run {number + 1}: {ratios[-1]:.2f} times the items a second")
    rows = Rows()
    for way, values in rates.items():
        rows.add("cord", f"paired items, {arguments.concurrency} at once, --draft {way}", values, "items/s", statistics.mean(others[way]))
    right, guessed, all_tokens = (sum(part) for part in zip(*guesses))
    say(f"{arguments.draft} against off: {statistics.median(ratios):.2f} times [{min(ratios):.2f}, {max(ratios):.2f}] the items a second")
    say(f"{right / max(1, guessed):.0%} of guessed tokens were right; {right / all_tokens:.0%} of all tokens were guessed rightly")
    say(f"spoken answers begin with {agreed:.0%} of the typed ones")


if __name__ == "__main__":
    main()
