#!/usr/bin/env python3
"""Kills a server with SIGKILL again and again while it trains, and checks that nothing was lost, doubled or halved.

    one server is left alone, the other is killed at random moments; both get the same work:
    steps (with idempotency keys), promotions of earlier versions between them, a fine-tuning job, a gap run, and uploads all the
    time

Checked at the end: every acknowledged step was taken exactly once and is answered as it was; every version that is listed can be
downloaded and answered with; every acknowledged upload has its bytes; the version in force is the one that was acknowledged last;
every content that the store refers to is there and nothing else is; and the weights of every step and of the job, and the
answers of the gap report, have the same hashes as those of the server that was left alone.

    kill_test.py --kills 100                     one round of work, long enough for the kills
    kill_test.py --kills 25 --seed 2             a shorter round with other moments
"""

import argparse
import contextlib
import hashlib
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CORD, QUESTIONS, Server, lines, pair

def step_body(index):
    names = list(QUESTIONS)
    return {"pairs": [pair(names[index % 4], answer="24"), pair(names[(index + 1) % 4], answer="24")],
            "objective": {"max_rollout_tokens": 12, "rollouts": 2}, "optimizer": {"learning_rate": 0.003, "lora_rank": 4}}


def work(server, base, steps, job_steps):
    """The same work for both servers; what was acknowledged."""
    done = {"steps": {}, "files": {}}
    manifest = lines(pair(name, answer="24") for name in QUESTIONS)
    file = server.upload(manifest, "pairs.jsonl")
    done["files"][file["id"]] = hashlib.sha256(manifest).hexdigest()
    job = server.call("POST", "/v1/fine_tuning/jobs", {
        "model": f"{base}@base", "training_file": file["id"], "suffix": "killed", "seed": 5,
        "method": {"type": "cord", "cord": {"hyperparameters": {
            "batch_size": 2, "steps": job_steps, "checkpoint_every": 3,
            "objective": {"max_rollout_tokens": 12, "rollouts": 2}, "optimizer": {"learning_rate": 0.003, "lora_rank": 4}}}},
    }, {"Idempotency-Key": "job"})

    run = server.call("POST", "/v1/gap/runs", {"model": f"{base}@base", "benchmark": "cord-bench-1", "limit": 60, "divergence": 4},
                      {"Idempotency-Key": "run"})
    ended = threading.Event()

    def send_files():
        number = 0
        while not ended.wait(0.05):
            content = hashlib.sha256(str(number).encode()).digest() * (1 << 10 + number % 6)
            done["files"][server.upload(content, f"{number}.bin")["id"]] = hashlib.sha256(content).hexdigest()
            number += 1
        done["uploads ended"] = True

    uploads = threading.Thread(target=send_files)
    uploads.start()
    try:
        for index in range(steps):
            key = f"step-{index}"
            done["steps"][key] = server.call("POST", "/v1/cord/steps", step_body(index), {"Idempotency-Key": key})
            done["current"] = done["steps"][key]["weight_version"]
            if index % 3 == 2:
                # The newest of all, whose step goes on from its state, or one before it: both are promoted, one stays.
                for back in (2, index % 2):
                    version = done["steps"][f"step-{index - back}"]["weight_version"]
                    answer = server.call("POST", f"/v1/weights/versions/{version}/promote", {})
                    assert answer["weight_version"] == version, answer
                    done["current"] = version
        job = server.ended(f"/v1/fine_tuning/jobs/{job['id']}")
        run = server.ended(f"/v1/gap/runs/{run['id']}")
    finally:
        ended.set()
        uploads.join()
    done["job"], done["run"] = job, run
    return done


def check(server, done, base):
    """What can be said of one server alone; the hashes that both must agree on."""
    problems = []
    steps = server.everything("/v1/cord/steps")
    acknowledged = {step["id"] for step in done["steps"].values()}
    if len(acknowledged) != len(done["steps"]) or {step["id"] for step in steps} != acknowledged:
        problems.append(f"{len(steps)} steps are kept, {len(acknowledged)} were acknowledged")
    kept = {step["id"]: step for step in steps}
    for key, step in done["steps"].items():
        if kept.get(step["id"]) != step:
            problems.append(f"{key} is not kept as it was answered")
    versions = {version["id"]: version for version in server.everything("/v1/weights/versions")}
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}
    for version in versions.values():
        archive = server.call("GET", f"/v1/weights/versions/{version['id']}/download", raw=True)
        if b"adapter_model.safetensors" not in archive:
            problems.append(f"{version['name']} has no tensors")
        answer = server.call("POST", "/v1/chat/completions", {**question, "model": version["name"]})
        if answer["cord"]["weight_version"] != version["id"]:
            problems.append(f"{version['name']} is answered by {answer['cord']['weight_version']}")
    current = server.call("POST", "/v1/chat/completions", {**question, "model": base})["cord"]["weight_version"]
    if current != done["current"]:
        problems.append(f"{current} is in force, {done['current']} was acknowledged last")
    for file, digest in done["files"].items():
        if hashlib.sha256(server.call("GET", f"/v1/files/{file}/content", raw=True)).hexdigest() != digest:
            problems.append(f"the bytes of {file} have changed")
    if "uploads ended" not in done:
        problems.append("an upload was refused")
    if done["job"]["status"] != "succeeded":
        problems.append(f"the job {done['job']['status']}: {done['job']['error']}")
    if done["run"]["status"] != "succeeded":
        problems.append(f"the gap run {done['run']['status']}: {done['run']['error']}")
    hashes = {key: versions[step["weight_version"]]["hash"] for key, step in done["steps"].items()}
    by_name = {version["name"]: version for version in versions.values()}
    hashes["job"] = by_name.get(done["job"]["fine_tuned_model"], {}).get("hash")
    listed = server.call("GET", f"/v1/fine_tuning/jobs/{done['job']['id']}/checkpoints?limit=100")["data"]
    for checkpoint in listed:
        hashes[f"checkpoint {checkpoint['step_number']}"] = by_name[checkpoint["fine_tuned_model_checkpoint"]]["hash"]
    if done["run"]["report_id"]:
        items = server.call("GET", f"/v1/gap/reports/{done['run']['report_id']}")["items"]
        answers = [(item["id"], {arm: answer["text"] for arm, answer in item["arms"].items()}) for item in items]
        hashes["report"] = hashlib.sha256(json.dumps(sorted(answers, key=lambda answer: answer[0]), sort_keys=True).encode()).hexdigest()
    return problems, hashes


def unreferenced(folder):
    """What the store refers to and the folder has not, or the other way, once the server has ended."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/store.sqlite?mode=ro", uri=True)) as store:
        wanted = {row[0] for row in store.execute(
            "SELECT sha256 FROM files WHERE sha256 IS NOT NULL UNION SELECT hash FROM versions UNION SELECT hash FROM states")}
    there = {path.name for path in folder.glob("objects/*/*")}
    rest = [str(path) for name in ("temporary/*", "set-aside/*/*") for path in folder.glob(name)]
    return ([f"{name} is referred to and missing" for name in wanted - there] + [f"{name} is kept for nothing" for name in there - wanted]
            + [f"{path} was left behind" for path in rest])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--model", help="a model directory; without it, the embedded cord-nano")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="steps of the work; without it, as many as the kills need")
    arguments = parser.parse_args()
    base = Path(arguments.model).name if arguments.model else "cord-nano"
    moments = random.Random(arguments.seed)
    steps = arguments.steps or max(9, arguments.kills // 2)
    folder = Path(tempfile.mkdtemp(prefix="cord-kill-"))

    def server(name):
        return Server(arguments.cord, "--threads", arguments.threads, "--log-level", "error", model=arguments.model, data=folder / name).start()

    alone = server("alone")
    start = time.monotonic()
    expected = work(alone, base, steps, job_steps=steps)
    duration = time.monotonic() - start
    problems, hashes = check(alone, expected, base)
    if status := alone.stop():
        problems.append(f"the server that was left alone ended with {status}")
    print(f"left alone: {steps} steps and the job in {duration:.1f} s, {len(hashes)} versions compared", flush=True)

    killed = server("killed")
    killed.comes_back = True
    kills = 0
    finished = threading.Event()

    def disturb():
        nonlocal kills
        while not finished.is_set():
            # Soon after a start, in the middle of a step, between two of them.
            if finished.wait(moments.choice([moments.uniform(0, 0.3), moments.uniform(0, 2 * duration / steps)])):
                return
            if kills < arguments.kills:
                killed.kill()
                killed.start()
                kills += 1

    thread = threading.Thread(target=disturb)
    thread.start()
    done = work(killed, base, steps, job_steps=steps)
    finished.set()
    thread.join()
    killed.kill()
    killed.start()
    more, found = check(killed, done, base)
    problems += more
    for key in hashes:
        # A checkpoint whose moment fell between two writes is made again with the next one, so it may be missing from the list.
        if found.get(key) != hashes[key] and not (key.startswith("checkpoint") and key not in found):
            problems.append(f"{key}: the content is {found.get(key)}, undisturbed {hashes[key]}")
    killed.stop()
    problems += unreferenced(killed.data)
    print(f"killed {kills + 1} times: {len(done['steps'])} steps, {len(done['files'])} files, job {done['job']['status']}")
    for problem in problems:
        print("PROBLEM", problem)
    if not problems:
        shutil.rmtree(folder)
        print("nothing was lost, doubled or halved; all weights are those of the server that was left alone")
    else:
        print(f"the folders and logs are in {folder}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
