#!/usr/bin/env python3
"""cord-nano, the embedded model: tokens per second of one answer, and the first token of a 4 s spoken question.

One answer's speed is taken without streaming, so that the client takes no part of the processor while tokens are chosen: the same typed
questions are answered in full and with one token, and the tokens between are divided by the time between.

Needs: the program `cord` (swift build -c release), espeak-ng, numpy and soxr (`peers.sh` installs them).
Usage: $CORD_PEERS/python/bin/python nano.py CORD [--model DIR] [--n 20] [--quiet 0.2] [--patience 30]
"""
import argparse
import http.client
import json
import socket
import statistics
import time

from measuring import Rows, Server, audio_part, decode_rate, quietly, say, text_part
from question import fresh, question

NAMES = ["Tom", "Anna", "Ben", "Mary", "Sam", "Lucy", "Max", "Kate"]


def typed(number):
    a, b, c = 12 + number % 37, 7 + number % 23, 3 + number % 5
    return (f"{NAMES[number % len(NAMES)]} has {a} apples. He buys {b} more. He gives away {c}. "
            "How many apples are there now?")


class Client:
    """One kept connection for answers that are not streamed."""

    def __init__(self, server):
        self.model = server.model
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self, text, tokens):
        """Seconds and tokens of a whole answer."""
        messages = [{"role": "user", "content": text}]
        body = json.dumps({"model": self.model, "messages": messages, "max_tokens": tokens, "temperature": 0})
        start = time.perf_counter()
        self.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        data = response.read()
        seconds = time.perf_counter() - start
        if response.status != 200:
            raise SystemExit(f"cord: status {response.status}: {data[:2000].decode(errors='replace')}")
        return seconds, json.loads(data)["usage"]["completion_tokens"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--model")
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=30)
    arguments = parser.parse_args()
    rows = Rows()
    model = ["--model", arguments.model] if arguments.model else []
    command = [arguments.cord, "serve", *model, "--port", "{port}", "--data", "{data}"]
    with Server("cord", command) as cord:
        client = Client(cord)
        quiet = lambda measure: quietly(measure, [cord.pid], arguments.quiet, arguments.patience)

        def rate(number, turns=5):
            """Of one question: the medians of several turns, each with its prompt in the prefix cache."""
            client.answer(typed(number), 96)
            whole = [client.answer(typed(number), 96) for _ in range(turns)]
            ones = [client.answer(typed(number), 1) for _ in range(turns)]
            between = statistics.median(s for s, _ in whole) - statistics.median(s for s, _ in ones)
            return (whole[0][1] - 1) / between

        rate(0)
        measured = [quiet(lambda: rate(number)) for number in range(1, arguments.n + 1)]
        others = max(m[1] for m in measured)
        median = rows.add("cord-nano", "one answer", [m[0] for m in measured], "tokens/s", others)
        say(f"one answer: {median:.0f} tokens/s")

        streamed = [
            quiet(lambda: decode_rate(cord.ask([text_part(typed(number))], 96))) for number in range(100, 100 + arguments.n)
        ]
        rows.add("cord-nano", "one answer, streamed", [m[0] for m in streamed], "tokens/s", max(m[1] for m in streamed))

        samples, seeds = question(4), iter(range(10000))
        cord.ask([audio_part(fresh(samples, next(seeds)))], 1)
        first = [
            quiet(lambda: cord.ask([audio_part(fresh(samples, next(seeds)))], 1)["first"]) for _ in range(arguments.n)
        ]
        rows.add("cord-nano", "first token of a 4 s question", [m[0] * 1000 for m in first], "ms", max(m[1] for m in first))
        memory = cord.memory()
        for kind, megabytes in memory.items():
            rows.add("cord-nano", f"memory, {kind}", [megabytes], "MB")


if __name__ == "__main__":
    main()
