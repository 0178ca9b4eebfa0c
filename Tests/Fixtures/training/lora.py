"""peft's options of an adapter in training: which modules it is on, ranks, rsLoRA, dropout. Losses and gradients by PyTorch in float64.

    options/NAME          an adapter over ../qwen2audio/grouped7, as peft saves it
    options.safetensors   for each, the gradient of every factor of CORD's loss, under dropout; replayed/…: with replayed prompts too
    options.json          peft's options, the loss without and under dropout, and with replayed prompts

The masks of dropout are the product's by their definition, written down again here: an element is named by its row, module and column.

    python lora.py
"""

import json
import shutil

import numpy as np
import safetensors.torch
import torch
from peft import LoraConfig, get_peft_model

from make import CASES, HERE, Model, answers, canonical, loss, replays

OPTIONS = {
    "names": dict(target_modules=["q_proj", "v_proj", "fc1", "multi_modal_projector.linear"], r=4, lora_alpha=6, use_rslora=True,
                  lora_dropout=0.25, rank_pattern={"v_proj": 2}, alpha_pattern={"fc1": 9.5, r"language_model\.layers\.\d+\.self_attn\.v_proj": 3}),
    "expression": dict(target_modules=r"model\.language_model\..*\.(k|down)_proj", r=3, lora_alpha=5, lora_dropout=0.1),
    "all-linear": dict(target_modules="all-linear", r=2, lora_alpha=3, use_rslora=True, lora_dropout=0.5),
}
STREAMS = [11, 12]
REPLAY_STREAMS = [13, 14, 15]
REPLAYED = dict(method="cord", tokenCoefficient=0.6, replayWeight=0.8)

GAMMA, WORD = 0x9E37_79B9_7F4A_7C15, (1 << 64) - 1


def mixed(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


def word(value: int) -> np.ndarray:
    return np.array(value & WORD, dtype=np.uint64)


def hashed(text: str) -> int:
    value = 0xCBF2_9CE4_8422_2325
    for byte in text.encode():
        value = (value ^ byte) * 0x0000_0100_0000_01B3 & WORD
    return int(mixed(word(value)))


def part(stream: int, index: int) -> int:
    """The first number of the stream `index` of `stream`."""
    state = int(mixed(word(stream + GAMMA))) ^ (index * 0xD134_2543_DE82_EF95 & WORD)
    return int(mixed(word(state + 2 * GAMMA)))


class Masked(torch.nn.Module):
    """Stands in for peft's dropout: the mask by the names of the rows that are computed."""

    # Of the decoder's rows, and of the first row of each clip.
    rows: np.ndarray
    clips: list[int]

    def __init__(self, module: str, probability: float):
        super().__init__()
        self.module, self.probability = module, probability

    def forward(self, x):
        hears = self.module.startswith(("audio_tower", "multi_modal_projector"))
        names = [word(c) + np.arange(x.shape[1], dtype=np.uint64) for c in Masked.clips] if hears else [Masked.rows]
        columns = np.arange(1, x.shape[-1] + 1, dtype=np.uint64) * np.uint64(GAMMA)
        drawn = mixed((np.stack(names) ^ word(hashed(self.module)))[..., None] + columns)
        kept = torch.from_numpy(drawn >= word(int(self.probability * 2.0**64)))
        assert kept.shape == x.shape, (self.module, kept.shape, x.shape)
        return x * kept / (1 - self.probability)


class Dropping(Model):
    """A model that knows which answer of which pair it is asked for."""

    def place(self, pairs: list[dict]):
        self.places = {}
        for stream, pair in zip(STREAMS, pairs):
            for number, tokens in enumerate([pair["token"], *pair["group"]]):
                self.places[tuple(tokens)] = (stream, number)
        for stream, replay in zip(REPLAY_STREAMS, replays(self.vocab)):
            self.places[tuple(replay["answer"])] = (stream, 0)

    def rows(self, arguments: dict, answer: list[int]) -> torch.Tensor:
        stream, number = self.places[tuple(answer)]
        counted = lambda index, count: word(part(stream, index)) + np.arange(count, dtype=np.uint64)
        Masked.rows = np.concatenate([counted(0, arguments["input_ids"].shape[1]), counted(1 + number, len(answer))])
        Masked.clips = [part(stream, -1 - clip) for clip in range(len(arguments.get("input_features", [])))]
        return super().rows(arguments, answer)


def made(name: str, options: dict, tensors: dict) -> dict:
    model = Dropping("grouped7")
    for parameter in model.model.parameters():
        parameter.requires_grad_(False)
    peft = get_peft_model(model.model, LoraConfig(**options)).eval()
    random = torch.Generator().manual_seed(len(name))
    factors = {n: p for n, p in peft.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for parameter in factors.values():
            parameter.copy_((torch.randn(parameter.shape, generator=random) * 0.3 / parameter.shape[1] ** 0.5).float())
    directory = HERE / "options" / name
    shutil.rmtree(directory, ignore_errors=True)
    peft.float().save_pretrained(directory)
    (directory / "README.md").unlink()
    peft.double()
    model.model = peft
    pairs = answers(model.vocab, 1)
    model.place(pairs)
    with torch.no_grad():
        plain = loss(model, CASES[0], pairs, peft.disable_adapter).item()
    for path, module in peft.named_modules():
        if hasattr(module, "lora_dropout"):
            module.lora_dropout["default"] = Masked(canonical(path), options["lora_dropout"])

    def taken(case: dict, prefix: str) -> float:
        peft.zero_grad()
        value = loss(model, case, pairs, peft.disable_adapter)
        value.backward()
        for key, parameter in factors.items():
            tensors[f"{prefix}{name}/{canonical(key)}"] = parameter.grad.float().clone()
        return value.item()

    result = dict(name=name, options=options, streams=STREAMS, plain=plain, loss=taken(CASES[0], ""),
                  replayed=dict(objective=REPLAYED, streams=REPLAY_STREAMS, loss=taken(REPLAYED, "replayed/")))
    print(result, len(factors))
    return result


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tensors = {}
    cases = [made(name, options, tensors) for name, options in OPTIONS.items()]
    safetensors.torch.save_file(tensors, HERE / "options.safetensors")
    (HERE / "options.json").write_text(json.dumps(cases, indent=1) + "\n")
