"""published_width.py CORD [FAMILY ...]: each family at its published width, with few layers, against its reference once more.

A random checkpoint of the family's generator (Tests/Fixtures/FAMILY/make.py) with the width, heads, inner sizes, mels and windows of a published
model, two layers each (one of experts), bfloat16 weights and cord-nano's small vocabulary, is served in float32. It answers a typed question, a spoken
one of 2.3 s, and one of 35 s (30 s where no more is heard), which is more than a window of most; `prompt_logprobs` of every position that is text are
held against the reference's.
A line a family: token ids equal or not, positions compared, the largest difference, the reference. Takes 1 to 8 GB and minutes a family.

Needs torch, transformers, peft and, for Voxtral, mistral-common, in the versions of the fixtures.
"""

import argparse
import base64
import gc
import io
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "benchmarks"), str(ROOT / "Tests/Fixtures")]
import families
from serving import Server

QWEN_7B = dict(hidden=3584, heads=28, kv=4, ffn=18_944)
WHISPER = dict(mels=128, d=1280, enc_heads=20, enc_ffn=5120)
# What a published model has; the fixture's own shape otherwise.
WIDTHS = {
    "qwen2audio": dict(model="7B", hidden=4096, heads=32, kv=32, ffn=11_008, window=1_500, **WHISPER),
    "audioflamingo3": dict(model="3", **QWEN_7B, window=1_500, longest=600, **WHISPER),
    "musicflamingo": dict(model="2601", **QWEN_7B, window=1_500, longest=1_200, **WHISPER),
    "qwen2_5_omni": dict(model="7B", **QWEN_7B, chunk=100, positions=1_500, **WHISPER),
    "qwen3_asr": dict(model="1.7B", hidden=2048, heads=16, kv=8, head=128, ffn=6144, mels=128, d=1024, enc_heads=16, enc_ffn=4096, channels=480),
    "qwen3_omni_moe": dict(
        model="30B-A3B", hidden=2048, heads=32, kv=4, head=128, experts=128, chosen=8, expert=768, layers=1, channels=480, **WHISPER),
    "voxtral": dict(model="Mini 3B", hidden=3072, heads=32, kv=8, head=128, ffn=8192, **WHISPER),
    "step_audio_2": dict(model="mini 8B", **QWEN_7B, **WHISPER),
    "ultravox": dict(model="Llama 3.1 8B", hidden=4096, heads=32, kv=8, head=128, ffn=14_336, inner=4096, **WHISPER),
}
REFERENCES = dict(step_audio_2="PyTorch after the checkpoint's Python", ultravox="PyTorch after the checkpoint's Python")

LONGEST = dict(qwen2audio=480_000)  # samples


def reference(family, folder):
    """The family's reference on a checkpoint of its published width in `folder`."""
    module = families.generator(family)
    shape = module.CHECKPOINTS["published"] | WIDTHS[family]
    place = folder / "published"
    if hasattr(module, "WINDOW"):
        module.WINDOW = 30
    if family == "qwen2audio":
        module.HERE = folder
        return module.Reference(module.build("published", shape))
    if family == "audioflamingo3":
        model = module.AudioFlamingo3ForConditionalGeneration(module.configuration(shape))
        return module.Reference(module.build(place, shape, model, module.AudioFlamingo3Processor))
    if family == "musicflamingo":
        config = module.flamingo.configuration(
            shape, module.MusicFlamingoConfig, audio_bos_token_id=families.OPENING, audio_eos_token_id=families.CLOSING,
            rope_parameters=shape["rotary"])
        model = module.MusicFlamingoForConditionalGeneration(config)
        return module.Reference(module.flamingo.build(place, shape, model, module.MusicFlamingoProcessor, **module.AROUND))
    if family == "ultravox":
        module.LLAMA3 |= dict(original_max_position_embeddings=8192)
        return module.Reference(module.build(place, shape), shape)
    return module.Reference(module.build(place, shape))


def collapsed(ids, made, clips):
    """Ids with one placeholder for each clip in the place of its run."""
    ids, start = list(ids), 0
    for clip in clips:
        run = made.run(clip)
        start = next(i for i in range(start, len(ids)) if ids[i : i + len(run)] == run)
        ids[start : start + len(run)] = [getattr(made, "marker", made.slot)]
        start += 1
    return ids


def sound(samples):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(16_000)
        out.writeframes(samples.astype("<i2").tobytes())
    return dict(type="input_audio", input_audio=dict(data=base64.b64encode(file.getvalue()).decode(), format="wav"))


def compare(family, cord):
    with tempfile.TemporaryDirectory(prefix="cord-width-") as folder:
        made = reference(family, Path(folder))
        gc.collect()
        directory = Path(folder) / "published"
        if not any((directory / name).exists() for name in ["tokenizer.json", "tekken.json"]):
            (directory / "tokenizer.json").write_bytes((families.NANO / "tokenizer.json").read_bytes())
        worst, positions, same = 0.0, 0, True
        with Server(cord, "--dtype", "float32", "--cache-size", "256", model=directory) as server:
            for name, samples in [("typed", 0), ("spoken", 36_800), ("long", LONGEST.get(family, 560_000))]:
                waves = [families.synthetic_clip(samples, 77)] if samples else []
                clips = [made.clip(name, w, seed=77) for w in waves]
                made.chat(name, [("user", ["What is 8 plus 5?"] if not clips else [clips[0], "What is heard?"])])
                ids = made.extra["chats"][-1]["input_ids"]
                expanded, arguments = made.inputs(collapsed(ids, made, clips), clips)
                content = [*map(sound, waves), dict(type="text", text="What is heard?")] if waves else "What is 8 plus 5?"
                answer = server.call("POST", "/v1/chat/completions", dict(
                    messages=[dict(role="user", content=content)], max_tokens=1, prompt_logprobs=0))["prompt_logprobs"]
                logprobs = torch.log_softmax(made.logits(arguments).double(), -1)
                same &= expanded == ids and len(answer) == len(ids)
                for place, found in enumerate(answer[1:], 1):
                    if not found:  # sound
                        continue
                    (token, entry), = found.items()
                    same &= int(token) == ids[place]
                    difference = abs(entry["logprob"] - float(logprobs[place - 1, ids[place]]))
                    worst, positions = max(worst, difference) if difference == difference else float("nan"), positions + 1
        return same and positions > 20, positions, worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cord")
    parser.add_argument("families", nargs="*", choices=[*WIDTHS, []], default=[])
    options = parser.parse_args()
    torch.manual_seed(0)
    for family in options.families or WIDTHS:
        same, positions, worst = compare(family, options.cord)
        print(f"{family} {WIDTHS[family]['model']}: token ids {'equal' if same else 'DIFFER'}, {positions} positions, "
              f"largest difference {worst:.1e}, {REFERENCES.get(family, 'transformers')}", flush=True)
