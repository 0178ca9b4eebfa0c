#!/usr/bin/env python3
"""How long a chat request waits for its first token while a training job runs, beside how long it waits on an idle server.

    fair_sharing.py --cord .build/release/cord

Required: the median and the 95th percentile under training stay below 3 times the idle median plus 50 ms, and while nobody asks
anything the training uses at least half of the machine's processor time.
"""

import argparse
import base64
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "Tests/Fixtures/spoken"


def first_token(port, clip, number):
    """Seconds to the first token of a streamed answer, in a prompt that no cache knows."""
    content = [{"type": "text", "text": f"Request {number}: {time.time_ns()}"}]
    if clip:
        content.append({"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}})
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


def series(port, clip, count, pause):
    waits = []
    for number in range(count):
        waits.append(first_token(port, clip, number))
        time.sleep(pause)
    waits.sort()
    return statistics.median(waits), waits[int(0.95 * (len(waits) - 1))], waits[-1]


def processor_seconds(process):
    """User and system time of a process so far, all threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=str(ROOT / ".build/release/cord"))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="cord-fair-")
    server = subprocess.Popen([arguments.cord, "serve", "--port", str(port), "--data", folder, "--log-level", "error"])
    address = f"http://127.0.0.1:{port}"

    def call(method, path, body=None, kind="application/json"):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(address + path, data, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read())

    try:
        while True:
            try:
                call("GET", "/health")
                break
            except OSError:
                time.sleep(0.1)
        clip = base64.b64encode((CLIPS / "sum.wav").read_bytes()).decode()
        series(port, clip, 5, 0)
        idle = {name: series(port, sound, arguments.count, 0.02) for name, sound in (("typed", None), ("spoken", clip))}

        lines = "\n".join(
            json.dumps({"id": f"{name}-{copy}", "text": f"{name} {copy}?",
                        "audio": {"data": base64.b64encode((CLIPS / f"{name}.wav").read_bytes()).decode()}})
            for name in ("sum", "pens", "tallest", "france") for copy in range(arguments.batch // 4))
        form = ("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n"
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"pairs.jsonl\"\r\n\r\n" + lines + "\r\n--b--\r\n").encode()
        file = call("POST", "/v1/files", form, "multipart/form-data; boundary=b")
        job = call("POST", "/v1/fine_tuning/jobs", {
            "model": "cord-nano", "training_file": file["id"], "method": {"type": "cord", "cord": {"hyperparameters": {
                "batch_size": arguments.batch, "steps": 100000, "checkpoint_every": 100000, "objective": {"max_rollout_tokens": 64}}}}})

        def steps():
            return call("GET", f"/v1/fine_tuning/jobs/{job['id']}")["cord"]["step"]

        while steps() == 0:
            time.sleep(0.1)
        before, used, start = steps(), processor_seconds(server.pid), time.monotonic()
        time.sleep(15)
        elapsed = time.monotonic() - start
        alone = (steps() - before) / elapsed
        share = (processor_seconds(server.pid) - used) / elapsed / len(os.sched_getaffinity(server.pid))
        before, start = steps(), time.monotonic()
        busy = {name: series(port, sound, arguments.count, 0.02) for name, sound in (("typed", None), ("spoken", clip))}
        shared = (steps() - before) / (time.monotonic() - start)
        call("POST", f"/v1/fine_tuning/jobs/{job['id']}/cancel", {})
    finally:
        server.terminate()
        server.wait(60)
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
