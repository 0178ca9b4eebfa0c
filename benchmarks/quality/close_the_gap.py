#!/usr/bin/env python3
"""Closes the audio-text gap of a running model over HTTP, and shows it: measure, train, measure again, roll back, measure again.

    cord serve ─ GET a gap report ─ POST /v1/cord/steps … (or one fine-tuning job) ─ GET the report again ─ compare
               ─ POST /v1/weights/rollback … ─ GET the report a third time: the old numbers, to the item

The questions that are trained on are drawn from the training split and spoken by 80 varied voices; the benchmark's are others,
spoken by other voices. Nothing is downloaded; two cores and half an hour are enough for cord-nano.

    close_the_gap.py --cord .build/release/cord              by online steps
    close_the_gap.py --cord .build/release/cord --job        by a fine-tuning job with the same data
"""

import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CORD, Server


def report(server, arguments, model):
    """A gap report of what answers to `model` now."""
    run = server.call("POST", "/v1/gap/runs", {
        "model": model, "benchmark": arguments.benchmark, "seed": arguments.seed,
        **({"limit": arguments.limit} if arguments.limit else {})})
    run = server.ended(f"/v1/gap/runs/{run['id']}", patience=7200, pause=1)
    if run["status"] != "succeeded":
        raise SystemExit(f"the run {run['id']} {run['status']}: {run['error']}")
    found = server.call("GET", f"/v1/gap/reports/{run['report_id']}")
    gap = found["gap"]
    print(f"  text {100 * found['arms']['text']['accuracy']:.1f}  audio {100 * found['arms']['audio']['accuracy']:.1f}  "
          f"gap {gap['points']:.1f} [{gap['interval']['lower']:.1f}, {gap['interval']['upper']:.1f}] points  n {found['n']}", flush=True)
    return found


def spoken_pairs(arguments, folder):
    """Questions of the training split with their clips, made by the program itself."""
    questions = folder / "questions.jsonl"
    with open(questions, "wb") as file:
        subprocess.run([arguments.cord, "questions", "--split", "train", "--count", str(arguments.pairs), "--seed", str(arguments.seed)],
                       stdout=file, check=True)
    subprocess.run([arguments.cord, "speak", str(questions), "--output", str(folder / "spoken"), "--voices", "varied",
                    "--seed", str(arguments.seed)], check=True)
    manifest = next((folder / "spoken").glob("*.jsonl"))
    return folder / "spoken", manifest, [json.loads(line) for line in manifest.read_text().splitlines()]


def training(arguments):
    objective = {"method": arguments.method, "rollouts": arguments.rollouts, "max_rollout_tokens": 96,
                 "sequence_temperature": arguments.sequence_temperature}
    optimizer = {"learning_rate": arguments.learning_rate, "max_grad_norm": 1.0, "train": arguments.train, "full": arguments.full,
                 "weight_decay": 0.0, **({} if arguments.full else {"lora_rank": arguments.rank})}
    return objective, optimizer


def by_steps(server, arguments, pairs, folder):
    objective, optimizer = training(arguments)
    order = random.Random(arguments.seed)
    waiting = []
    start = time.monotonic()
    for step in range(arguments.steps):
        if time.monotonic() - start > 60 * arguments.minutes:
            print(f"  the {arguments.minutes} minutes are over after {step} steps")
            return step
        while len(waiting) < arguments.batch:
            waiting += order.sample(pairs, len(pairs))
        batch, waiting = waiting[:arguments.batch], waiting[arguments.batch:]
        # Falls to zero, as the job's schedule does.
        optimizer["learning_rate"] = arguments.learning_rate * (1 - step / arguments.steps)
        body = {"objective": objective, "optimizer": optimizer, "pairs": [
            {"text": pair["text"], "answer": pair["answer"],
             "audio": {"data": base64.b64encode((folder / pair["audio"]).read_bytes()).decode()}} for pair in batch]}
        taken = server.call("POST", "/v1/cord/steps", body, {"Idempotency-Key": f"step-{step}"})
        metrics = taken["metrics"]
        if step % 10 == 0 or step == arguments.steps - 1:
            print(f"  step {taken['step']}: loss {metrics['loss']:.3f}  D {metrics.get('kl_mean') or 0:.3f}  "
                  f"reward {metrics.get('reward_mean') or 0:.2f}  agreement {metrics.get('teacher_agreement') or 0:.2f}  "
                  f"{taken['timings']['total']:.1f} s", flush=True)
    return arguments.steps


def by_job(server, arguments, manifest, folder):
    objective, optimizer = training(arguments)
    archive = shutil.make_archive(str(folder.parent / "pairs"), "tar", folder)
    file = server.upload(Path(archive).read_bytes(), "pairs.tar")
    job = server.call("POST", "/v1/fine_tuning/jobs", {
        "model": arguments.name, "training_file": file["id"], "suffix": "gap", "seed": arguments.seed,
        "method": {"type": "cord", "cord": {"hyperparameters": {
            "steps": arguments.steps, "batch_size": arguments.batch, "schedule": "linear", "objective": objective,
            "optimizer": optimizer}}},
        "cord": {"promote": {"if": "gap_reduced", "max_text_drop": 1, "benchmark": arguments.benchmark,
                             **({"limit": arguments.limit} if arguments.limit else {})}}})
    told = 0
    while job["status"] in ("validating_files", "queued", "running"):
        time.sleep(2)
        job = server.call("GET", f"/v1/fine_tuning/jobs/{job['id']}")
        if job["cord"]["step"] >= told + 10:
            told = job["cord"]["step"]
            print(f"  step {told} of {job['cord']['total_steps']}", flush=True)
    if job["status"] != "succeeded":
        raise SystemExit(f"the job {job['status']}: {job['error']}")
    print(f"  {job['fine_tuned_model']}: {job['cord']['reason']}")
    if not job["cord"]["promoted"]:
        raise SystemExit("the gate did not promote the version")
    return 1


def answers(found):
    return {item["id"]: {arm: (answer["text"], answer["correct"]) for arm, answer in item["arms"].items()} for item in found["items"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", default=CORD)
    parser.add_argument("--model", help="a model directory; without it, the embedded cord-nano")
    parser.add_argument("--benchmark", default="cord-bench-1")
    parser.add_argument("--limit", type=int, help="the first so many items of the benchmark's seeded order")
    parser.add_argument("--pairs", type=int, default=4800)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=20, help="for the steps")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--method", default="cord")
    parser.add_argument("--rollouts", type=int, default=4)
    parser.add_argument("--sequence-temperature", type=float, default=1.5)
    parser.add_argument("--learning-rate", type=float, default=6e-4)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--train", nargs="+", default=["decoder", "projector", "encoder"])
    parser.add_argument("--full", action="store_true", help="train the parameters themselves instead of an adapter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--job", action="store_true")
    parser.add_argument("--output", help="a folder for the three reports and the comparison")
    arguments = parser.parse_args()
    arguments.name = Path(arguments.model).name if arguments.model else "cord-nano"

    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="cord-gap-"))
    print("speaking", flush=True)
    spoken, manifest, pairs = spoken_pairs(arguments, folder)
    with Server(arguments.cord, model=arguments.model, data=folder / "data") as server:
        print("before", flush=True)
        before = report(server, arguments, arguments.name)
        print("training", flush=True)
        promotions = by_job(server, arguments, manifest, spoken) if arguments.job else by_steps(server, arguments, pairs, spoken)
        print("after", flush=True)
        after = report(server, arguments, arguments.name)
        change = server.call("GET", f"/v1/gap/reports/compare?base={before['id']}&candidate={after['id']}")
        points, p, text = change["gap_closed"]["points"], change["gap_closed"]["sign_flip_p"], change["text"]["points"]
        print(f"the gap shrank by {points:.1f} points (p = {p:.2g}), text changed by {text:+.1f}")
        for _ in range(promotions):
            back = server.call("POST", "/v1/weights/rollback", {})
        print(f"rolled back to {back['weight_version']}", flush=True)
        again = report(server, arguments, arguments.name)
    same = answers(again) == answers(before)
    minutes = (time.monotonic() - start) / 60
    print(f"the old answers are {'back, to the item' if same else 'NOT back'}; {minutes:.1f} minutes in all")
    if arguments.output:
        os.makedirs(arguments.output, exist_ok=True)
        for name, found in (("before", before), ("after", after), ("rolled_back", again), ("comparison", change)):
            (Path(arguments.output) / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(folder)
    sys.exit(0 if same and p < 0.01 and points > 0 and text >= -1 else 1)


if __name__ == "__main__":
    main()
