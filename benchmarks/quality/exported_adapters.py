#!/usr/bin/env python3
"""exported_adapters.py CORD [FAMILY ...]: adapters that cord learns, in Python's peft.

Each family's tiny checkpoint (Tests/Fixtures/FAMILY/published) is served in float32 and takes a CORD step on encoder, projector and decoder. The
version's PEFT directory is downloaded and loaded by peft over the family's reference; log-probabilities of every position of a spoken prompt that is
text are held against `prompt_logprobs` of the version. The way from peft to cord is held by tests (FamilyTests).
A line a family: positions compared, the largest difference, and how far the adapter moved them.

Needs torch, transformers, peft and, for Voxtral, mistral-common, in the versions of the fixtures.
"""
import argparse
import tarfile
import tempfile
from pathlib import Path

import peft
import torch

import every_family
from published_width import collapsed, families, sound
from serving import Server, pair


def reference(family, place):
    module = families.generator(family)
    return module.Reference(place, module.CHECKPOINTS["published"]) if family == "ultravox" else module.Reference(place)


def compare(cord, family, folder):
    place = every_family.checkpoint(family, folder)
    # Generators know the layout of a whole model by the directory's name.
    place = place.rename(folder / "published")
    made = reference(family, place)
    wave = families.synthetic_clip(36_800, 77)
    clip = made.clip("spoken", wave, seed=77)
    made.chat("spoken", [("user", [clip, "What is heard?"])])
    ids = made.extra["chats"][-1]["input_ids"]
    _, arguments = made.inputs(collapsed(ids, made, [clip]), [clip])
    content = [sound(wave), dict(type="text", text="What is heard?")]
    with Server(cord, "--dtype", "float32", model=place) as server:
        version = server.call("POST", "/v1/cord/steps", dict(
            pairs=[pair("sum")], objective=dict(rollouts=2, max_rollout_tokens=6),
            optimizer=dict(learning_rate=0.02, lora_rank=2, train=["encoder", "projector", "decoder"])))["weight_version"]
        told = server.call("POST", "/v1/chat/completions", dict(
            messages=[dict(role="user", content=content)], max_tokens=1, prompt_logprobs=0))["prompt_logprobs"]
        archive = folder / "version.tar"
        archive.write_bytes(server.call("GET", f"/v1/weights/versions/{version}/download", raw=True))
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "adapter", filter="data")
    base = torch.log_softmax(made.logits(arguments).double(), -1)
    made.model = peft.PeftModel.from_pretrained(made.model, str(next((folder / "adapter").rglob("adapter_config.json")).parent)).eval()
    logprobs = torch.log_softmax(made.logits(arguments).double(), -1)
    worst = moved = positions = 0
    for at, found in enumerate(told[1:], 1):
        for token, entry in (found or {}).items():
            assert int(token) == ids[at], (family, at, token, ids[at])
            expected = float(logprobs[at - 1, ids[at]])
            worst, positions = max(worst, abs(entry["logprob"] - expected)), positions + 1
            moved = max(moved, abs(expected - float(base[at - 1, ids[at]])))
    return positions, worst, moved


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cord")
    parser.add_argument("families", nargs="*", choices=[*every_family.families(), []], default=[])
    options = parser.parse_args()
    torch.manual_seed(0)
    for family in options.families or every_family.families():
        with tempfile.TemporaryDirectory(prefix="cord-adapter-") as folder:
            positions, worst, moved = compare(options.cord, family, Path(folder))
        print(f"{family}: {positions} positions, largest difference {worst:.1e}, moved by up to {moved:.2f}", flush=True)
