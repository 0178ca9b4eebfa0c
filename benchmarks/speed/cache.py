#!/usr/bin/env python3
"""Keys and values in 8 bits beside float32: decoding many long sequences at once, and what the server's memory is then.

Each round asks the same `--sequences` prompts of random tokens twice: the first time they are read, the second time they are found in the cache and
only answers are computed, which is timed. Servers of both kinds stand side by side and are asked in turn.

Needs: `swift build -c release`
Usage: python cache.py .build/release/cord [--model DIR] [--n 5] [--sequences 32] [--prompt 1500] [--tokens 64]
"""
import argparse
import concurrent.futures
import pathlib
import random
import statistics
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from serving import Server


def resident(server):
    """Resident memory in MiB."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--model")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--prompt", type=int, default=1500)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--largest-token", type=int, default=400)
    arguments = parser.parse_args()
    kinds = ("float32", "int8")

    def ask(server, prompts):
        def one(prompt):
            body = {"prompt": prompt, "max_tokens": arguments.tokens, "temperature": 0, "ignore_eos": True}
            return server.call("POST", "/v1/completions", body)["usage"]["completion_tokens"]
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
            tokens = sum(pool.map(one, prompts))
        return tokens / (time.monotonic() - started)

    options = lambda kind: ["--kv-cache-dtype", kind, "--cache-size", "4096", "--draft", "off"]
    with Server(arguments.cord, *options("float32"), model=arguments.model) as wide, \
            Server(arguments.cord, *options("int8"), model=arguments.model) as narrow:
        servers = dict(zip(kinds, (wide, narrow)))
        before = {kind: resident(server) for kind, server in servers.items()}
        speeds = {kind: [] for kind in kinds}
        draw = random.Random(1)
        for turn in range(-1, arguments.n):
            prompts = [[draw.randrange(40, arguments.largest_token) for _ in range(arguments.prompt)] for _ in range(arguments.sequences)]
            for kind, server in servers.items():
                ask(server, prompts)
                speed = ask(server, prompts)
                if turn >= 0:
                    speeds[kind].append(speed)
            if turn < 0:
                grown = {kind: resident(server) - before[kind] for kind, server in servers.items()}
    print("keys and values,tokens a second,MiB more after the first round,rounds")
    for kind in kinds:
        print(f"{kind},{statistics.median(speeds[kind]):.1f},{grown[kind]:.0f},{len(speeds[kind])}")
    ratios = [narrow / wide for wide, narrow in zip(*speeds.values())]
    print(f"# int8: {statistics.median(ratios):.2f} times the tokens a second (pairs {min(ratios):.2f} to {max(ratios):.2f}), "
          f"{grown['int8'] / grown['float32']:.2f} of the memory; {arguments.sequences} sequences of {arguments.prompt} tokens and {arguments.tokens} more")


if __name__ == "__main__":
    main()
