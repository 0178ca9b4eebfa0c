#!/usr/bin/env python3
"""Two builds of cord in turn on one model, as many pairs as wanted: whether a change made it slower.

A pair is one measurement of each, the first one alternating: first token and decode of a spoken question to each server, and the whole time of
`cord eval` over the first questions of cord-bench-1, typed and spoken. Printed: the medians, and the ratio of each pair's times (below 1: CORD is faster
than OTHER) by their median with its 95 % interval, the least and the most.

Needs: both programs, espeak-ng, numpy, soxr. Usage: python pairs.py CORD OTHER --model DIR [--n 10] [--tokens 64] [--items 100] [--parts answers,eval]
       [--options="--draft off"]
"""
import argparse
import itertools
import math
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from answer import Spoken
from measuring import Neighbours, Rows, say
from question import fresh, question


def told(rows, measure, times, unit, others):
    for name, values in times.items():
        rows.add(name, measure, values, unit, others)
    ratios = sorted(a / b for a, b in zip(times["cord"], times["other"]))
    low, high = within(len(ratios))
    say(f"{measure}: {statistics.median(ratios):.3f} of the other's [{ratios[low]:.3f}, {ratios[high]:.3f}] ({ratios[0]:.3f} to {ratios[-1]:.3f}, "
        f"{len(ratios)} pairs)")


def within(count):
    """The places of sorted values between which their population's median lies in 95 of a hundred cases."""
    chance, low = 0.0, -1
    while chance <= 0.025:
        low += 1
        chance += math.comb(count, low) / 2**count
    low = max(0, low - 1)
    return low, count - 1 - low


def answers(servers, rows, arguments):
    samples, seeds = question(arguments.seconds), itertools.count()
    first, each = ({name: [] for name in servers} for _ in range(2))
    with Neighbours([s.pid for s in servers.values()]) as neighbours:
        for turn in range(arguments.n + 1):
            clip = fresh(samples, next(seeds))
            for name in sorted(servers, reverse=turn % 2 == 1):
                seconds, rate, _ = servers[name].question(clip, arguments.tokens)
                if turn:
                    first[name].append(seconds)
                    each[name].append(1000 / rate)
    told(rows, f"first token of a {arguments.seconds} s question", first, "s", neighbours.cores)
    told(rows, "a further token", each, "ms", neighbours.cores)


def evaluations(programs, rows, arguments):
    for arm in ["text", "audio"]:
        times = {name: [] for name in programs}
        for turn in range(arguments.n + 1):
            for name in sorted(programs, reverse=turn % 2 == 1):
                with tempfile.TemporaryDirectory() as out:
                    start = time.perf_counter()
                    run = subprocess.run(
                        [programs[name], "eval", "--model", arguments.model, "--benchmark", "cord-bench-1", "--limit", str(arguments.items),
                         "--arms", arm, "--output", out + "/report"], capture_output=True, text=True)
                    if run.returncode:
                        raise SystemExit(f"{name}: {run.stderr[-2000:]}")
                    if turn:
                        times[name].append(time.perf_counter() - start)
        told(rows, f"cord eval over {arguments.items} questions, {arm}", times, "s", 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("other")
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6.6)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--parts", default="answers,eval")
    parser.add_argument("--options", default="", help="of CORD's server alone, such as --draft off, which OTHER may not know")
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    programs, rows = dict(cord=arguments.cord, other=arguments.other), Rows()
    if "answers" in arguments.parts:
        def server(name):
            return Spoken(name, [programs[name], "serve", *(arguments.options.split() if name == "cord" else []), "--model", arguments.model, "--port", "{port}", "--data", "{data}"])

        with server("cord") as one, server("other") as two:
            answers(dict(cord=one, other=two), rows, arguments)
    if "eval" in arguments.parts:
        evaluations(programs, rows, arguments)
