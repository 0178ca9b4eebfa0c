#!/usr/bin/env python3
"""Runs a well-behaved client beside one attack after the other and prints the slowest of its answers.

    attack.py --cord .build/release/cord                 every attack, 8 s each
    attack.py --attacks bomb values --seconds 20         some of them, for longer
    attack.py --refusals 20                              how long each body of many or long values takes to be refused, alone

The client asks a typed and a short spoken question, each five times a second. Required, on two cores: every one of its questions is
answered within a second, the server is healthy after each attack, and it stops when it is told to.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import gzip
import http.client
import io
import json
import resource
import socket
import statistics
import struct
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CLIPS, CORD, ROOT, UNREACHABLE, Server, form
from serving import request as send

JSON = {"Content-Type": "application/json"}
LIMIT = 1.0
SLOW_HOST = "slow.cord.invalid"


def request(port, method, path, body=None, headers=None, timeout=60):
    return send(port, method, path, body, headers, timeout)


def question(*parts, **more):
    content = list(parts) or "What is the sum of 7, 9 and 8?"
    return json.dumps({"model": "cord-nano", "messages": [{"role": "user", "content": content}], "max_tokens": 8, **more})


def sound(data):
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}


class Client:
    """Asks one question five times a second until it is told to stop."""

    def __init__(self, port, body):
        self.waits, self.refused = [], []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.ask, args=(port, body))
        self.thread.start()

    def ask(self, port, body):
        while not self.ended.is_set():
            start = time.perf_counter()
            try:
                status, _ = request(port, "POST", "/v1/chat/completions", body)
            except UNREACHABLE as error:
                status = type(error).__name__
            self.waits.append(time.perf_counter() - start)
            if status != 200:
                self.refused.append(status)
            self.ended.wait(max(0, 0.2 - self.waits[-1]))

    def end(self):
        self.ended.set()
        self.thread.join()


# Attacks. Each is a list of what to send, over and over, and how many at once do so. What to send is a function of the server's port.

def chat(body): return lambda port: request(port, "POST", "/v1/chat/completions", body)
def post(path, body, headers): return lambda port: request(port, "POST", path, body, headers)


def upload(path, content, filename, **fields): return post(path, *form(content, filename, **fields))


def sampling():
    extremes = [{"temperature": 1.5, "top_p": 1e-300, "min_p": 0.999999, "repetition_penalty": 5e-324}, {"temperature": 5e-324},
                {"temperature": 1e-40, "top_k": 1}, {"temperature": 2, "frequency_penalty": 2, "presence_penalty": -2, "min_p": 1},
                {"temperature": 1, "repetition_penalty": 2}, {"temperature": 1, "top_p": 1e-46}]
    return [chat(question(**extreme)) for extreme in extremes], 4


def headers():
    """Sizes that no reading of a header may believe."""
    sounds = []
    for size in (0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1):
        for junk in (b"", b"JUNK" + struct.pack("<I", 2 ** 32 - 1), b"JUNK" + struct.pack("<I", 3) + b"abc"):
            ds64 = b"ds64" + struct.pack("<IQQQI", 28, (size + 72) % 2 ** 64, size, size, 0)
            fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 16000, 1, 8)
            sounds.append(b"RF64" + struct.pack("<I", 2 ** 32 - 1) + b"WAVE" + ds64 + fmt + junk + b"data"
                          + struct.pack("<I", 2 ** 32 - 1) + bytes(16000))
    return [post("/v1/answers?max_tokens=4", data, {"Content-Type": "audio/wav"}) for data in sounds], 4


def bomb():
    flac = (ROOT / "Tests/Fixtures/audio/refused/bomb.flac").read_bytes()
    return [chat(question(*[sound(flac)] * 32))], 2


def endless():
    """The same sound by a header that does not say how much there is, so that only decoding tells."""
    flac = bytearray((ROOT / "Tests/Fixtures/audio/refused/bomb.flac").read_bytes())
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return [chat(question(*[sound(bytes(flac))] * 32))], 8


def values():
    def body(member): return question()[:-1] + "," + member + "}"
    many = 600_000
    bodies = [
        "[" + "1," * many + "1]", body('"tools":[' + "{}," * many + "{}]"), body('"temperature":[' + "0," * many + "0]"),
        body('"metadata":{' + ",".join(f'"k{key}":{key}' for key in range(30_000)) + "}"), body('"seed":' + "7" * 4_000_000),
        body('"temperature":"' + "é" * 4_000_000 + '"'), body('"user":"' + "\\u0041" * 1_000_000 + '"'),
        body('"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"enum":[' + "1," * 30_000 + "1]}}}"),
        body(",".join(f'"unknown{key}":1' for key in range(15_000))), body('"' + "x" * 4_000_000 + '":1'),
        body('"stop":[' + '"a",' * 30_000 + '"a"]'), "[" * 1_000_000,
        json.dumps({"model": "cord-nano", "messages": [{"role": "user", "content": "a"}] * 5000}),
        json.dumps({"model": "cord-nano", "messages": [{"role": "user", "content": "seven " * 2_000_000}]})]
    return [chat(body) for body in bodies], 4


def archives():
    zeros = bytes(1 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("adapter_model.safetensors", "w", force_zip64=True) as member:
            for _ in range(2000):
                member.write(zeros)
    squeezed = io.BytesIO()
    with gzip.open(squeezed, "wb") as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name in range(20_000):
            archive.addfile(tarfile.TarInfo(f"{name}/a"))
    return [upload("/v1/weights/versions", content, "a", name=f"a{index}") for index, content in
            enumerate((packed.getvalue(), squeezed.getvalue(), bytes(64 << 20)))], 4


def names():
    part = {"type": "audio_url", "audio_url": {"url": f"http://{SLOW_HOST}/a.wav"}}
    return [chat(question(part))], 16


def patterns():
    folder = ROOT / "Sources/Model/CordNano/Adapter"
    configuration = json.loads((folder / "adapter_config.json").read_text())
    tensors = (folder / "adapter_model.safetensors").read_bytes()
    attacks = []
    for index, change in enumerate(({"target_modules": "(.*.*)*(.*.*)*q_proj$"}, {"target_modules": "((a*)*)*!"},
                                    {"rank_pattern": {"(.+)+(.+)+(.+)+!": 1e300}}, {"lora_alpha": 1e300}, {"r": 0}, {"r": 2 ** 63 - 1})):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in (("adapter_config.json", json.dumps({**configuration, **change}).encode()),
                                  ("adapter_model.safetensors", tensors)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        attacks.append(upload("/v1/weights/versions", packed.getvalue(), "a.tar", name=f"pattern-{index}"))
    return attacks, 4


def raw(content, wait=1.0):
    def send(port):
        with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
            connection.sendall(content)
            with contextlib.suppress(OSError):
                while connection.recv(65536):
                    pass
    return send


def framing():
    start = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    behind = b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    heads = [b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
             b"Content-Length : 5\r\n\r\n", b"X: a\r\n b\r\nContent-Length: 5\r\n\r\n", b"Transfer-Encoding: chunked, identity\r\n\r\n",
             b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"Content-Length: 99999999999999999999\r\n\r\n"]
    return [raw(start + head + behind, 0.5) for head in heads], 8


def slow():
    """Connections that send a byte now and then, and some that never read what they asked for."""
    def drip(port):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            for byte in b"POST /v1/chat/completions HTTP/1.1\r\n":
                connection.sendall(bytes([byte]))
                time.sleep(0.1)

    def deaf(port):
        body = question(stream=True, n=4, temperature=2, max_tokens=200).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(2)
    return [drip] * 7 + [deaf], 64


def connections():
    return [raw(b"", 0.01), raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
            lambda port: request(port, "GET", "/v1/models"), lambda port: request(port, "GET", "/metrics")], 16


def gone():
    def vanish(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/v1/chat/completions", question(stream=True, n=4, temperature=2, max_tokens=400), JSON)
        connection.getresponse().read(100)
        connection.close()
    spoken = question(*[sound((CLIPS / "sum.wav").read_bytes())] * 8).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(spoken)}\r\n\r\n"
    return [vanish, raw(head.encode() + spoken, 0.01)], 4


ATTACKS = [sampling, headers, bomb, endless, values, archives, names, patterns, framing, slow, connections, gone]


def strike(port, attacks, many, seconds):
    """Lets `many` send the attacks in turn for so long; what each of them was answered."""
    deadline = time.monotonic() + seconds
    statuses = {}

    def one(number):
        index = number
        while time.monotonic() < deadline:
            try:
                answer = attacks[index % len(attacks)](port)
                status = answer[0] if answer else "sent"
            except UNREACHABLE as error:
                status = type(error).__name__
            statuses[status] = statuses.get(status, 0) + 1
            index += 1
    with concurrent.futures.ThreadPoolExecutor(many) as pool:
        list(pool.map(one, range(many)))
    return statuses


def refusals(port, times):
    """Sends each of the bodies of `values` alone, so often, and prints how long its refusal took."""
    slowest = 0
    bodies, _ = values()
    for number, send in enumerate(bodies):
        seconds = []
        for _ in range(times):
            start = time.monotonic()
            status, answer = send(port)
            seconds.append(time.monotonic() - start)
        code = json.loads(answer).get("error", {}).get("code") if status >= 400 else None
        slowest = max(slowest, max(seconds) if status >= 400 else 0)
        print(f"{number:2}  {status} {str(code):24} median {1000 * statistics.median(seconds):6.1f} ms, slowest {1000 * max(seconds):6.1f} ms", flush=True)
    print(f"slowest refusal: {1000 * slowest:.1f} ms (n = {times} each)")


def resident(process):
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--attacks", nargs="+", choices=[attack.__name__ for attack in ATTACKS], default=[attack.__name__ for attack in ATTACKS])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--refusals", type=int, metavar="N", help="only measure the refusals of bodies, N of each")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cord-attack-"))
    server = Server(
        arguments.cord, "--threads", arguments.threads, "--log-level", "error", "--audio-host", SLOW_HOST, data=folder / "data").start()
    if arguments.refusals:
        refusals(server.port, arguments.refusals)
        return server.stop()
    spoken = question(sound((CLIPS / "sum.wav").read_bytes()))
    for body in (question(), spoken):
        assert request(server.port, "POST", "/v1/chat/completions", body)[0] == 200
    failed = []
    print(f"{'attack':12} {'sent':>6} {'asked':>6} {'median':>8} {'slowest':>8} {'refused':>8} {'memory':>9}", flush=True)
    for attack in [None] + [attack for attack in ATTACKS if attack.__name__ in arguments.attacks]:
        name = attack.__name__ if attack else "none"
        attacks, many = attack() if attack else ([lambda port: time.sleep(0.1)], 1)
        clients = [Client(server.port, question()), Client(server.port, spoken)]
        statuses = strike(server.port, attacks, many, arguments.seconds)
        for client in clients:
            client.end()
        waits = [wait for client in clients for wait in client.waits]
        refused = [status for client in clients for status in client.refused]
        try:
            healthy = request(server.port, "GET", "/health", timeout=5)[0] == 200
        except UNREACHABLE:
            healthy = False
        alive = server.process.poll() is None
        memory = f"{resident(server.process):.0f} MB" if alive else "-"
        good = alive and healthy and not refused and max(waits) < LIMIT
        print(f"{name:12} {sum(statuses.values()):6} {len(waits):6} {1000 * statistics.median(waits):5.0f} ms {1000 * max(waits):5.0f} ms "
              f"{len(refused):8} {memory:>9} {'holds' if good else 'BROKEN'}  {statuses}", flush=True)
        if not good:
            failed.append(name)
        if not alive:
            print(f"the server ended with {server.process.returncode}; its log is {server.log}")
            server.start()
    start = time.monotonic()
    if status := server.stop():
        failed.append("the stop")
    print(f"told to stop, the server ended with {status} after {time.monotonic() - start:.1f} s")
    sys.exit(f"broken by: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
