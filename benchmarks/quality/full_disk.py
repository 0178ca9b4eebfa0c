#!/usr/bin/env python3
"""Takes a training server's disk away and gives it back, and checks that it says so, keeps answering, and goes on.

    limit      no file may grow beyond a few kilobytes: a full disk that every user can make (default)
    full       a small file system that is full to the last byte                          both need root, for the mount
    readonly   a file system that turned read-only after an error, and is repaired later

While the disk is away, steps, uploads, measurements and promotions are refused with 507 and a name for it, and answers and
lists go on. After it is back the job that was running ends with the weights of an undisturbed one, every step and file that was
acknowledged is there, and nothing half written is.

    full_disk.py --cord .build/release/cord --ways limit full readonly
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from kill_test import step_body, unreferenced
from serving import CORD, QUESTIONS, Server, form, lines, pair, request

NAMES = ("disk_full", "read_only", "disk_failed")


class Disk:
    """The folder that a server keeps everything in, on a disk that can be taken away."""

    def __init__(self, way, folder):
        self.way = way
        self.place = folder / way
        self.place.mkdir()
        self.image = folder / "image"
        if way == "full":
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.place], check=True)
        if way == "readonly":
            self.image.write_bytes(b"")
            os.truncate(self.image, 128 << 20)
            subprocess.run(["mkfs.ext4", "-q", self.image], check=True)
            self.mount("errors=remount-ro")
        self.data = self.place / "data"

    def mount(self, how):
        subprocess.run(["mount", "-o", f"loop,{how}", self.image, self.place], check=True)

    def take(self, server):
        process = server.process.pid
        if self.way == "limit":
            resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        elif self.way == "readonly":
            device = subprocess.run(["findmnt", "-no", "SOURCE", self.place], check=True, capture_output=True, text=True).stdout.strip()
            Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1")
        else:
            with open(self.place / "filler", "wb", buffering=0) as filler:
                for size in (1 << 20, 4096, 1):
                    try:
                        while True:
                            filler.write(b"x" * size)
                    except OSError:
                        pass

    def give(self, server):
        if self.way == "limit":
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        elif self.way == "readonly":
            server.stop()
            subprocess.run(["umount", self.place], check=True)
            subprocess.run(["e2fsck", "-fy", self.image], stdout=subprocess.DEVNULL)
            self.mount("ro")
            refused = subprocess.run([server.command[0], "serve", "--port", "0", "--data", self.data], capture_output=True, text=True, timeout=60)
            print(f"  a start: {refused.returncode} {refused.stderr.strip().splitlines()[-1:]}", flush=True)
            assert refused.returncode != 0, "the server started on a read-only disk"
            subprocess.run(["umount", self.place], check=True)
            self.mount("rw")
            server.start()
        else:
            (self.place / "filler").unlink()

    def remove(self):
        if self.way != "limit":
            subprocess.run(["umount", self.place])


def attempt(server, method, path, body=None, headers=None):
    """The status and the error's code of one request."""
    status, content = request(server.port, method, path, body, headers, timeout=120)
    return status, None if status < 300 else json.loads(content)["error"]["code"]


def create(server, file, steps):
    return server.call("POST", "/v1/fine_tuning/jobs", {
        "model": "cord-nano@base", "training_file": file, "seed": 7, "method": {"type": "cord", "cord": {"hyperparameters": {
            "batch_size": 2, "steps": steps, "checkpoint_every": 5,
            "objective": {"max_rollout_tokens": 12, "rollouts": 2}, "optimizer": {"learning_rate": 0.003, "lora_rank": 4}}}}})


def trial(arguments, way, folder):
    problems = []
    disk = Disk(way, folder)
    server = Server(arguments.cord, "--threads", arguments.threads, "--log-level", "error", data=disk.data, log=folder / f"{way}.log").start()
    try:
        def finished(job):
            return server.ended(f"/v1/fine_tuning/jobs/{job['id']}", patience=180)

        file = server.upload(lines(pair(name, answer="24") for name in QUESTIONS), "pairs.jsonl")
        undisturbed = finished(create(server, file["id"], 30))
        first = server.call("POST", "/v1/cord/steps", step_body(0))
        job = create(server, file["id"], 30)
        while server.call("GET", f"/v1/fine_tuning/jobs/{job['id']}")["cord"]["step"] < 3:
            time.sleep(0.02)

        disk.take(server)
        large = b"0123456789abcdef" * 65536
        question = {"model": "cord-nano", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
        run = {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 4}
        # What needs a new file must fail. A row may find room in what the database has already.
        for what, allowed, request in (
            ("a step", (507,), ("POST", "/v1/cord/steps", step_body(1))),
            ("an upload", (507,), ("POST", "/v1/files", *form(large, "a", purpose="fine-tune"))),
            ("a promotion", (200, 507), ("POST", f"/v1/weights/versions/{first['weight_version']}/promote", {})),
            ("a measurement", (202, 507), ("POST", "/v1/gap/runs", run)),
            ("an answer", (200,), ("POST", "/v1/chat/completions", question)),
            ("the list of steps", (200,), ("GET", "/v1/cord/steps")),
            ("the metrics", (200,), ("GET", "/metrics")),
            ("the health", (200,), ("GET", "/health")),
            ("another step", (507,), ("POST", "/v1/cord/steps", step_body(1))),
        ):
            status, code = attempt(server, *request)
            print(f"  {what}: {status} {code or ''}", flush=True)
            if status not in allowed or (status == 507 and code not in NAMES):
                problems.append(f"{what} was answered with {status} {code}")
        time.sleep(2)
        waiting = server.call("GET", f"/v1/fine_tuning/jobs/{job['id']}")
        print(f"  the job: {waiting['status']}, step {waiting['cord']['step']}", flush=True)
        if waiting["status"] in ("failed", "cancelled"):
            problems.append(f"the job {waiting['status']}: {waiting['error']}")

        disk.give(server)
        second = server.call("POST", "/v1/cord/steps", step_body(1))
        kept = server.upload(large, "after.bin")
        ended = finished(job)
        events = server.everything(f"/v1/fine_tuning/jobs/{job['id']}/events")
        told = [event["message"] for event in events if event["level"] == "warn"]
        print(f"  then the job {ended['status']}; {len(told)} warnings: {told[:1]}", flush=True)
        if ended["status"] != "succeeded":
            problems.append(f"the job {ended['status']}: {ended['error']}")
        hashes = [server.call("GET", f"/v1/weights/versions/{done['cord']['weight_version']}")["hash"] for done in (undisturbed, ended)]
        if hashes[0] != hashes[1]:
            problems.append(f"the job's weights are {hashes[1]}, undisturbed {hashes[0]}")
        steps = {step["id"] for step in server.everything("/v1/cord/steps")}
        if steps != {first["id"], second["id"]}:
            problems.append(f"{len(steps)} steps are kept, 2 were acknowledged")
        if server.call("POST", "/v1/chat/completions", question)["cord"]["weight_version"] != second["weight_version"]:
            problems.append("the last step is not in force")
        content = server.call("GET", f"/v1/files/{kept['id']}/content", raw=True)
        if hashlib.sha256(content).digest() != hashlib.sha256(large).digest():
            problems.append("the upload has other bytes")
        if status := server.stop():
            problems.append(f"the server ended with {status}")
        server.start()
        server.stop()
        problems += unreferenced(disk.data)
    finally:
        if server.process.poll() is None:
            server.kill()
        disk.remove()
    return [f"{way}: {problem}" for problem in problems]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--ways", nargs="+", choices=["limit", "full", "readonly"], default=["limit"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cord-disk-"))
    problems = []
    for way in arguments.ways:
        print(way, flush=True)
        problems += trial(arguments, way, folder)
    for problem in problems:
        print("PROBLEM", problem)
    if problems:
        print(f"the folders and logs are in {folder}")
    else:
        shutil.rmtree(folder)
        print("every refusal was named; nothing was lost or half written; the job ended as if nothing had happened")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
