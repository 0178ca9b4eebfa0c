#!/usr/bin/env python3
"""every_family.py CORD [FAMILY ...]: whether every family is served, measured, learns and goes back, in one command.

The tiny random checkpoint of each family's fixtures (Tests/Fixtures/FAMILY/published) is served, with cord-nano's tokenizer where it has none, and

  answers  typed, spoken, two clips in one message (or a 422 where the chat format has one place), two turns with a clip each; each clip heard counts as many tokens as the family says (`/v1/models`)
  refuses  a clip one second longer than it hears: 413, which says how much it can (400 where the tiny model's context holds less)
  measures `cord eval` and `POST /v1/gap/runs` over four questions of cord-bench-1, and one more through `/v1/gap/inspect`
  learns   a CORD step on encoder, projector and decoder, whose version answers; back to the base's answers to the bit, the version promoted again, back
  exports  the version's adapter, loaded under another name, answers with the version's bits

A line a family; a fault ends the script. Seconds a family, a few megabytes; Python's standard library alone.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))
from serving import QUESTIONS, Server, clip, pair, request

FIXTURES = ROOT / "Tests/Fixtures"
NANO = ROOT / "Sources/Model/CordNano/Checkpoint"# Their chat format has a place for one clip a message, as their processors.
ONE_CLIP = ["audioflamingo3", "musicflamingo"]


def families():
    return sorted(path.parent.parent.name for path in FIXTURES.glob("*/published/adapter")) + ["qwen2audio"]


def checkpoint(family, folder):
    place = folder / family
    shutil.copytree(FIXTURES / family / "published", place)
    if not any((place / name).exists() for name in ["tokenizer.json", "tekken.json"]):
        shutil.copy(NANO / "tokenizer.json", place)
    return place


def silence(seconds):
    """A WAV of few bytes: 8 bits at 8 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1), out.setsampwidth(1), out.setframerate(8_000)
        out.writeframes(b"\x80" * int(8_000 * seconds))
    return file.getvalue()


def sound(name):
    return dict(type="input_audio", input_audio=dict(data=clip(name), format="wav"))


def expect(holds, what):
    if not holds:
        raise SystemExit(f"every_family.py: {what}")


class Asked:
    """Conversations with one model."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    def ask(self, *turns, model=None, tokens=8):
        messages = [dict(role="user" if i % 2 == 0 else "assistant", content=content) for i, content in enumerate(turns)]
        return self.server.call("POST", "/v1/chat/completions", dict(
            model=model or self.name, messages=messages, max_tokens=tokens, temperature=0, logprobs=True, ignore_eos=True))

    def fingerprint(self, model=None):
        """Tokens of a spoken question's answer with their log-probabilities."""
        return [(entry["token"], entry["logprob"]) for entry in self.ask([sound("sum")], model=model)["choices"][0]["logprobs"]["content"]]


def answers(asked, family):
    question = dict(type="text", text="What is heard?")
    typed = asked.ask("What is 8 plus 5?")
    expect(typed["usage"]["completion_tokens"] == 8, f"{family}: a typed answer of {typed['usage']}")
    spoken = asked.ask([sound("sum"), question])
    expect(not typed["cord"].get("audio") and len(spoken["cord"]["audio"]) == 1, f"{family}: what was heard: {spoken['cord']}")
    status, body = request(asked.server.port, "POST", "/v1/chat/completions", dict(
        model=asked.name, messages=[dict(role="user", content=[sound("sum"), question, sound("pens")])], max_tokens=2))
    if family in ONE_CLIP:
        expect(status == 422 and "1 of the 2 clips" in body.decode(), f"{family}: two clips in a message: {status} {body}")
    else:
        expect(status == 200 and len(json.loads(body)["cord"]["audio"]) == 2, f"{family}: two clips in a message: {status} {body}")
    turns = asked.ask([sound("sum")], "24.", [sound("pens"), question])
    expect(len(turns["cord"]["audio"]) == 2, f"{family}: two turns: {turns['cord']}")
    return spoken["cord"]["audio"][0]


def refuses(server, family, longest, context):
    """A second more than the family hears, or, where tiny models hold less, than the context holds."""
    status, body = request(server.port, "POST", "/v1/answers?max_tokens=4", silence(longest + 1), {"Content-Type": "audio/wav"})
    message = json.loads(body)["error"]["message"]
    is_told = status == 413 and f"{longest:g} s" in message or context < longest and status == 400 and "of sound" in message
    expect(is_told, f"{family}: a clip of {longest + 1} s: {status} {message}")


def measures(cord, server, name, family, place, folder):
    out = folder / "report"
    run = subprocess.run(
        [cord, "eval", "--model", place, "--benchmark", "cord-bench-1", "--limit", "4", "--arms", "text,audio,transcript", "--max-tokens", "8",
         "--output", out], capture_output=True, text=True)
    expect(run.returncode == 0, f"{family}: cord eval: {run.stderr[-2000:]}")
    items = json.loads((out / "report.json").read_text())["items"]
    wanted = dict(model=name, benchmark="cord-bench-1", limit=4, arms=["text", "audio"], divergence=4, decoding=dict(max_completion_tokens=8))
    served = server.ended("/v1/gap/runs/" + server.call("POST", "/v1/gap/runs", wanted)["id"])
    expect(served["status"] == "succeeded", f"{family}: gap run: {served}")
    inspected = server.call("POST", "/v1/gap/inspect", dict(audio=dict(data=clip("sum")), text=QUESTIONS["sum"], max_tokens=6, top=2))
    expect(inspected["divergence_mean"] > 0, f"{family}: inspected: {inspected}")
    return items, inspected["divergence_mean"]


def learns(server, asked, family):
    base = asked.fingerprint()
    step = server.call("POST", "/v1/cord/steps", dict(
        pairs=[pair("sum")], objective=dict(rollouts=2, max_rollout_tokens=6),
        optimizer=dict(learning_rate=0.02, lora_rank=2, train=["encoder", "projector", "decoder"])))
    version, learnt = step["weight_version"], asked.fingerprint()
    expect(learnt != base, f"{family}: a step changed nothing")
    expect(server.call("POST", "/v1/weights/rollback", {})["weight_version"] == "base", f"{family}: rollback")
    expect(asked.fingerprint() == base, f"{family}: the base's answers after a rollback")
    server.call("POST", f"/v1/weights/versions/{version}/promote", {})
    expect(asked.fingerprint() == learnt, f"{family}: the version's answers after it was promoted")
    server.call("POST", "/v1/weights/rollback", {})
    expect(asked.fingerprint() == base, f"{family}: the base's answers at the end")
    return step, version, learnt


def exports(server, asked, family, folder, version, learnt):
    archive, place = folder / "version.tar", folder / "adapter-of-the-version"
    archive.write_bytes(server.call("GET", f"/v1/weights/versions/{version}/download", raw=True))
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    config = next(place.rglob("adapter_config.json"))
    server.call("POST", "/v1/load_lora_adapter", dict(lora_name="again", lora_path=str(config.parent)), raw=True)
    expect(asked.fingerprint("again") == learnt, f"{family}: the exported adapter's answers")
    return len(json.loads(config.read_text())["target_modules"])


def check(cord, family, folder):
    place = checkpoint(family, folder)
    with Server(cord, "--dtype", "float32", "--adapter-folder", folder, model=place) as server:
        model = server.call("GET", "/v1/models")["data"][0]
        asked, about = Asked(server, model["id"]), model["family"]
        heard = answers(asked, family)
        rate = heard["audio_tokens"] / heard["seconds"]
        refuses(server, family, about["longest_clip_seconds"], model["max_model_len"] / about["audio_tokens_per_second"])
        items, divergence = measures(cord, server, model["id"], family, place, folder)
        step, version, learnt = learns(server, asked, family)
        modules = exports(server, asked, family, folder, version, learnt)
        print(f"{family}: {about['name']}, {heard['audio_tokens']} tokens of {heard['seconds']:.2f} s ({rate:.1f}/s, said {about['audio_tokens_per_second']:g}); "
              f"more than {about['longest_clip_seconds']:g} s refused; cord eval and a gap run over {len(items)} questions; "
              f"divergence {divergence:.3f}; step's loss {step['metrics']['loss']:.3f}, back, promoted, back; "
              f"adapter of {modules} modules exported and loaded", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cord")
    parser.add_argument("families", nargs="*", choices=[*families(), []], default=[])
    options = parser.parse_args()
    for family in options.families or families():
        with tempfile.TemporaryDirectory(prefix="cord-family-") as folder:
            check(options.cord, family, Path(folder))
