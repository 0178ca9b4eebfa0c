"""What the measuring scripts share: servers that come and go, streamed answers with their times, and CSV rows.

A row says on which machine, of which commit, from how many runs a median comes, and how many cores other work took meanwhile.
"""
import atexit
import base64
import contextlib
import csv
import functools
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from serving import Program, processor_seconds, request

PEERS = pathlib.Path(os.environ.get("CORD_PEERS", pathlib.Path.home() / ".cache" / "cord-peers"))
HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else os.uname().machine}"


def commit():
    run = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return run.stdout.strip() or "unknown"


class Rows:
    """CSV on standard output; ratios follow as lines that begin with `#`."""

    def __init__(self):
        self.machine, self.commit = machine(), commit()
        self.out = csv.writer(sys.stdout)
        self.out.writerow(["machine", "commit", "program", "measure", "n", "median", "unit", "other_cores"])

    def add(self, program, measure, values, unit, others=0.0):
        median = statistics.median(values)
        self.out.writerow(
            [self.machine, self.commit, program, measure, len(values), f"{median:.4g}", unit, f"{others:.2f}"])
        sys.stdout.flush()
        return median


def say(text):
    print("# " + text, flush=True)


class Neighbours:
    """Cores that processes other than ours (by id) kept busy while the block ran, as `.cores` after it."""

    def __init__(self, ours):
        self.ours = [os.getpid(), *ours]

    @staticmethod
    def _busy():
        fields = [int(x) for x in open("/proc/stat").readline().split()[1:]]
        # idle and iowait are not work; steal is the work of other machines and counts; guest time is inside user time.
        return (sum(fields[:8]) - fields[3] - fields[4]) / TICK

    def _own(self):
        total = 0.0
        for pid in self.ours:
            with contextlib.suppress(OSError):
                total += processor_seconds(pid)
        return total

    def __enter__(self):
        self.start, self.busy, self.own = time.monotonic(), self._busy(), self._own()
        return self

    def __exit__(self, *_):
        seconds = max(1e-3, time.monotonic() - self.start)
        self.cores = max(0.0, (self._busy() - self.busy - (self._own() - self.own)) / seconds)


def quietly(measure, pids, limit, patience):
    """Runs `measure` until other work took at most `limit` cores meanwhile, at most `patience` seconds long.

    Returns its result and the cores that others took, of the quietest attempt.
    """
    end, best = time.monotonic() + patience, None
    while True:
        with Neighbours(pids) as neighbours:
            result = measure()
        if best is None or neighbours.cores < best[1]:
            best = (result, neighbours.cores)
        if best[1] <= limit or time.monotonic() > end:
            return best


class Server(Program):
    """A program that serves an OpenAI-compatible interface until the `with` block ends; see `Program` for `{port}` and `{data}`."""

    def __init__(self, name, command, extra=None):
        super().__init__(name, command)
        self.extra = extra or {}

    def __enter__(self):
        start = time.monotonic()
        self.start()
        self.start_seconds = time.monotonic() - start
        self.model = json.loads(request(self.port, "GET", "/v1/models")[1])["data"][0]["id"]
        return self

    def ask(self, content, tokens, **fields):
        """Streams one answer. Returns seconds to the first token and to the last one, tokens, text, and the server's
        processor time up to the first token."""
        body = {
            "model": self.model, "messages": [{"role": "user", "content": content}], "max_tokens": tokens, "temperature": 0,
            "stream": True, "stream_options": {"include_usage": True}, **self.extra, **fields,
        }
        payload = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        used, start = processor_seconds(self.pid), time.perf_counter()
        connection.request("POST", "/v1/chat/completions", payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"{self.name}: status {response.status}: {response.read(2000).decode(errors='replace')}")
        first = last = None
        text, usage, timings = "", {}, {}
        for line in response:
            if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                continue
            now = time.perf_counter() - start
            chunk = json.loads(line[6:])
            if "error" in chunk:
                raise SystemExit(f"{self.name}: {chunk['error']}")
            usage = chunk.get("usage") or usage
            timings = (chunk.get("cord") or {}).get("timings") or timings
            piece = "".join((choice.get("delta") or {}).get("content") or "" for choice in chunk.get("choices", []))
            if piece:
                if first is None:
                    first, used = now, processor_seconds(self.pid) - used
                last = now
                text += piece
        connection.close()
        count = usage.get("completion_tokens", 0)
        if first is None:
            raise SystemExit(f"{self.name}: an answer without text ({count} tokens)")
        return {"first": first, "last": last, "tokens": count, "text": text, "prompt": usage.get("prompt_tokens"),
                "timings": timings, "start": start, "processor": used}

    def memory(self):
        """Resident, proportional, anonymous and file-backed megabytes."""
        fields = {}
        for line in open(f"/proc/{self.pid}/smaps_rollup"):
            parts = line.split()
            if parts[-1] == "kB":
                fields[parts[0].rstrip(":")] = int(parts[1]) / 1000 * 1.024
        return {"rss": fields["Rss"], "pss": fields["Pss"], "anonymous": fields["Anonymous"],
                "file": fields["Rss"] - fields["Anonymous"]}


def prompt_of(server, tokens, number):
    """Random words of which the whole prompt has at most so many tokens, and how many; `server` is cord, which counts."""
    def count(text):
        body = dict(messages=[dict(role="user", content=text)])
        return json.loads(request(server.port, "POST", "/v1/tokenize", body)[1])["count"]

    letters = random.Random(number)
    words = " ".join("".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=letters.randint(1, 9))) for _ in range(600))
    low, high = 1, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(words[:middle]) <= tokens else (low, middle - 1)
    return words[:low], count(words[:low])


def audio_part(wav):
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav).decode(), "format": "wav"}}


def text_part(text):
    return {"type": "text", "text": text}


def decode_rate(answer):
    """Tokens per second after the first one."""
    return (answer["tokens"] - 1) / (answer["last"] - answer["first"])


def weight_bytes(directory):
    """Bytes of all tensors, and of those that decoding one token reads: the decoder's without the looked-up embedding."""
    every = decoder = 0
    tied = json.loads((pathlib.Path(directory) / "config.json").read_text()).get("tie_word_embeddings", False)
    for path in pathlib.Path(directory).glob("*.safetensors"):
        with open(path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            size = tensor["data_offsets"][1] - tensor["data_offsets"][0]
            every += size
            looked_up = "embed_tokens" in name and not tied
            head_of_tied = "lm_head" in name and tied
            if name.startswith("language_model.") and not looked_up and not head_of_tied:
                decoder += size
    return every, decoder


@functools.cache
def bandwidth_program():
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    program = pathlib.Path(folder) / "bandwidth"
    subprocess.run(["cc", "-O3", "-march=native", "-pthread", HERE / "bandwidth.c", "-o", program], check=True)
    return program


def bandwidth(threads):
    """GB/s of reading memory with `threads` threads, the mean over most of a second."""
    return float(subprocess.run([bandwidth_program(), str(threads)], check=True, capture_output=True, text=True).stdout.split()[1])
