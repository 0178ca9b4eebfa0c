#!/usr/bin/env python3
"""A spoken question to the random 1.27B model: cord against llama.cpp's server and transformers, in one run.

First token and decode speed of one answer at a time, programs in turn; eight answers at once against one; resident memory against
the weights; decode against the memory's bandwidth. Each clip is new, so that no cache of audio or prefixes helps.

Needs: the program `cord` (swift build -c release), espeak-ng, a C compiler; for peers and model `peers.sh` and
    make_model.py $CORD_PEERS/audio-1.27b            (and `convert.sh`, which writes llama.cpp's files beside it)
Usage: $CORD_PEERS/python/bin/python answer.py CORD [--peers llama.cpp,transformers] [--n 5] [--tokens 64] [--threads 2]
       [--seconds 6.6] [--parts single,limit,batch,memory] [--quiet 0.2] [--patience 60]
An attempt during which other work took more than `--quiet` cores is repeated for up to `--patience` seconds.
"""
import argparse
import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import subprocess
import tempfile

from measuring import (PEERS, Rows, Server, audio_part, bandwidth, decode_rate, quietly, say, text_part, weight_bytes)
from question import fresh, question

PROMPT = "Listen to the question and answer it step by step."
TYPED = "Write about the number {}, its neighbours, and what one can do with it on a quiet afternoon."


class Transformers:
    """transformers in a process of its own that answers one line at a time."""

    name = "transformers"

    def __init__(self, model, threads):
        self.command = [PEERS / "python/bin/python", pathlib.Path(__file__).with_name("transformers_peer.py"), "answer",
                        model, str(threads)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("transformers did not start; run it by hand: " + " ".join(map(str, self.command)))
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.folder.cleanup()

    @property
    def pid(self):
        return self.process.pid

    def question(self, wav, tokens):
        path = pathlib.Path(self.folder.name) / "question.wav"
        path.write_bytes(wav)
        asked = {"wav": str(path), "text": PROMPT, "tokens": tokens}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["first"], answer["rate"], answer["processor"]


class Spoken(Server):
    def question(self, wav, tokens):
        answer = self.ask([audio_part(wav), text_part(PROMPT)], tokens)
        return answer["first"], decode_rate(answer), answer["processor"]


def single(programs, rows, arguments):
    """First token and decode speed, programs in turn."""
    samples = question(arguments.seconds)
    figures = {program.name: ([], [], [], []) for program in programs}
    clips = (fresh(samples, seed) for seed in itertools.count())
    for program in programs:
        program.question(next(clips), 8)
    for _ in range(arguments.n):
        for program in programs:
            figure, others = quietly(
                lambda: program.question(next(clips), arguments.tokens), [p.pid for p in programs], arguments.quiet,
                arguments.patience)
            for values, value in zip(figures[program.name], (*figure, others)):
                values.append(value)
    medians = {}
    for name, (first, rate, processor, others) in figures.items():
        most = max(others)
        medians[name] = (
            rows.add(name, f"first token of a {arguments.seconds} s question", first, "s", most),
            rows.add(name, "decode", rate, "tokens/s", most),
            rows.add(name, "processor time to the first token", processor, "s", most))
    mine = medians[programs[0].name]
    for program in programs[1:]:
        first, rate, processor = medians[program.name]
        say(f"first token: cord takes {mine[0] / first:.3f} of {program.name}'s time ({first / mine[0]:.1f} times as fast)")
        say(f"first token: cord takes {mine[2] / processor:.3f} of {program.name}'s processor time")
        if rate:
            say(f"decode: cord writes {mine[1] / rate:.2f} times {program.name}'s tokens per second")


def limit(cord, rows, arguments):
    """Decoding against the memory's bandwidth, which drifts on a shared machine: each answer between two passes over memory."""
    per_token = weight_bytes(arguments.model)[1] / 1e9
    numbers = iter(range(100, 1000))

    read, reached, most = [], [], 0.0
    for _ in range(arguments.n):
        before = bandwidth(arguments.threads)
        rate, others = quietly(
            lambda: decode_rate(cord.ask([text_part(TYPED.format(next(numbers)))], 2 * arguments.tokens)), [cord.pid], arguments.quiet,
            arguments.patience)
        read.append(per_token * rate)
        reached.append(read[-1] / ((before + bandwidth(arguments.threads)) / 2))
        most = max(most, others)
    rows.add(cord.name, "weights read while decoding", read, "GB/s", most)
    share = rows.add(cord.name, "… of the memory's bandwidth", reached, "", most)
    say(f"decode: {share:.3f} of the memory's bandwidth, {min(reached):.3f} to {max(reached):.3f}, "
        f"at {1000 * per_token:.0f} MB of weights per token")


def together(server, count, numbers, tokens):
    """Tokens a second of `count` answers at once, to typed prompts about the next of `numbers`."""
    def ask(number):
        return server.ask([text_part(TYPED.format(number))], tokens)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(ask, [next(numbers) for _ in range(count)]))
    # From the moment all are writing to the moment the first is done, every pass carries all of them.
    start = max(a["start"] + a["first"] for a in answers)
    end = min(a["start"] + a["last"] for a in answers)
    return sum((a["tokens"] - 1) * (end - start) / (a["last"] - a["first"]) for a in answers) / (end - start)


def batch(cord, rows, arguments):
    """Eight answers at once against one, to typed prompts."""
    numbers = iter(range(1000, 10000))
    medians = []
    for count in [1, 8]:
        measured = [
            quietly(lambda: together(cord, count, numbers, arguments.tokens), [cord.pid], arguments.quiet, arguments.patience)
            for _ in range(arguments.n)
        ]
        medians.append(
            rows.add(cord.name, f"decode, {count} at once", [m[0] for m in measured], "tokens/s", max(m[1] for m in measured)))
    say(f"eight answers at once: {medians[1] / medians[0]:.2f} times the tokens per second of one")


def memory(cord, model, rows, arguments, weights=None):
    """After a spoken question, which reads every weight: `weights` bytes, or those of the checkpoint."""
    cord.question(fresh(question(arguments.seconds), 1 << 20), 8)
    every = weights or weight_bytes(model)[0]
    used = cord.memory()
    for kind, megabytes in used.items():
        rows.add(cord.name, f"memory, {kind}", [megabytes], "MB")
    say(f"memory: resident {used['rss']:.0f} MB, weights {every / 1e6:.0f} MB: {used['rss'] - every / 1e6:+.0f} MB beside them")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--model", type=pathlib.Path, default=PEERS / "audio-1.27b")
    parser.add_argument("--peers", default="llama.cpp,transformers")
    parser.add_argument("--parts", default="single,limit,batch,memory")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.6)
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=60)
    arguments = parser.parse_args()
    rows = Rows()
    cord = Spoken("cord", [arguments.cord, "serve", "--model", arguments.model, "--port", "{port}", "--data", "{data}"])
    known = {
        "llama.cpp": lambda: Spoken(
            "llama.cpp",
            [PEERS / "llama.cpp-build/bin/llama-server", "--model", f"{arguments.model}-decoder.gguf", "--mmproj",
             f"{arguments.model}-mmproj.gguf", "--port", "{port}", "--threads", arguments.threads, "--parallel", 1,
             "--ctx-size", 4096],
            {"cache_prompt": False, "ignore_eos": True}),
        "transformers": lambda: Transformers(arguments.model, arguments.threads),
    }
    parts = arguments.parts.split(",")
    with cord:
        rows.add("cord", "start", [cord.start_seconds], "s")
        if "single" in parts:
            # Every program is loaded all the time, and idle while another one answers.
            with contextlib.ExitStack() as stack:
                peers = [stack.enter_context(known[name]()) for name in arguments.peers.split(",") if name]
                single([cord, *peers], rows, arguments)
        if "limit" in parts:
            limit(cord, rows, arguments)
        if "batch" in parts:
            batch(cord, rows, arguments)
        if "memory" in parts:
            memory(cord, arguments.model, rows, arguments)


if __name__ == "__main__":
    main()
