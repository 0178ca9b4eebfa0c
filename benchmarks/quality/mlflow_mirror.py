#!/usr/bin/env python3
"""A run told to a real tracking server of MLflow, and read back by MLflow's own client.

    python -m venv venv && venv/bin/pip install mlflow
    venv/bin/python benchmarks/quality/mlflow_mirror.py --cord .build/release/cord

Held: every number of metrics.jsonl and validation.jsonl stands in the run's history once, by step, also after the run went on, and after a server
that was away during the run was caught up with; the parameters are those of run.json; a server that is away changes no weight.
"""

import argparse
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from serving import CLIPS, QUESTIONS


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def tracking(folder):
    """A tracking server of its own, once it answers."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    log = open(folder / "mlflow.log", "w")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri",
         f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts")], stdout=log, stderr=log)
    for _ in range(240):
        try:
            urllib.request.urlopen(address + "/health").read()
            return process, address
        except OSError:
            time.sleep(0.5)
    raise SystemExit((folder / "mlflow.log").read_text()[-2000:])


def logged(run):
    """{(name, step): value} of a run's own files."""
    found = {}
    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        found |= {(name, line["step"]): value for name, value in line["metrics"].items() if name not in ("rollout_tokens", "train_tokens")}
    for line in map(json.loads, (run / "validation.jsonl").read_text().splitlines()):
        found |= {("validation/" + name, line["step"]): value for name, value in line["validation"].items() if name not in ("pairs", "judged")}
    return found


def told(client, run):
    """The same as MLflow has it; a number that stands twice is an error."""
    id = json.loads((run / "mlflow.json").read_text())["run_id"]
    found = {}
    for name in client.get_run(id).data.metrics:
        for metric in client.get_metric_history(id, name):
            assert (name, metric.step) not in found, f"{name} stands twice at step {metric.step}"
            found[name, metric.step] = metric.value
    return found, client.get_run(id)


def held(client, run, status="FINISHED"):
    ours, (theirs, record) = logged(run), told(client, run)
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    assert all(math.isclose(ours[key], theirs[key], rel_tol=1e-12) for key in ours)
    assert record.info.status == status, record.info.status
    assert record.data.params["options.objective.method"] == "opd"
    return len(ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cord", required=True, help="the program")
    arguments = parser.parse_args()
    import mlflow

    folder = Path(tempfile.mkdtemp(prefix="cord-mlflow-"))
    rows = [{"id": name, "audio": str(CLIPS / f"{name}.wav"), "text": text, "answer": "x"} for name, text in QUESTIONS.items()]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    process, address = tracking(folder)
    client = mlflow.MlflowClient(address)

    def train(name, steps, *more):
        done = subprocess.run(
            [arguments.cord, "train", folder / "pairs.jsonl", "--output", folder / name, "--method", "opd", "--steps", str(steps), "--batch-size", "2",
             "--max-rollout-tokens", "8", "--validation", folder / "pairs.jsonl", "--eval-every", "2", *more], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    try:
        train("run", 4, "--mlflow", address, "--mlflow-experiment", "it's cord")
        print(f"mlflow {mlflow.__version__}: a run of 4 steps, {held(client, folder / 'run')} numbers")
        train("run", 6, "--mlflow", address, "--mlflow-experiment", "it's cord")
        print(f"gone on to 6, {held(client, folder / 'run')} numbers, none twice")
        note = train("away", 4, "--mlflow", f"http://127.0.0.1:{free_port()}")
        assert "MLflow has not been told everything" in note, note
        for _ in range(2):
            subprocess.run([arguments.cord, "train", "mirror", folder / "away", "--mlflow", address], check=True, stdout=subprocess.DEVNULL)
        print(f"a server that was away is told later, {held(client, folder / 'away')} numbers")
        train("plain", 4)
        names = [os.path.join("adapter", "adapter_model.safetensors")]
        assert all((folder / "away" / name).read_bytes() == (folder / "plain" / name).read_bytes() for name in names)
        print("the weights are those of a run that tells nobody")
    finally:
        process.terminate()
        process.wait()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
