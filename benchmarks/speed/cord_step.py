#!/usr/bin/env python3
"""One CORD step on one spoken question of 6.6 s: 1 + 4 rollouts of 64 tokens, the teacher's answer, scores, backward, AdamW.

Both sides train a LoRA of rank 16 on every linear layer of the decoder. Rollouts are drawn at temperature 3, so that many reach 64
tokens; steps in which one ended before are not counted. cord is asked over HTTP (`POST /v1/cord/steps`); PyTorch, transformers and PEFT run
within their process, the four rollouts of the group as one batch. Every step has a clip of its own, so that no cache helps.

Needs: the program `cord`, espeak-ng, torch, transformers, peft, numpy, soxr, soundfile (`peers.sh` installs them).
Usage: $CORD_PEERS/python/bin/python cord_step.py CORD [--model DIR] [--n 5] [--dtype float32|bfloat16]
"""
import argparse
import base64
import io
import itertools
import json
import pathlib
import resource
import time

from measuring import Rows, Server, quietly, request, say
from question import TEXTS, fresh, question

SECONDS, TOKENS, GROUP, TEMPERATURE, RANK = 6.6, 64, 4, 3.0, 16
NANO = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "Model" / "CordNano" / "Checkpoint"


def ours(arguments, rows):
    command = [arguments.cord, "serve", "--port", "{port}", "--data", "{data}", "--dtype", arguments.dtype]
    if arguments.model:
        command += ["--model", arguments.model]
    samples, seeds = question(SECONDS), itertools.count()
    with Server("cord", command) as cord:

        def step():
            """Seconds and tokens of a step whose rollouts all have 64 tokens, as the peer's have; others are taken and not counted."""
            while True:
                seed = next(seeds)
                clip = base64.b64encode(fresh(samples, seed)).decode()
                body = json.dumps({
                    "pairs": [{"audio": {"data": clip}, "text": TEXTS["long"]}],
                    "objective": {"max_rollout_tokens": TOKENS, "rollouts": GROUP, "token_temperature": TEMPERATURE,
                                  "sequence_temperature": TEMPERATURE},
                    "optimizer": {"lora_rank": RANK}, "seed": seed})
                start = time.perf_counter()
                status, content = request(cord.port, "POST", "/v1/cord/steps", body)
                seconds = time.perf_counter() - start
                answer = json.loads(content)
                if status == 200 and answer["metrics"]["rollout_tokens"] == (1 + GROUP) * TOKENS:
                    return seconds, answer["metrics"]["rollout_tokens"]
                # At this temperature a rollout may even end at once: such a step is refused.
                if status != 200 and answer["error"].get("code") != "no_usable_pair":
                    raise SystemExit(f"cord: status {status}: {answer}")

        step()
        measured = [quietly(step, [cord.pid], 0.2, arguments.patience) for _ in range(arguments.n)]
        others = max(m[1] for m in measured)
        rows.add("cord", "rollout tokens", [m[0][1] for m in measured], "tokens", others)
        rows.add("cord", "memory, peak", [peak(cord.pid)], "MB")
        return rows.add("cord", "CORD step", [m[0][0] for m in measured], "s", others)


def peak(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000 * 1.024


def theirs(arguments, rows):
    import soundfile
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers_peer import Model

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    peer = Model(arguments.model or NANO, getattr(torch, arguments.dtype))
    text = peer.model.config.text_config
    if text.tie_word_embeddings:
        peer.model.lm_head.weight = peer.model.model.language_model.embed_tokens.weight
    layers = r".*language_model\..*(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    model = get_peft_model(peer.model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=layers))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-5)
    clip, seeds = question(SECONDS), itertools.count()
    typed = peer.inputs([(None, TEXTS["long"])])

    def rows_of(inputs, answers):
        """Logits [answers, tokens, vocabulary] over answers behind one prompt."""
        count, prompt = len(answers), inputs["input_ids"].shape[1]
        ids = torch.cat([inputs["input_ids"].expand(count, -1), answers], 1)
        more = {k: v.expand(count, *v.shape[1:]) for k, v in inputs.items() if "feature" in k}
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **more).logits
        return torch.log_softmax(logits[:, prompt - 1 : -1].float(), -1)

    def step():
        start = time.perf_counter()
        samples = soundfile.read(io.BytesIO(fresh(clip, next(seeds))), dtype="float32")[0]
        spoken = peer.inputs([(samples, "")])
        length = spoken["input_ids"].shape[1]
        draw = dict(do_sample=True, temperature=TEMPERATURE, top_k=0, top_p=1.0, max_new_tokens=TOKENS, min_new_tokens=TOKENS,
                    suppress_tokens=[peer.slot])  # A drawn placeholder would ask for audio.
        with torch.inference_mode():
            single = model.generate(**spoken, **draw)[:, length:]
            group = model.generate(**spoken, **draw, num_return_sequences=GROUP)[:, length:]
            with model.disable_adapter():
                model.generate(**typed, do_sample=False, max_new_tokens=TOKENS)
        single, group = single.clone(), group.clone()  # Tensors of inference mode cannot take part in a backward pass.
        with torch.no_grad(), model.disable_adapter():
            q = rows_of(typed, single)[0]
        p = rows_of(spoken, single)[0]
        divergence = (p.exp() * (p - q)).sum(-1)
        weight = torch.linspace(2, 1, len(divergence))
        weight[divergence.detach().topk(min(20, len(weight))).indices] *= 2
        rewards = torch.arange(GROUP) % 2.0  # A judge would cost nothing beside the rest.
        log = rows_of(spoken, group).gather(2, group[..., None])[..., 0].sum(1)
        loss = (weight * divergence).sum() - ((rewards - rewards.mean()) * log).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return time.perf_counter() - start, single.numel() + group.numel()

    step()
    measured = [quietly(step, [], 0.2, arguments.patience) for _ in range(arguments.n)]
    others = max(m[1] for m in measured)
    rows.add("PyTorch", "rollout tokens", [m[0][1] for m in measured], "tokens", others)
    rows.add("PyTorch", "memory, peak", [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000 * 1.024], "MB")
    return rows.add("PyTorch", "CORD step", [m[0][0] for m in measured], "s", others)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--model")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--patience", type=float, default=30)
    arguments = parser.parse_args()
    rows = Rows()
    own, peer = ours(arguments, rows), theirs(arguments, rows)
    say(f"a CORD step: {peer / own:.1f} times as fast as PyTorch, transformers and PEFT")


if __name__ == "__main__":
    main()
