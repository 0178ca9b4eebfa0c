"""Weight versions of a running cord-nano beside peft and transformers: the same log-probabilities both ways.

    cord serve --port 8080 --data $(mktemp -d) & python versions.py http://127.0.0.1:8080

An adapter made by peft is uploaded; a version made by a CORD step is downloaded and loaded with peft. Each answers typed and spoken
questions, and transformers scores the same answers.
"""

import base64
import io
import json
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import peft
import soundfile
import torch

from make import MODELS, qwen2audio

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks"))
from serving import form

NANO = qwen2audio.NANO
CASES = {case["name"]: case for case in json.loads((MODELS / "cord-nano" / "cases.json").read_text())["cases"]}
ADDRESS, KEY = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "none"


def call(method, path, body=None, headers=None, raw=False):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"} | (headers or {})
    request = urllib.request.Request(ADDRESS + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=300) as response:
        content = response.read()
    return content if raw else json.loads(content)


def clip(name):
    return MODELS / "cord-nano" / f"{name}.flac"


def upload(directory, name):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(directory, "adapter")
    return call("POST", "/v1/weights/versions", *form(archive.getvalue(), "adapter.tar.gz", name=name))


def made_by_peft(directory):
    model = peft.get_peft_model(qwen2audio.Reference(NANO).model, peft.LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "down_proj", "fc1", "multi_modal_projector.linear"]))
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=random))
    model.save_pretrained(directory)


def compare(version, directory):
    """The largest difference between the server's log-probabilities of its own greedy answers and those of peft."""
    reference = qwen2audio.Reference(NANO)
    reference.model = peft.PeftModel.from_pretrained(reference.model, directory).eval()
    words = {reference.tokenizer.decode([i]): i for i in reversed(range(reference.vocab))}
    worst = 0.0
    for name in ["typed-apples", "spoken-apples", "typed-days", "spoken-largest"]:
        case = CASES[name]
        kind, key = name.split("-")
        question = case["text"].split("user\n")[1].split("<|im_end|>")[0]
        content = question if kind == "typed" else [
            {"type": "input_audio", "input_audio": {"data": base64.b64encode(clip(key).read_bytes()).decode(), "format": "flac"}}]
        answer = call("POST", "/v1/chat/completions", {
            "model": version, "messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 32, "logprobs": True})
        assert answer["cord"]["weight_version"] == version or answer["model"] == version
        told = answer["choices"][0]["logprobs"]["content"]
        ids = [words[token["token"]] for token in told]
        clips = []
        if kind == "spoken":
            samples, rate = soundfile.read(clip(key), dtype="int16")
            assert rate == 16_000
            clips = [reference.clip(key, np.asarray(samples))]
        expanded, arguments = reference.inputs(reference.ids(case["text"]) + ids, clips)
        with torch.no_grad():
            logprobs = torch.log_softmax(reference.model(**arguments).logits[0].double(), -1)
        for place, (token, record) in enumerate(zip(ids, told), len(expanded) - len(ids)):
            worst = max(worst, abs(logprobs[place - 1, token].item() - record["logprob"]))
        print(f"  {name}: {answer['choices'][0]['message']['content']!r}, {len(ids)} tokens")
    return worst


def check(what, worst):
    print(f"{what}: largest difference {worst:.1e}")
    assert worst < 1e-3, what


torch.set_num_threads(2)
with tempfile.TemporaryDirectory() as place:
    place = Path(place)
    made_by_peft(place / "made")
    version = upload(place / "made", f"made-by-peft-{place.name[-4:]}")
    check("uploaded from peft", compare(version["name"], place / "made"))

    pair = {"audio": {"data": base64.b64encode(clip("plus").read_bytes()).decode()}, "text": "What is 8 plus 5?"}
    step = call("POST", "/v1/cord/steps", {"pairs": [pair], "optimizer": {"learning_rate": 0.01}, "objective": {"max_rollout_tokens": 24}})
    archive = call("GET", f"/v1/weights/versions/{step['weight_version']}/download", raw=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(place / "trained", filter="data")
    (directory,) = (place / "trained").iterdir()
    check("downloaded for peft", compare(step["weight_version"], directory))
    call("POST", "/v1/weights/rollback", {})
    for name in (version["id"], step["weight_version"]):
        call("DELETE", f"/v1/weights/versions/{name}")
print("peft", peft.__version__, "and this server read one another's versions")
