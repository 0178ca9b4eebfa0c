"""Ten thousand mixed requests against a running server: it stays up, answers the next one, and leaks nothing.

    cord serve & python soak.py [http://127.0.0.1:8080] [requests]

Good questions, broken sound, hostile JSON, clients that vanish while an answer streams, and connections that send a byte and stop.
Prints counts by kind and status, resident memory and descriptors before and after, and exits with 1 where they grew.
"""

import base64
import collections
import concurrent.futures
import http.client
import json
import random
import re
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlparse

SPOKEN = [p.read_bytes() for p in sorted((Path(__file__).resolve().parent.parent / "Tests/Fixtures/spoken").glob("*.wav"))]
server = urlparse(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
total = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
JSON = {"Content-Type": "application/json"}
WAV = {"Content-Type": "audio/wav"}


def post(path, body, headers):
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def chat(**more):
    return json.dumps({"model": "cord-nano", "messages": [{"role": "user", "content": "What is the sum of 7, 9 and 8?"}],
                       "max_tokens": 24, **more})


def vanish(draw):
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", chat(stream=True, n=4, temperature=2, max_tokens=400), JSON)
    response = connection.getresponse()
    response.read(draw.randrange(1, 400))
    connection.close()
    return "gone"


def drip(draw):
    with socket.create_connection((server.hostname, server.port), timeout=60) as connection:
        connection.sendall(b"POST /v1/answers HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + bytes(draw.randrange(1, 50)))
    return "gone"


def sound(draw): return post("/v1/answers", draw.choice(SPOKEN), WAV)
def part(draw):
    data = base64.b64encode(draw.choice(SPOKEN)).decode()
    return post("/v1/chat/completions", json.dumps({"model": "cord-nano", "max_tokens": 16, "messages": [{"role": "user", "content": [
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]}]}), JSON)
def typed(draw): return post("/v1/chat/completions", chat(n=draw.randrange(1, 4), seed=draw.randrange(1000)), JSON)
def stream(draw): return post("/v1/chat/completions", chat(stream=True, logprobs=True), JSON)
def cut(draw): return post("/v1/answers", draw.choice(SPOKEN)[:draw.randrange(0, 60_000)], WAV)
def noise(draw): return post("/v1/answers", draw.randbytes(draw.randrange(0, 5000)), WAV)
def deep(draw): return post("/v1/chat/completions", "[" * 10_000 + "]" * 10_000, JSON)
def wrong(draw): return post("/v1/chat/completions", chat(temperature=draw.choice([-1, 9, "hot", None, []])), JSON)
def long(draw): return post("/v1/answers", json.dumps({"text": "seven " * 20_000}), JSON)


kinds = [sound] * 4 + [typed] * 6 + [part, stream, stream, cut, cut, noise, deep, wrong, long, vanish, drip]


def state():
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(re.search(rf"^{name} (\S+)", text, re.M)[1]) for name in
            ["process_resident_memory_bytes", "process_open_fds", "cord_answers_running", "cord_questions_waiting"]}


def run(index):
    draw = random.Random(index)
    kind = draw.choice(kinds)
    try:
        return kind.__name__, kind(draw)
    except OSError as error:
        return kind.__name__, type(error).__name__


def batch(first, count):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        return collections.Counter(pool.map(run, range(first, first + count)))


batch(0, total // 10)  # Caches fill once: memory is compared after that.
time.sleep(40)  # Half-sent requests are cut off after 30 s.
before, start = state(), time.time()
counts = batch(total // 10, total - total // 10)
seconds = time.time() - start
time.sleep(40)
after = state()
for (kind, status), count in sorted(counts.items(), key=str):
    print(f"{kind:8} {status!s:24} {count}")
print(f"{total - total // 10} requests in {seconds:.0f} s")
print("before", before)
print("after ", after)
growth = after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
failures = [key for key in counts if isinstance(key[1], int) and key[1] >= 500 or key[1] in ("ConnectionRefusedError", "TimeoutError")]
if failures or growth > 96 << 20 or after["process_open_fds"] > before["process_open_fds"] + 4 or after["cord_answers_running"]:
    sys.exit(f"growth of {growth / 1e6:.0f} MB, failures {failures}")
print(f"memory grew by {growth / 1e6:.1f} MB")
