"""Holds every route of a running server against its own description, with generated requests, by schemathesis.

    cord serve --port 8080 --data $(mktemp -d) & python conformance.py http://127.0.0.1:8080 [more options of `schemathesis run`]

A file, a step, a job, a batch, a gap run and its report are made first, so that the routes below `{id}` meet something that exists.
Refusals of what no schema can say are let pass: 413 and 415 for a clip, 422 for what is well formed and impossible.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from serving import Client, lines, pair

base = sys.argv[1]
server = Client(urlsplit(base).port, urlsplit(base).hostname)
file = server.upload(lines([pair("sum")]), "pairs.jsonl")["id"]
step = server.call("POST", "/v1/cord/steps", {"pairs": [pair("sum", rollouts=[{"text": "7 + 9 = 16. The answer is 24."}])]})
server.call("POST", "/v1/cord/score", {"pairs": [pair("sum")], "objective": {"rollouts": 2, "max_rollout_tokens": 8}})
line = {"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": "2 plus 3 is", "max_tokens": 2}}
requests = server.upload(lines([line]), "requests.jsonl", purpose="batch")["id"]
batch = server.call("POST", "/v1/batches", {"input_file_id": requests, "endpoint": "/v1/completions"})["id"]
job = server.call("POST", "/v1/fine_tuning/jobs", {
    "model": "cord-nano", "training_file": file, "method": {"type": "cord", "cord": {"hyperparameters": {"steps": 1}}}})["id"]
run = server.call("POST", "/v1/gap/runs", {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 2})["id"]
server.ended(f"/v1/fine_tuning/jobs/{job}", pause=0.5)
server.ended(f"/v1/gap/runs/{run}", pause=0.5)
report = server.call("GET", "/v1/gap/reports")["data"][0]["id"]

known = {"/v1/benchmarks": "cord-bench-1", "/v1/files": file, "/v1/batches": batch, "/v1/cord/steps": step["id"], "/v1/fine_tuning/jobs": job, "/v1/gap/runs": run, "/v1/gap/reports": report,
         "/v1/models": "cord-nano", "/v1/weights/versions": step["weight_version"]}
lines = ['[checks.positive_data_acceptance]',
         'expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "413", "415", "422", "429", "5xx"]',
         # 414: a query that is longer than an address may be.
         '[checks.negative_data_rejection]',
         'expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "5xx"]']
for path, methods in server.call("GET", "/openapi.json")["paths"].items():
    identifier = known.get(path.split("/{")[0])
    for method in methods:
        if "{id}" in path and identifier and method != "delete":
            lines += ["[[operations]]", f'include-name = "{method.upper()} {path}"', f'parameters = {{ "path.id" = "{identifier}" }}']
# An upload that is no question set and no adapter is told so with 400.
for name in ("POST /v1/benchmarks", "POST /v1/weights/versions"):
    lines += ["[[operations]]", f'include-name = "{name}"', "checks.positive_data_acceptance.enabled = false"]
# In a form a list of one purpose looks like the purpose.
lines += ["[[operations]]", 'include-name = "POST /v1/files"', "checks.negative_data_rejection.enabled = false"]
# A body without its file may have its question in the query.
lines += ["[[operations]]", 'include-name = "POST /v1/answers"', "checks.negative_data_rejection.enabled = false"]
lines += ["[[operations]]", 'include-name = "GET /v1/gap/reports/compare"',
          f'parameters = {{ "query.base" = "{report}", "query.candidate" = "{report}" }}']
with tempfile.NamedTemporaryFile("w", suffix=".toml") as configuration:
    configuration.write("\n".join(lines) + "\n")
    configuration.flush()
    sys.exit(subprocess.run(["schemathesis", "--config-file", configuration.name, "run", base + "/openapi.json", "--url", base,
                             "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--request-timeout", "60", *sys.argv[2:]],
                            env=os.environ | {"SCHEMATHESIS_HOOKS": "conformance_hooks", "PYTHONPATH": str(Path(__file__).resolve().parent)}).returncode)
