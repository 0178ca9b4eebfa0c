"""Drives files and batches of a running server by the official `openai` package, unchanged: lines that are right and wrong, cancelling, and with
`--kill PID` a server that is killed while it answers, to be started again over the same folder.

    cord serve --data FOLDER & python batches.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time

import openai

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
endpoint = "/v1/chat/completions"


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


def line(name, content, **members):
    return {"custom_id": name, "method": "POST", "url": endpoint, "body": {"messages": [{"role": "user", "content": content}], **members}}


def begin(lines, **members):
    text = "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines)
    file = client.files.create(file=("requests.jsonl", io.BytesIO(text.encode())), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **members)


def ended(batch):
    while batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
        time.sleep(0.2)
        batch = client.batches.retrieve(batch.id)
    return batch


def lines_of(file):
    return [json.loads(text) for text in client.files.content(file).text.splitlines()] if file else []


batch = ended(begin([line("a", "What is 2 plus 3?"), "{broken", line("b", "Hello", temperature=9), line("c", "Hello")], metadata={"my": "own"}))
check("completed", batch.status == "completed" and batch.metadata == {"my": "own"}, batch)
check("counts", (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (4, 2, 2), batch)
output, errors = lines_of(batch.output_file_id), lines_of(batch.error_file_id)
check("answers", [entry["custom_id"] for entry in output] == ["a", "c"], output)
check("errors", [entry["error"] and entry["error"]["code"] for entry in errors] == ["invalid_json_line", None], errors)
check("refusal", errors[1]["response"]["status_code"] == 400 and errors[1]["response"]["body"]["error"]["param"] == "temperature", errors)
live = client.chat.completions.create(model=client.models.list().data[0].id, messages=[{"role": "user", "content": "What is 2 plus 3?"}])
check("as live", output[0]["response"]["body"]["choices"][0]["message"]["content"] == live.choices[0].message.content, output)
check("list", any(entry.id == batch.id for entry in client.batches.list(limit=5)))

many = [line(f"q{i}", f"What is {i} plus 5?", ignore_eos=True, max_tokens=120) for i in range(400)]
cancelled = begin(many)
while client.batches.retrieve(cancelled.id).request_counts.completed < 3:
    time.sleep(0.1)
cancelled = ended(client.batches.cancel(cancelled.id))
check("cancelled", cancelled.status == "cancelled", cancelled)
check("what it has", len(lines_of(cancelled.output_file_id)) == cancelled.request_counts.completed >= 3, cancelled)

if "--kill" in sys.argv:
    process, again = int(sys.argv[sys.argv.index("--kill") + 1]), sys.argv[sys.argv.index("--kill") + 2:]
    batch = begin(many)
    while (counts := client.batches.retrieve(batch.id).request_counts).completed < 20:
        time.sleep(0.05)
    folder = again[again.index("--data") + 1]
    os.kill(process, signal.SIGKILL)
    time.sleep(1)
    with open(f"{folder}/jobs/{batch.id}/answers") as file:
        before = [text.split(" ", 2)[2] for text in file.read().split("\n")[:-1]]
    server = subprocess.Popen(again)
    while True:
        try:
            batch = ended(client.batches.retrieve(batch.id))
            break
        except (openai.APIConnectionError, openai.InternalServerError):
            time.sleep(0.2)
    text = client.files.content(batch.output_file_id).text.splitlines()
    server.terminate()
    check("killed: completed", batch.status == "completed" and batch.request_counts.completed == len(text) == 400, batch)
    check("killed: each once", [json.loads(entry)["custom_id"] for entry in text] == [f"q{i}" for i in range(400)])
    check(f"killed: {len(before)} that were answered are not asked again", len(before) >= counts.completed and set(before) <= set(text))

for what, error, members in [
    ("unknown file", openai.NotFoundError, dict(input_file_id="file-none")),
    ("endpoint", openai.BadRequestError, dict(endpoint="/v1/embeddings")),
] if "--kill" not in sys.argv else []:
    try:
        client.batches.create(**{"input_file_id": batch.input_file_id, "endpoint": endpoint, "completion_window": "24h"} | members)
        check(what, False, "no error")
    except error as refusal:
        check(what, refusal.body["message"], refusal)
