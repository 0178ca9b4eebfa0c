"""Drives `/v1/responses` of a running server with the official `openai` package, unchanged: text, sound, streams, log-probabilities, refusals.

    cord serve & python responses.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import base64
import sys
from pathlib import Path

import openai

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
model = client.models.list().data[0].id
question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"
clip = base64.b64encode((Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav").read_bytes()).decode()
spoken = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]}]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


whole = client.responses.create(model=model, input=question, instructions="Be exact.", metadata={"my": "own"})
check("text", whole.output_text.split(".")[-2].startswith(" The answer is "), whole)
check("status", whole.status == "completed" and whole.metadata == {"my": "own"}, whole)
check("usage", whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens, whole.usage)

heard = client.responses.create(model=model, input=spoken)
check("sound", heard.output_text.endswith("The answer is 54."), heard)

events = list(client.responses.create(model=model, input=spoken, stream=True))
check("order", [e.type for e in events if not e.type.endswith(".delta")] == [
    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.done",
    "response.content_part.done", "response.output_item.done", "response.completed"], [e.type for e in events])
check("types", all(type(e).__name__.startswith("Response") for e in events), events)
check("numbers", [e.sequence_number for e in events] == list(range(len(events))))
check("stream joins to the whole", "".join(e.delta for e in events if e.type.endswith(".delta")) == heard.output_text)

with client.responses.stream(model=model, input=question, instructions="Be exact.") as stream:
    for event in stream:
        pass
    check("stream helper", stream.get_final_response().output_text == whole.output_text)

logs = client.responses.create(model=model, input=question, include=["message.output_text.logprobs"], top_logprobs=4)
tokens = logs.output[0].content[0].logprobs
check("logprobs", "".join(t.token for t in tokens) == logs.output_text and all(len(t.top_logprobs) == 4 for t in tokens), tokens)

turns = [{"role": "user", "content": question}, *whole.output, {"role": "user", "content": "And if he buys 2 more?"}]
check("history", client.responses.create(model=model, input=turns).status == "completed")

cut = client.responses.create(model=model, input=question, max_output_tokens=2)
check("length", cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens", cut)

for what, error, call in [
    ("unknown model", openai.NotFoundError, dict(model="none")),
    ("stored", openai.BadRequestError, dict(store=True)),
    ("chained", openai.BadRequestError, dict(previous_response_id=whole.id)),
    ("tools", openai.BadRequestError, dict(tools=[{"type": "web_search"}])),
    ("schema", openai.BadRequestError, dict(text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "nothing"}}})),
]:
    try:
        client.responses.create(**{"model": model, "input": question, **call})
        check(what, False, "no error")
    except error as refusal:
        check(what, refusal.body["message"] and refusal.code, refusal)
