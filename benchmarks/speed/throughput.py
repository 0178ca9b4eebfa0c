#!/usr/bin/env python3
"""Questions answered per second, spoken and typed, greedy: cord against transformers at its best batch.

The same items and the same checkpoint in one run; both sides answer in full, and neither's loading counts: `cord eval` by the rate that it
prints itself, from the first question asked to the last answer read and scored; transformers with its clips decoded before. The whole run
of `cord eval`, from the program's start to the printed report, is a row of its own. With `--served`, cord is asked over HTTP instead, many
requests at once, on clips that are new to it.

Needs: the program `cord`, and for the peer `peers.sh`. Without ITEMS, the built-in benchmark; with `--served`, also items of `items.py
FOLDER`, or any manifest of `{"id", "text", "audio"}`.
Usage: $CORD_PEERS/python/bin/python throughput.py CORD [ITEMS.jsonl] [--items 600] [--model DIR] [--served] [--at-once 64]
       [--batches 8,16,32,64,128,256] [--threads 2] [--n 3] [--dtype auto] [--arms spoken,typed] [--no-peer] [--quiet 0.2] [--patience 60]
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from measuring import HERE, PEERS, Neighbours, Rows, Server, quietly, say

SOURCES = HERE.parent.parent / "Sources"
NANO = SOURCES / "Model" / "CordNano" / "Checkpoint"
BENCHMARK = SOURCES / "Measuring" / "CordBench" / "cord-bench-1" / "manifest.jsonl"


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


def first_items(manifest, count, folder):
    """A set of the manifest's first items, which `cord eval` and the peer both read."""
    lines = [line for line in manifest.read_text().splitlines() if line.strip()][:count]
    for line in lines:
        clip = folder / json.loads(line)["audio"]
        clip.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(manifest.parent / json.loads(line)["audio"], clip)
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "manifest.jsonl"


def evaluate(arguments, manifest, arm):
    """Items per second of one `cord eval` by its own count, of its whole run, and the cores that others took meanwhile."""
    count = sum(1 for _ in manifest.open())
    command = [arguments.cord, "eval", "--model", arguments.model, "--threads", arguments.threads, "--dtype", arguments.dtype,
               "--benchmark", manifest, "--arms", {"spoken": "audio", "typed": "text"}[arm]]
    with Neighbours([]) as neighbours:
        start, used = time.perf_counter(), os.times()
        run = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        seconds, now = time.perf_counter() - start, os.times()
    own = now.children_user + now.children_system - used.children_user - used.children_system
    answered, rate = re.search(r"(\d+) answers in [\d.]+ s, ([\d.]+)/s", run.stderr).groups()
    assert int(answered) == count, run.stderr
    return float(rate), count / seconds, max(0.0, neighbours.cores - own / seconds)


def served(arguments, items, folder, arm):
    """Items per second of a server of its own: neither clips nor prefixes are known to it."""
    command = [arguments.cord, "serve", "--model", arguments.model, "--dtype", arguments.dtype, "--port", "{port}", "--data", "{data}"]
    with Server("cord", command) as cord:
        requests = bodies(items, folder, cord.model)[arm]
        answer_all(cord.port, requests[:1], 1)
        (rate, _), others = quietly(
            lambda: answer_all(cord.port, requests, arguments.at_once), [cord.pid], arguments.quiet, 0)
        return rate, None, others


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("manifest", type=pathlib.Path, nargs="?", default=BENCHMARK)
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--model", type=pathlib.Path, default=NANO)
    parser.add_argument("--served", action="store_true")
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--batches", default="8,16,32,64,128,256")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--n", type=int, default=3)
    parser.add_argument("--dtype", default="auto", choices=["auto", "bfloat16"], help="the arithmetic of both sides; auto is float32")
    parser.add_argument("--arms", default="spoken,typed")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=60)
    arguments = parser.parse_args()
    rows = Rows()
    with tempfile.TemporaryDirectory() as folder:
        manifest = first_items(arguments.manifest, arguments.items, pathlib.Path(folder))
        items = [json.loads(line) for line in manifest.read_text().splitlines()]
        batches = [] if arguments.no_peer else arguments.batches.split(",")
        for arm in arguments.arms.split(","):
            compare(arguments, rows, manifest, items, arm, batches)


def in_turn(batches, peer, n):
    """Batch sizes to measure, one after another, while `peer` grows."""
    yield from batches
    best = sorted(peer, key=lambda batch: -peer[batch][0])[:2]
    for _ in range(n - 1):
        yield from best


def compare(arguments, rows, manifest, items, arm, batches):
    """cord in turn with the peer, for a shared machine is not equally fast for minutes on end: every batch size of the peer's once, then the
    two best of them until there are n of each, so that its best is no stroke of luck."""
    def mine():
        return served(arguments, items, manifest.parent, arm) if arguments.served else evaluate(arguments, manifest, arm)

    measured, peer = [mine()], {}
    for batch in in_turn(batches, peer, arguments.n):
        command = [PEERS / "python/bin/python", HERE / "transformers_peer.py", "batches", arguments.model, arguments.threads,
                   "bfloat16" if arguments.dtype == "bfloat16" else "float32", manifest, arm, batch]
        run = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        peer.setdefault(batch, []).append(json.loads(run.stdout)["rate"])
        measured.append(mine())
    measured += [mine() for _ in range(arguments.n - len(measured))]
    how = f"over HTTP, {arguments.at_once} at once" if arguments.served else "cord eval"
    others = max(m[2] for m in measured)
    rate = rows.add("cord", f"{arm} items, {how}", [m[0] for m in measured], "items/s", others)
    if not arguments.served:
        rows.add("cord", f"{arm} items, {how}, the whole run", [m[1] for m in measured], "items/s", others)
    for batch in batches:
        rows.add("transformers", f"{arm} items, batches of {batch}", peer[batch], "items/s")
    if peer:
        best = max(statistics.median(rates) for rates in peer.values() if len(rates) >= arguments.n)
        say(f"{arm}: {rate / best:.2f} times transformers' items per second at its best batch")


if __name__ == "__main__":
    main()
