"""Holds objectives.py and adapters.py against cord: the same rollouts, losses, divergences and gradient norm.

    cord serve --port 8080 &
    python3 check_objectives.py --url http://127.0.0.1:8080

Asks `POST /v1/cord/score` what a CORD step over the embedded adapter would learn from, and computes that from the rollouts again.
The adapter's own weights are the teacher there; a step trains the decoder alone.
"""

import argparse
import base64
import io
import json
import subprocess
import tempfile
import urllib.request
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import data
import objectives
import sound
import speech
from adapters import Adapters, Prompts, Stack
from methods import CORD
from model import load, slots

NANO = Path(__file__).resolve().parents[3] / "Sources/Model/CordNano"
QUESTIONS = ["Leo buys 4 pears at 8 dollars each, 6 lamps at 8 dollars each. How much does it cost?", "What is 17 plus 28?"]


def spoken(text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "question.wav"
        subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), text], check=True)
        return speech.read(path)


def file_of(samples: np.ndarray) -> str:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.RATE)
        file.writeframes(samples.tobytes())
    return base64.b64encode(target.getvalue()).decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    options = parser.parse_args()
    clips = [spoken(text) for text in QUESTIONS]
    body = {"model": "cord-nano-cord", "include": ["rollouts", "tokens"], "seed": 3,
            "pairs": [{"text": text, "audio": {"data": file_of(clip)}} for text, clip in zip(QUESTIONS, clips)]}
    request = urllib.request.Request(options.url + "/v1/cord/score", json.dumps(body).encode(), {"Content-Type": "application/json"})
    scored = json.load(urllib.request.urlopen(request))

    model, mel, features = load(NANO / "Checkpoint"), sound.LogMel(), []
    for clip in clips:
        samples = torch.zeros(1, -(-len(clip) // 2560) * 2560)
        samples[0, :len(clip)] = torch.from_numpy(clip.astype(np.float32)) / 32768
        length = torch.tensor([len(clip)])
        with torch.no_grad():
            features.append(model.audio_tower(mel(samples), length)[0, :int(slots(length)[0])])
    chat = data.Chat(data.Tokenizer.from_file(str(NANO / "Checkpoint/tokenizer.json")))
    stack, adapters = Stack(model, torch.cat(features), torch.float32), Adapters(model, [1])
    adapters.read(NANO / "Adapter")
    ends = np.cumsum([len(f) for f in features])
    ranges = [range(end - len(f), end) for f, end in zip(features, ends)]
    heard = Prompts([chat.prompt([chat.clip(len(own))]) for own in ranges], ranges, "cpu", chat.audio)
    typed = Prompts([chat.prompt([[chat.text(text)]]) for text in QUESTIONS], [None] * len(QUESTIONS), "cpu", chat.audio)

    # The rollout of the token term first, then the group's, as `losses` wants them.
    pairs = [sorted(pair["rollouts"], key=lambda r: r["role"] != "token") for pair in scored["pairs"]]
    assert all([r["role"] for r in own] == ["token"] + 4 * ["sequence"] for own in pairs)
    rollouts = [r for own in pairs for r in own]
    advantages = torch.tensor([[[r["advantage"] for r in own[1:]] for own in pairs]])
    lengths = torch.tensor([[len(r["tokens"]) for r in rollouts]])
    answers = torch.zeros(1, len(rollouts), int(lengths.max()), dtype=torch.long)
    for row, rollout in zip(answers[0], rollouts):
        row[:len(rollout["tokens"])] = torch.tensor([t["token"] for t in rollout["tokens"]])
    student = stack.logits_of_answers(heard.repeated(5), answers, adapters).log_softmax(-1)
    with torch.no_grad():
        teacher = stack.logits_of_answers(typed.repeated(5), answers, adapters).log_softmax(-1)
    loss = objectives.losses([replace(CORD, rate=1)], student, teacher, answers, lengths, 5, advantages, None, False) / len(pairs)
    loss.sum().backward()

    chosen = student.gather(-1, answers[..., None])[0, ..., 0]
    divergence = objectives.reverse_kl(student, teacher)[0]
    differences = {
        "log-probabilities": max(abs(chosen[i, t].item() - token["measured"]["logprob"])
                                 for i, r in enumerate(rollouts) for t, token in enumerate(r["tokens"])),
        "divergences": max(abs(divergence[i, t].item() - token["divergence"])
                           for i, r in enumerate(rollouts) if r["role"] == "token" for t, token in enumerate(r["tokens"])),
        "loss, relative": abs(loss.item() / scored["metrics"]["loss"] - 1),
        "gradient's norm, relative": abs(
            sum((p.grad ** 2).sum() for p in list(adapters.pairs)[2:]).sqrt().item() / scored["metrics"]["grad_norm"] - 1)}
    for name, value in differences.items():
        print(f"{name}: {value:.1e}")
    if not all(value <= 1e-4 for value in differences.values()):
        raise SystemExit("more than 1e-4 apart")


if __name__ == "__main__":
    main()
