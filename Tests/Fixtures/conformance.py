"""Holds every route of a running server against its own description, with generated requests, by schemathesis.

    cord serve --port 8080 --data $(mktemp -d) & python conformance.py http://127.0.0.1:8080 [more options of `schemathesis run`]

A file, a step, a job, a gap run and its report are made first, so that the routes below `{id}` meet something that exists.
Refusals of what no schema can say are let pass: 413 and 415 for a clip, 422 for what is well formed and impossible.
"""

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent
base = sys.argv[1]
sound = base64.b64encode((FIXTURES / "spoken" / "sum.wav").read_bytes()).decode()
pair = {"text": "What is the sum of 7, 9 and 8?", "audio": {"data": sound}, "rollouts": [{"text": "7 + 9 = 16. The answer is 24."}]}


def send(path, body=None, kind="application/json"):
    data = json.dumps(body).encode() if kind == "application/json" and body is not None else body
    request = urllib.request.Request(base + path, data, {"Content-Type": kind} if data else {})
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def ended(path):
    for _ in range(240):
        found = send(path)
        if found["status"] in ("succeeded", "failed", "cancelled"):
            return found
        time.sleep(0.5)
    sys.exit(f"{path} did not end: {found}")


form = io.BytesIO()
form.write(b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n')
form.write(b'--b\r\nContent-Disposition: form-data; name="file"; filename="pairs.jsonl"\r\n\r\n' + json.dumps({name: pair[name] for name in ("text", "audio")}).encode())
form.write(b"\r\n--b--\r\n")
file = send("/v1/files", form.getvalue(), "multipart/form-data; boundary=b")["id"]
step = send("/v1/cord/steps", {"pairs": [pair]})
job = send("/v1/fine_tuning/jobs", {"model": "cord-nano", "training_file": file,
                                    "method": {"type": "cord", "cord": {"hyperparameters": {"steps": 1}}}})["id"]
run = send("/v1/gap/runs", {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 2})["id"]
ended(f"/v1/fine_tuning/jobs/{job}")
ended(f"/v1/gap/runs/{run}")
report = send("/v1/gap/reports")["data"][0]["id"]

known = {"/v1/files": file, "/v1/cord/steps": step["id"], "/v1/fine_tuning/jobs": job, "/v1/gap/runs": run, "/v1/gap/reports": report,
         "/v1/models": "cord-nano", "/v1/weights/versions": step["weight_version"]}
lines = ['[checks.positive_data_acceptance]',
         'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "413", "415", "422", "429", "5xx"]']
for path, methods in send("/openapi.json")["paths"].items():
    identifier = known.get(path.split("/{")[0])
    for method in methods:
        if "{id}" in path and identifier and method != "delete":
            lines += ["[[operations]]", f'include-name = "{method.upper()} {path}"', f'parameters = {{ "path.id" = "{identifier}" }}']
# An upload that is no question set and no adapter is told so with 400.
for name in ("POST /v1/benchmarks", "POST /v1/weights/versions"):
    lines += ["[[operations]]", f'include-name = "{name}"', "checks.positive_data_acceptance.enabled = false"]
lines += ["[[operations]]", 'include-name = "GET /v1/gap/reports/compare"',
          f'parameters = {{ "query.base" = "{report}", "query.candidate" = "{report}" }}']
with tempfile.NamedTemporaryFile("w", suffix=".toml") as configuration:
    configuration.write("\n".join(lines) + "\n")
    configuration.flush()
    sys.exit(subprocess.run(["schemathesis", "--config-file", configuration.name, "run", base + "/openapi.json", "--url", base,
                             "--phases", "examples,coverage,fuzzing", "--continue-on-failure", *sys.argv[2:]],
                            env=os.environ | {"SCHEMATHESIS_HOOKS": "conformance_hooks", "PYTHONPATH": str(FIXTURES)}).returncode)
