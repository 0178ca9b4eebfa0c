"""Losses, gradients and optimiser steps of every objective, by PyTorch and PEFT in float64.

An implementation that shares nothing with the product: each answer is a forward pass of its own, unpacked and whole; losses are
written down as CORD's equations. Two checkpoints of ../qwen2audio serve as models, two pairs with fixed answers as data.

    lora.safetensors   grouped7: rank 4 on every linear layer of encoder, projector and decoder (A and B random), and for
                       each case of cases.json the gradient of every factor
    full.safetensors   head128: the gradient of every parameter for CORD; replay/…: the same with replayed prompts, of weights that were moved
    cases.json         objectives, answers, losses, ten losses of ten AdamW steps

    python make.py
"""

import contextlib
import copy
import functools
import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from peft import LoraConfig, get_peft_model

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("qwen2audio_make", HERE.parent / "qwen2audio" / "make.py")
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

RANK, ALPHA = 4, 8
TARGETS = r".*\.(q_proj|k_proj|v_proj|o_proj|out_proj|fc1|fc2|gate_proj|up_proj|down_proj|multi_modal_projector\.linear)"


class Model:
    def __init__(self, name: str):
        directory = HERE.parent / "qwen2audio" / name
        self.reference = reference.Reference(directory)
        self.cases = {c["name"]: c for c in json.loads((directory / "cases.json").read_text())["cases"]}
        self.clips = json.loads((directory / "cases.json").read_text())["clips"]
        self.model = self.reference.model.double()
        self.vocab = self.reference.vocab

    def inputs(self, case: str):
        record = self.cases[case]
        clips = [
            self.reference.clip(key, reference.synthetic_clip(self.clips[key]["samples"], self.clips[key]["seed"]))
            for key in record["clips"]]
        expanded, arguments = self.reference.inputs(record["prompt_ids"], clips)
        assert expanded == record["input_ids"]
        if clips:
            arguments["input_features"] = arguments["input_features"].double()
        return arguments

    def rows(self, arguments: dict, answer: list[int]) -> torch.Tensor:
        """Log-probabilities [T, vocabulary] over the answer's tokens behind a prompt."""
        ids = torch.cat([arguments["input_ids"], torch.tensor([answer])], 1)
        length = arguments["input_ids"].shape[1]
        logits = self.model(**(arguments | dict(input_ids=ids, attention_mask=torch.ones_like(ids)))).logits[0]
        return torch.log_softmax(logits[length - 1 : length - 1 + len(answer)], -1)


# Student case, teacher case, and lengths of the fixed answers.
PAIRS = [
    dict(student="second", teacher="text", token=27, group=[5, 1, 7, 9], rewards=[1, 0, 0, 1], gold=6, teacher_answer=8),
    dict(student="ragged", teacher="tenth", token=11, group=[3, 8, 2, 6], rewards=[1, 1, 1, 0], gold=1, teacher_answer=10),
]


def answers(vocab: int, seed: int) -> list[dict]:
    random = np.random.default_rng(seed)
    draw = lambda n: [int(i) for i in random.integers(6, vocab, n)]
    return [
        dict(student=p["student"], teacher=p["teacher"], token=draw(p["token"]), group=[draw(n) for n in p["group"]],
             rewards=p["rewards"], gold=draw(p["gold"]), teacher_answer=draw(p["teacher_answer"]),
             sampler_offset=[[round(float(x), 3) for x in random.normal(0, 0.2, n)] for n in p["group"]])
        for p in PAIRS]


# Prompts that are replayed, with the lengths of their answers.
REPLAYS = [("text", 9), ("second", 4), ("tenth", 6)]

CASES = [
    dict(method="cord"),
    dict(method="cord", teacher="current", reduction="mean", topK=3, alpha=3, beta=1.5, sequenceCoefficient=0.5),
    dict(method="opd"),
    dict(method="opd_position"),
    dict(method="opd_top_k", topK=5),
    dict(method="opd_weighted", topK=5),
    dict(method="grpo"),
    dict(method="grpo", dividesByDeviation=True, normalisation="sequence", clipRatio=0.2),
    dict(method="grpo", normalisation="tokens"),
    dict(method="grpo", normalisation="constant", maxRolloutTokens=50),
    dict(method="forward_kl"),
    dict(method="supervised"),
    dict(method="self_distillation", reduction="mean"),
    dict(method="cord", topKShare=0.2),
    dict(method="grpo", estimator="sampling_temperature"),
    dict(method="grpo", estimator="sampling_temperature", sequenceTemperature=0.7, clipRatio=0.2, normalisation="sequence"),
    dict(method="grpo", estimator="importance", importanceBound=1.02),
    dict(method="grpo", estimator="importance", importanceBound=5, clipRatio=0.2),
    dict(method="grpo", referenceCoefficient=0.3),
    dict(method="grpo", entropyCoefficient=0.1, normalisation="tokens"),
    dict(method="cord", estimator="sampling_temperature", referenceCoefficient=0.3, entropyCoefficient=0.05, normalisation="constant",
         maxRolloutTokens=50),
    dict(method="opd", replayWeight=0.7),
    dict(method="cord", teacher="current", reduction="mean", replayWeight=2.5),
    dict(method="supervised", replayWeight=1.5),
    dict(method="cord", tokenCoefficient=0.3, sequenceCoefficient=2),
    dict(method="opd_weighted", tokenCoefficient=2.5, reduction="mean", topK=4),
    dict(method="opd_position", tokenCoefficient=0.5, beta=3, teacher="current"),
    dict(method="forward_kl", teacherScale=0.5, reduction="mean"),
    dict(method="cord", teacherScale=0.5, tokenCoefficient=1.5, referenceCoefficient=0.2, replayWeight=0.7),
    dict(method="opd_sampled"),
    dict(method="opd_sampled", teacherScale=0.5, tokenCoefficient=0.7, reduction="mean", replayWeight=0.3),
]

# Several updates by the same rollouts, with ratios against the weights before the first.
UPDATES = dict(method="grpo", estimator="importance", importanceBound=1.02, clipRatio=0.01)


def replays(vocab: int) -> list[dict]:
    random = np.random.default_rng(3)
    return [dict(prompt=prompt, answer=[int(i) for i in random.integers(6, vocab, n)]) for prompt, n in REPLAYS]


def replayed(model: Model, case: dict, frozen) -> torch.Tensor:
    """The mean over replayed prompts of KL(frozen teacher ‖ model) along their answers."""
    total = 0.0
    for replay in replays(model.vocab):
        prompt = model.inputs(replay["prompt"])
        p = model.rows(prompt, replay["answer"])
        with torch.no_grad(), frozen():
            q = model.rows(prompt, replay["answer"])
        divergence = (q.exp() * (q - p)).sum(-1)
        total = total + (divergence.mean() if case.get("reduction") == "mean" else divergence.sum())
    return total / len(REPLAYS)


def loss(model: Model, case: dict, pairs: list[dict], base, old: list | None = None, frozen=None) -> torch.Tensor:
    """The mean over pairs of the objective, with the paper's symbols, and the term of replayed prompts where the case has one.

    `base`, `frozen`: contexts in which the model is the one that the training began with, and the frozen teacher where that is another.
    `old`: what ratios are taken against, filled by the first call; without it, the recorded offsets say it.
    """
    frozen = frozen or base
    method, K, alpha, beta = case["method"], case.get("topK", 20), case.get("alpha", 2.0), case.get("beta", 2.0)
    tokens = sum(len(y) for p in pairs for y in p["group"])
    temperature = case.get("sequenceTemperature", 1.5)
    first = old is not None and not old
    taken_old = iter(list(old or []))
    total = 0.0
    for pair in pairs:
        student, teacher = model.inputs(pair["student"]), model.inputs(pair["teacher"])

        def teacher_rows(y):
            with torch.no_grad():
                if case.get("teacher", "frozen") == "frozen":
                    with frozen():
                        return model.rows(teacher, y)
                return model.rows(teacher, y)

        def taken(value, T):
            return value / T if case.get("reduction", "sum") == "mean" else value

        if method in ("cord", "opd", "opd_position", "opd_top_k", "opd_weighted"):
            y = pair["token"]
            p, q = model.rows(student, y), teacher_rows(y)
            D = (p.exp() * (p - q)).sum(-1)
            T = len(y)
            w = torch.ones(T, dtype=torch.float64)
            if method in ("cord", "opd_top_k", "opd_weighted"):
                share = case.get("topKShare")
                w[D.detach().topk(min(K, T) if share is None else math.ceil(share * T)).indices] *= alpha
            if method in ("cord", "opd_position", "opd_weighted"):
                w *= beta - (beta - 1) * torch.arange(T, dtype=torch.float64) / (T - 1)
            total = total + case.get("tokenCoefficient", 1.0) * taken((w * D).sum(), T)
        if method == "opd_sampled":
            y = pair["token"]
            index = torch.tensor(y)[:, None]
            log, q = model.rows(student, y).gather(1, index)[:, 0], teacher_rows(y).gather(1, index)[:, 0]
            # The value of the estimate, with the gradient of the policy whose reward it is.
            value = ((log - q).detach() * (1 + log - log.detach())).sum()
            total = total + case.get("tokenCoefficient", 1.0) * taken(value, len(y))
        if method in ("cord", "grpo"):
            r = torch.tensor(pair["rewards"], dtype=torch.float64)
            A = r - r.mean()
            if case.get("dividesByDeviation"):
                A = A / (r.std() + 1e-4)
            N = len(A)
            for i, y in enumerate(pair["group"]):
                estimator, index = case.get("estimator", "unit_temperature"), torch.tensor(y)[:, None]
                tempered = lambda rows: torch.log_softmax(rows / temperature, -1)
                scored = tempered if estimator == "sampling_temperature" else (lambda rows: rows)
                unit = model.rows(student, y)
                rows = scored(unit)
                log = rows.gather(1, index)[:, 0]
                sampler, drawn = log.detach(), tempered(unit.detach()).gather(1, index)[:, 0]
                if old is None and "clipRatio" in case:
                    sampler = sampler - torch.tensor(pair["sampler_offset"][i], dtype=torch.float64)
                if first:
                    old.append((sampler, drawn))
                elif old is not None:
                    sampler, drawn = next(taken_old)
                w = (sampler - drawn).exp().clamp(max=case.get("importanceBound", 2.0)) if estimator == "importance" else 1.0
                if "clipRatio" in case:
                    ratio = (log - sampler).exp()
                    clipped = ratio.clamp(1 - case["clipRatio"], 1 + case["clipRatio"])
                    value = (w * torch.minimum(ratio * A[i], clipped * A[i])).sum()
                else:
                    value = (w * A[i] * log).sum()
                if case.get("referenceCoefficient"):
                    with torch.no_grad(), base():
                        q = scored(model.rows(student, y))
                    value = value - case["referenceCoefficient"] * (rows.exp() * (rows - q)).sum()
                if case.get("entropyCoefficient"):
                    value = value - case["entropyCoefficient"] * (rows.exp() * rows).sum()
                share = {"sum": 1 / N, "sequence": 1 / (N * len(y)), "tokens": len(pairs) / tokens,
                         "constant": 1 / (N * case.get("maxRolloutTokens", 200))}[case.get("normalisation", "sum")]
                total = total - case.get("sequenceCoefficient", 1.0) * share * value
        if method == "forward_kl":
            y = pair["teacher_answer"]
            p, q = model.rows(student, y), teacher_rows(y)
            total = total + taken((q.exp() * (q - p)).sum(), len(y))
        if method in ("supervised", "self_distillation"):
            y = pair["gold" if method == "supervised" else "teacher_answer"]
            log = model.rows(student, y).gather(1, torch.tensor(y)[:, None])[:, 0]
            total = total - taken(log.sum(), len(y))
    total = total / len(pairs)
    return total + case["replayWeight"] * replayed(model, case, frozen) if "replayWeight" in case else total


def canonical(name: str) -> str:
    """The published name of a parameter of transformers 5."""
    name = name.removeprefix("base_model.model.").replace(".default.weight", "")
    if name.startswith("model.language_model."):
        return "language_model.model." + name.removeprefix("model.language_model.")
    return name.removeprefix("model.")


@contextlib.contextmanager
def scaled(peft, factor: float):
    """The adapter at a part of its scale: a teacher that is neither the base nor the student."""
    layers = [module for module in peft.modules() if isinstance(getattr(module, "scaling", None), dict)]
    for layer in layers:
        layer.scaling["default"] *= factor
    yield
    for layer in layers:
        layer.scaling["default"] /= factor


def lora(record: dict):
    model = Model("grouped7")
    for parameter in model.model.parameters():
        parameter.requires_grad_(False)
    peft = get_peft_model(model.model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, init_lora_weights=False))
    peft.double()
    model.model = peft
    random = torch.Generator().manual_seed(7)
    factors = {n: p for n, p in peft.named_parameters() if p.requires_grad}
    tensors = {}
    for name, parameter in factors.items():
        with torch.no_grad():
            # Float32 values, so that both sides begin alike.
            scale = 0.3 / parameter.shape[1] ** 0.5
            parameter.copy_((torch.randn(parameter.shape, generator=random) * scale).float())
        tensors[f"initial/{canonical(name)}"] = parameter.detach().float().clone()
    pairs = answers(model.vocab, 1)
    record["pairs"], record["replays"], record["cases"] = pairs, replays(model.vocab), []
    for index, case in enumerate(CASES):
        peft.zero_grad()
        frozen = functools.partial(scaled, peft, case["teacherScale"]) if "teacherScale" in case else None
        value = loss(model, case, pairs, peft.disable_adapter, frozen=frozen)
        value.backward()
        for name, parameter in factors.items():
            tensors[f"{index}/{canonical(name)}"] = parameter.grad.float().clone()
        norm = sum(float((p.grad**2).sum()) for p in factors.values()) ** 0.5
        record["cases"].append(dict(objective=case, loss=value.item(), gradNorm=norm))
        print(case, value.item(), norm)
    optimizer = torch.optim.AdamW(factors.values(), lr=2e-3, weight_decay=0.01)
    record["adamw"] = dict(learningRate=2e-3, losses=[])
    for _ in range(10):
        optimizer.zero_grad()
        value = loss(model, CASES[0], pairs, peft.disable_adapter)
        value.backward()
        optimizer.step()
        record["adamw"]["losses"].append(value.item())
    print(record["adamw"]["losses"])
    for name, parameter in factors.items():
        if "layers.0.self_attn.q_proj" in name:
            tensors[f"after/{canonical(name)}"] = parameter.detach().float().clone()
    with torch.no_grad():
        for name, parameter in factors.items():
            parameter.copy_(tensors[f"initial/{canonical(name)}"])
    optimizer = torch.optim.AdamW(factors.values(), lr=2e-3, weight_decay=0.01)
    record["updates"] = dict(objective=UPDATES, learningRate=2e-3, losses=[])
    old = []
    for _ in range(4):
        optimizer.zero_grad()
        value = loss(model, UPDATES, pairs, peft.disable_adapter, old)
        value.backward()
        optimizer.step()
        record["updates"]["losses"].append(value.item())
    print(record["updates"])
    safetensors.torch.save_file(tensors, HERE / "lora.safetensors")


# Full parameters with replayed prompts.
FULL = dict(method="cord", tokenCoefficient=0.5, referenceCoefficient=0.1, replayWeight=1.5)


def moved(name: str) -> float:
    return 1 + 0.02 * (len(name.encode()) % 7 - 3)


def full(record: dict):
    """Full parameters; the teacher is another text prompt of the same weights, so that the divergence is not zero."""
    model = Model("head128")
    pairs = answers(model.vocab, 2)
    tensors = {}

    def taken(value, prefix=""):
        model.model.zero_grad()
        value.backward()
        for name, parameter in model.model.named_parameters():
            if parameter.grad is not None:
                tensors[prefix + canonical(name)] = parameter.grad.float().clone()
        return value.item()

    record["full"] = dict(pairs=pairs, loss=taken(loss(model, CASES[0], pairs, contextlib.nullcontext)))
    # Weights that have left the frozen teacher's: each parameter times a factor that its name gives.
    first = copy.deepcopy(model.model)
    with torch.no_grad():
        for name, parameter in model.model.named_parameters():
            parameter.copy_((parameter.float() * torch.tensor(moved(canonical(name)))).double())

    @contextlib.contextmanager
    def frozen():
        now, model.model = model.model, first
        yield
        model.model = now

    record["fullReplay"] = dict(objective=FULL, replays=replays(model.vocab), loss=taken(loss(model, FULL, pairs, frozen), "replay/"))
    print("full", record["full"]["loss"], record["fullReplay"]["loss"], len(tensors))
    safetensors.torch.save_file(tensors, HERE / "full.safetensors")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    record = {}
    lora(record)
    full(record)
    (HERE / "cases.json").write_text(json.dumps(record) + "\n")
