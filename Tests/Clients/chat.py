"""Drives a running server with the official `openai` package, unchanged: text, sound, streams, log-probabilities, n, errors.

    cord serve & python chat.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import sys
from pathlib import Path

import openai

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from serving import clip

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
model = client.models.list().data[0].id
question = [{"role": "user", "content": "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"}]


def spoken(name):
    return [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": clip(name), "format": "wav"}}]}]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


assert client.models.retrieve(model).object == "model"

whole = client.chat.completions.create(model=model, messages=question)
check("text", whole.choices[0].message.content.endswith("The answer is 14."), whole)
check("usage", whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens, whole.usage)

heard = client.chat.completions.create(model=model, messages=spoken("sum"))
check("sound", heard.choices[0].message.content.endswith("The answer is 54."), heard)
check("audio tokens", heard.usage.prompt_tokens_details.audio_tokens > 0, heard.usage)
check("what was heard", heard.cord["audio"][0]["sample_rate"] == 22050, heard.cord)

chunks = list(client.chat.completions.create(
    model=model, messages=spoken("sum"), stream=True, stream_options={"include_usage": True}))
text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
check("stream joins to the whole", text == heard.choices[0].message.content, text)
check("role first", chunks[0].choices[0].delta.role == "assistant", chunks[0])
check("usage last", chunks[-1].usage.completion_tokens == heard.usage.completion_tokens, chunks[-1])

with client.chat.completions.stream(model=model, messages=question) as stream:
    for event in stream:
        pass
    check("stream helper", stream.get_final_completion().choices[0].message.content == whole.choices[0].message.content)

logs = client.chat.completions.create(model=model, messages=question, logprobs=True, top_logprobs=4)
tokens = logs.choices[0].logprobs.content
check("logprobs", "".join(t.token for t in tokens) == logs.choices[0].message.content, tokens)
check("top logprobs", all(len(t.top_logprobs) == 4 and t.top_logprobs[0].logprob == t.logprob for t in tokens))
check("bytes", all(bytes(t.bytes).decode() == t.token for t in tokens))

several = client.chat.completions.create(model=model, messages=question, n=3, temperature=1.5, seed=1, max_completion_tokens=20)
again = client.chat.completions.create(model=model, messages=question, n=3, temperature=1.5, seed=1, max_completion_tokens=20)
check("n", [c.index for c in several.choices] == [0, 1, 2], several)
check("seed", several.choices == again.choices)
check("length", whole.choices[0].finish_reason == "stop" and
      client.chat.completions.create(model=model, messages=question, max_tokens=2).choices[0].finish_reason == "length")
check("stop", client.chat.completions.create(model=model, messages=question, stop=["19 - 5"]).choices[0].message.content
      == "12 + 7 = 19. ")

for what, error, call in [
    ("unknown model", openai.NotFoundError, dict(model="none", messages=question)),
    ("wrong range", openai.BadRequestError, dict(model=model, messages=question, temperature=9)),
    ("wrong part", openai.BadRequestError, dict(model=model, messages=[{"role": "user", "content": [{"type": "video"}]}])),
    ("schema", openai.BadRequestError, dict(model=model, messages=question, response_format={
        "type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nothing"}}})),
]:
    try:
        client.chat.completions.create(**call)
        check(what, False, "no error")
    except error as refusal:
        check(what, refusal.body["message"] and refusal.code, refusal)
print("openai", openai.__version__, "works unchanged")
