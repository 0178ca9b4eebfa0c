"""Ten thousand mixed requests against a running server: it stays up, answers the next one, and leaks nothing.

    cord serve --cache-size 64 & python soak.py [http://127.0.0.1:8080] [requests]

The small cache is full from the start; one that still fills also grows by what its entries cost beside their bytes.

Good questions, broken sound, hostile JSON, uploads, clients that vanish while an answer streams, and connections that send a byte and
stop. Memory, descriptors and threads are read when the server is idle: at the start, after a fifth of the requests (caches and pools
are filled by then), after three fifths, and at the end. Memory must have found its level: from the third reading to the last, the
resident memory may grow by 4 MiB beyond what the server's own bounded caches took in; descriptors by 4 and threads by 2.
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
from urllib.parse import urlparse

from serving import CLIPS, form, request

SPOKEN = [clip.read_bytes() for clip in sorted(CLIPS.glob("*.wav"))]
server = urlparse(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
total = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
JSON = {"Content-Type": "application/json"}
WAV = {"Content-Type": "audio/wav"}


def send(method, path, body=None, headers=None):
    return request(server.port, method, path, body, headers, timeout=60, host=server.hostname)


def post(path, body, headers): return send("POST", path, body, headers)[0]


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
        connection.sendall(b"POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + bytes(draw.randrange(1, 50)))
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
def look(draw): return send("GET", draw.choice(["/", "/health", "/metrics", "/openapi.json", "/v1/models", "/v1/weights/versions",
                                                "/v1/gap/reports", "/v1/fine_tuning/jobs", "/nothing/here"]))[0]


def unheard(draw):
    """A clip that no cache knows: the silence behind the words is of another length each time."""
    clip = draw.choice(SPOKEN)
    data = clip[44:] + bytes(2 * draw.randrange(1, 20_000))
    head = clip[:4] + (36 + len(data)).to_bytes(4, "little") + clip[8:40] + len(data).to_bytes(4, "little")
    return post("/v1/answers", head + data, WAV)


def upload(draw):
    pairs = json.dumps({"text": "What is 1 plus 1?", "note": draw.random()}) + "\n" * draw.randrange(1, 10_000)
    status, body = send("POST", "/v1/files", *form(pairs.encode(), "pairs.jsonl", purpose="fine-tune"))
    return send("DELETE", "/v1/files/" + json.loads(body)["id"])[0] if status == 200 else status


kinds = [sound] * 3 + [typed] * 6 + [unheard, unheard, part, stream, stream, cut, noise, deep, wrong, long, vanish, drip, look, upload]
NAMES = ["process_resident_memory_bytes", "process_open_fds", "process_threads", "cord_answers_running", "cord_questions_waiting",
         "cord_cache_bytes", "cord_embedding_cache_bytes", "cord_buffer_pool_bytes"]


def state():
    time.sleep(40)  # Half-sent requests are cut off after 30 s.
    text = send("GET", "/metrics")[1].decode()
    found = {name: int(float(re.search(rf"^{name} (\S+)", text, re.M)[1])) for name in NAMES}
    caches = sum(found[name] for name in NAMES if name.startswith("cord_") and name.endswith("_bytes"))
    print(f"resident {found['process_resident_memory_bytes'] / 1e6:.1f} MB, caches and pools {caches / 1e6:.1f} MB, "
          f"descriptors {found['process_open_fds']}, threads {found['process_threads']}, "
          f"running {found['cord_answers_running']}, waiting {found['cord_questions_waiting']}", flush=True)
    return found | {"caches": caches}


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


readings, counts = [state()], collections.Counter()
for first, last in [(0, total // 5), (total // 5, total * 3 // 5), (total * 3 // 5, total)]:
    start = time.time()
    counts += batch(first, last - first)
    print(f"{last - first} requests in {time.time() - start:.0f} s")
    readings.append(state())
for (kind, status), count in sorted(counts.items(), key=str):
    print(f"{kind:8} {status!s:24} {count}")
_, _, before, after = readings


def growth(name): return after[name] - before[name]


memory = growth("process_resident_memory_bytes") - max(0, growth("caches"))
failures = [key for key in counts if isinstance(key[1], int) and key[1] >= 500 or key[1] in ("ConnectionRefusedError", "TimeoutError")]
print(f"in the last two fifths: memory beyond the caches {memory / 1e6:+.1f} MB, descriptors {growth('process_open_fds'):+}, "
      f"threads {growth('process_threads'):+}")
if failures or memory > 4 << 20 or growth("process_open_fds") > 4 or growth("process_threads") > 2 or after["cord_answers_running"]:
    sys.exit(f"the server leaks or fails: {failures}")
