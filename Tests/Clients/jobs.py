"""Drives files and fine-tuning of a running server with the unchanged `openai` package, which is what its users have.

    cord serve --port 8080 --data $(mktemp -d) & python jobs.py http://127.0.0.1:8080/v1
"""

import io
import sys
import time
from pathlib import Path

import openai

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from serving import QUESTIONS, clip, lines, pair


def check(condition, what):
    print("ok  " if condition else "FAIL", what)
    if not condition:
        sys.exit(1)


client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2] if len(sys.argv) > 2 else "none")
model = client.models.list().data[0].id
content = lines(pair(name, answer="24") for name in QUESTIONS)

file = client.files.create(file=("pairs.jsonl", io.BytesIO(content)), purpose="fine-tune")
check(file.object == "file" and file.bytes == len(content) and file.purpose == "fine-tune", "files.create")
check(client.files.retrieve(file.id).filename == "pairs.jsonl", "files.retrieve")
check(client.files.content(file.id).read() == content, "files.content")
check(file.id in [other.id for other in client.files.list(purpose="fine-tune")], "files.list")

rollouts = {"max_rollout_tokens": 16, "rollouts": 2}
method = {"type": "cord", "cord": {"hyperparameters": {"n_epochs": 2, "batch_size": 2, "checkpoint_every": 2, "objective": rollouts}}}
job = client.fine_tuning.jobs.create(
    model=model, training_file=file.id, validation_file=file.id, suffix="mine", seed=1, metadata={"made": "here"}, method=method)
check(job.object == "fine_tuning.job" and job.status in ("validating_files", "queued", "running"), "jobs.create")
paused = client.fine_tuning.jobs.pause(job.id)
check(paused.status == "queued", "jobs.pause")
check(client.fine_tuning.jobs.resume(job.id).status in ("validating_files", "queued", "running"), "jobs.resume")
deadline = time.monotonic() + 600
while (job := client.fine_tuning.jobs.retrieve(job.id)).status not in ("succeeded", "failed", "cancelled"):
    check(time.monotonic() < deadline, "the job ends in time") if time.monotonic() >= deadline else time.sleep(0.5)
check(job.status == "succeeded", f"jobs.retrieve: {job.status} {job.error}")
check(job.fine_tuned_model is not None and ":mine:" in job.fine_tuned_model, f"the version is {job.fine_tuned_model}")
check(job.trained_tokens > 0 and job.metadata == {"made": "here"}, f"{job.trained_tokens} tokens were trained")
events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
# The base is validated before the first step.
check([event.data["step"] for event in events if event.type == "metrics"] == [4, 3, 2, 1, 0], f"jobs.list_events: {len(events)} over several pages")
checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
check([checkpoint.step_number for checkpoint in checkpoints] == [4, 2], "jobs.checkpoints.list")
# CORD is validated by the divergence from the teacher, beside the loss that OpenAI's client knows.
measured = checkpoints[0].metrics.model_extra["full_valid_kl_mean"]
check(measured > 0, f"validation divergence {measured}")
check(job.id in [other.id for other in client.fine_tuning.jobs.list()], "jobs.list")

for name in (job.fine_tuned_model, checkpoints[1].fine_tuned_model_checkpoint, model):
    answer = client.chat.completions.create(
        model=name, max_tokens=32, messages=[{"role": "user", "content": [
            {"type": "input_audio", "input_audio": {"data": clip("sum"), "format": "wav"}}]}])
    check(answer.model == name, f"{name} says {answer.choices[0].message.content!r}")

gated = client.fine_tuning.jobs.create(
    model=model, training_file=file.id, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
    extra_body={"cord": {"promote": {"if": "gap_reduced", "limit": 4, "max_text_drop": 1}, "tensorboard": True}})
while (gated := client.fine_tuning.jobs.retrieve(gated.id)).status not in ("succeeded", "failed", "cancelled"):
    check(time.monotonic() < deadline, "the gated job ends in time") if time.monotonic() >= deadline else time.sleep(0.5)
check(gated.status == "succeeded" and isinstance(gated.cord["promoted"], bool), f"gated supervised job: {gated.error or gated.cord['reason']}")

long = client.fine_tuning.jobs.create(
    model=model, training_file=file.id, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 500}}})
check(client.fine_tuning.jobs.cancel(long.id).status == "cancelled", "jobs.cancel")
for refused, call in (
    (openai.NotFoundError, lambda: client.fine_tuning.jobs.create(model=model, training_file="file-none")),
    (openai.NotFoundError, lambda: client.fine_tuning.jobs.retrieve("ftjob-none")),
    (openai.BadRequestError, lambda: client.files.create(file=("a", io.BytesIO(b"a")), purpose="vision")),
    (openai.ConflictError, lambda: client.fine_tuning.jobs.cancel(job.id)),
):
    try:
        call()
        check(False, f"{refused.__name__} is raised")
    except refused as error:
        check(True, f"{refused.__name__}: {error.message}"[:120])
check(client.files.delete(file.id).deleted, "files.delete")
print("the openai package", openai.__version__, "drives files and fine-tuning unchanged")
