#!/usr/bin/env python3
"""Questions answered per second, spoken and typed, greedy: cord with many requests at once against transformers at its best batch.

The same items and the same checkpoint in one run. Both sides answer in full, up to the checkpoint's own limit. The clips are new to cord.

Needs: the program `cord`, and for the peer `peers.sh`; items by `items.py FOLDER`, or any manifest of `{"id", "text", "audio"}`.
Usage: $CORD_PEERS/python/bin/python throughput.py CORD ITEMS.jsonl [--model DIR] [--at-once 64] [--batches 8,16,32,64]
       [--threads 2] [--n 3] [--no-peer] [--quiet 0.2] [--patience 60]
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import pathlib
import socket
import subprocess
import threading
import time

from measuring import HERE, PEERS, Rows, Server, quietly, say

NANO = HERE.parent.parent / "Sources" / "CordNano" / "Checkpoint"


def bodies(items, folder, model):
    """Requests of both arms."""
    def body(content):
        return json.dumps({"model": model, "messages": [{"role": "user", "content": content}], "temperature": 0}).encode()

    spoken = [
        body([{"type": "input_audio", "input_audio": {
            "data": base64.b64encode((folder / item["audio"]).read_bytes()).decode(), "format": "wav"}}]) for item in items
    ]
    return {"spoken": spoken, "typed": [body(item["text"]) for item in items]}


def answer_all(port, requests, at_once):
    """Items per second, and the answers' tokens."""
    kept = threading.local()

    def ask(body):
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            kept.connection.connect()
            kept.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kept.connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        response = kept.connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise SystemExit(f"cord: status {response.status}: {data[:2000].decode(errors='replace')}")
        return json.loads(data)["usage"]["completion_tokens"]

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        start = time.perf_counter()
        tokens = list(pool.map(ask, requests))
        return len(requests) / (time.perf_counter() - start), sum(tokens)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("items", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=NANO)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--batches", default="8,16,32,64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--n", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=60)
    arguments = parser.parse_args()
    rows = Rows()
    items = [json.loads(line) for line in arguments.items.read_text().splitlines() if line.strip()]
    mine = {}
    for arm in ["spoken", "typed"]:
        measured = []
        for _ in range(arguments.n):
            # A server of its own for each turn: neither clips nor prefixes are known to it.
            with Server("cord", [arguments.cord, "serve", "--model", arguments.model, "--port", "{port}"]) as cord:
                requests = bodies(items, arguments.items.parent, cord.model)[arm]
                answer_all(cord.port, requests[:1], 1)
                (rate, _), others = quietly(
                    lambda: answer_all(cord.port, requests, arguments.at_once), [cord.pid], arguments.quiet, 0)
                measured.append((rate, others))
        mine[arm] = rows.add(
            "cord", f"{arm} items, {arguments.at_once} at once", [m[0] for m in measured], "items/s",
            max(m[1] for m in measured))
    if arguments.no_peer:
        return
    command = [PEERS / "python/bin/python", HERE / "transformers_peer.py", "batches", arguments.model,
               str(arguments.threads), arguments.items, *arguments.batches.split(",")]
    peer = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    best = {}
    for line in peer.stdout.splitlines():
        result = json.loads(line)
        arm, rate = result["arm"], result["rate"]
        rows.add("transformers", f"{arm} items, batches of {result['batch']}", [rate], "items/s")
        best[arm] = max(best.get(arm, 0), rate)
    for arm, rate in mine.items():
        say(f"{arm}: {rate / best[arm]:.2f} times transformers' items per second at its best batch")


if __name__ == "__main__":
    main()
