"""What the scripts share that drive a server: its process with port, data folder and log; requests; forms; the spoken questions of the tests.

    sys.path.append(str(Path(__file__).resolve().parents[1]))     # in a script of benchmarks/quality or benchmarks/speed
    from serving import Server

Python's standard library is all it needs.
"""

import base64
import http.client
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORD = str(ROOT / ".build/release/cord")
CLIPS = ROOT / "Tests/Fixtures/spoken"
QUESTIONS = {"sum": "What is the sum of 7, 9 and 8?", "pens": "How many pens are there?", "tallest": "Who is the tallest?",
             "france": "What is the capital of France?"}
UNREACHABLE = (http.client.HTTPException, OSError)
ENDED = ("succeeded", "failed", "cancelled")


def clip(name):
    """A spoken question of the tests, in base64."""
    return base64.b64encode((CLIPS / f"{name}.wav").read_bytes()).decode()


def pair(name, **more):
    """A spoken question of the tests with its text, as steps and training files want it."""
    return {"id": name, "audio": {"data": clip(name)}, "text": QUESTIONS[name], **more}


def lines(rows):
    """JSON lines of a training file."""
    return "\n".join(map(json.dumps, rows)).encode()


def form(content, filename, **fields):
    """The body of a form with one file, and its headers."""
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head = parts + f'--b\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


def request(port, method, path, body=None, headers=None, timeout=600, host="127.0.0.1"):
    """Status and body of one answer. A dict or a list is sent as JSON."""
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_seconds(pid):
    """User and system time that a process has used, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """Calls of the server at `host` and `port`. A refusal ends the script; what is busy is asked again."""

    host = "127.0.0.1"
    # Whether a server that cannot be reached is expected back.
    comes_back = False

    def __init__(self, port, host=host):
        self.port, self.host = port, host

    def call(self, method, path, body=None, headers=None, raw=False):
        for _ in range(10000):
            try:
                status, content = request(self.port, method, path, body, headers, timeout=1800, host=self.host)
            except UNREACHABLE:
                if not self.comes_back:
                    raise
                time.sleep(0.02)
                continue
            if status < 300:
                return content if raw else json.loads(content)
            if status not in (429, 503):
                raise SystemExit(f"{method} {path}: {status} {content.decode(errors='replace')[:500]}")
            time.sleep(0.05)
        raise SystemExit(f"{method} {path}: no answer over many attempts")

    def upload(self, content, name, purpose="fine-tune"):
        return self.call("POST", "/v1/files", *form(content, name, purpose=purpose))

    def ended(self, path, patience=600, pause=0.1):
        """A job or run, once it has ended."""
        deadline = time.monotonic() + patience
        while (found := self.call("GET", path))["status"] not in ENDED:
            if time.monotonic() > deadline:
                raise SystemExit(f"{path} did not end: {found}")
            time.sleep(pause)
        return found

    def everything(self, path):
        """The elements of all pages of a list."""
        page, found = "", []
        while True:
            answer = self.call("GET", f"{path}?limit=100{page}")
            found += answer["data"]
            if not answer["has_more"]:
                return found
            page = f"&after={found[-1]['id']}"


class Program:
    """A process that listens: `{port}` in its command becomes a free port, another at each start, and `{data}` its data folder, which is
    temporary where none is given. `ready` is a path that answers when it is up; without one, a connection says so."""

    def __init__(self, name, command, data=None, log=None, ready="/health"):
        self.name, self.command, self.ready = name, list(map(str, command)), ready
        self.temporary = None if data else tempfile.TemporaryDirectory(prefix=f"{name}-")
        self.data = Path(data or self.temporary.name + "/data")
        self.log = Path(log or f"{self.data}.log")
        self.process = self.port = None

    def start(self, port=None):
        port = port or free_port()
        command = [part.replace("{port}", str(port)).replace("{data}", str(self.data)) for part in self.command]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.port = port
        deadline = time.monotonic() + 300
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise SystemExit(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)
        return self

    def is_up(self):
        try:
            if self.ready:
                return request(self.port, "GET", self.ready, timeout=5)[0] == 200
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except UNREACHABLE:
            return False

    def stop(self, patience=120):
        """Tells it to end and gives its exit status; one that does not end in time is killed."""
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        if self.temporary:
            self.temporary.cleanup()


class Server(Program, Client):
    """`cord serve`, with calls of it."""

    def __init__(self, cord, *options, model=None, data=None, log=None):
        chosen = ["--model", model] if model else []
        super().__init__("cord", [cord, "serve", *chosen, "--port", "{port}", "--data", "{data}", *options], data, log)
