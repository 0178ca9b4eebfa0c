#!/usr/bin/env python3
"""How long a chat request waits for its first token while a training job runs, beside how long it waits on an idle server.

    fair_sharing.py --cord .build/release/cord

Required: the median and the 95th percentile under training stay below 3 times the idle median plus 50 ms, and while nobody asks
anything the training uses at least half of the machine's processor time.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CORD, Server, clip, lines, processor_seconds


def first_token(port, sound, number):
    """Seconds to the first token of a streamed answer, in a prompt that no cache knows."""
    content = [{"type": "text", "text": f"Request {number}: {time.time_ns()}"}]
    if sound:
        content.append({"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}})
    body = json.dumps({"model": "cord-nano", "messages": [{"role": "user", "content": content}], "stream": True, "max_tokens": 8, "temperature": 0})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 200, response.read()
    while True:
        line = response.readline()
        if line.startswith(b"data: ") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
            waited = time.perf_counter() - start
            break
    response.read()
    connection.close()
    return waited


def series(port, sound, count, pause):
    waits = []
    for number in range(count):
        waits.append(first_token(port, sound, number))
        time.sleep(pause)
    waits.sort()
    return statistics.median(waits), waits[int(0.95 * (len(waits) - 1))], waits[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    with Server(arguments.cord, "--log-level", "error") as server:
        spoken = clip("sum")
        series(server.port, spoken, 5, 0)
        idle = {name: series(server.port, sound, arguments.count, 0.02) for name, sound in (("typed", None), ("spoken", spoken))}

        rows = [{"id": f"{name}-{copy}", "text": f"{name} {copy}?", "audio": {"data": clip(name)}}
                for name in ("sum", "pens", "tallest", "france") for copy in range(arguments.batch // 4)]
        file = server.upload(lines(rows), "pairs.jsonl")
        job = server.call("POST", "/v1/fine_tuning/jobs", {
            "model": "cord-nano", "training_file": file["id"], "method": {"type": "cord", "cord": {"hyperparameters": {
                "batch_size": arguments.batch, "steps": 100000, "checkpoint_every": 100000, "objective": {"max_rollout_tokens": 64}}}}})

        def steps():
            return server.call("GET", f"/v1/fine_tuning/jobs/{job['id']}")["cord"]["step"]

        while steps() == 0:
            time.sleep(0.1)
        before, used, start = steps(), processor_seconds(server.pid), time.monotonic()
        time.sleep(15)
        elapsed = time.monotonic() - start
        alone = (steps() - before) / elapsed
        share = (processor_seconds(server.pid) - used) / elapsed / len(os.sched_getaffinity(server.pid))
        before, start = steps(), time.monotonic()
        busy = {name: series(server.port, sound, arguments.count, 0.02) for name, sound in (("typed", None), ("spoken", spoken))}
        shared = (steps() - before) / (time.monotonic() - start)
        server.call("POST", f"/v1/fine_tuning/jobs/{job['id']}/cancel", {})
    failed = share < 0.5
    for name in idle:
        limit = 3 * idle[name][0] + 0.05
        holds = busy[name][0] < limit and busy[name][1] < limit
        failed |= not holds
        print(f"{name}: idle {1000 * idle[name][0]:.0f} ms; under training median {1000 * busy[name][0]:.0f}, 95th {1000 * busy[name][1]:.0f}, "
              f"worst {1000 * busy[name][2]:.0f} ms; limit {1000 * limit:.0f} ms: {'holds' if holds else 'BROKEN'}")
    print(f"training alone: {alone:.2f} steps/s, {100 * share:.0f} % of the machine: {'holds' if share >= 0.5 else 'BROKEN'}; "
          f"{shared:.2f} steps/s beside requests without a pause")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
