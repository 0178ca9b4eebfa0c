#!/usr/bin/env python3
"""A mixture of experts beside a dense model of the same active size, both random, in bfloat16.

Qwen3-Omni's layers (width 2048, 32 heads of 128 over 4, 128 experts of 768, 8 a token) beside Qwen3-ASR's with an inner size of 8 · 768: the same
products for each row but the router's, so that what a mixture costs is what it costs to part rows and gather them.

  decode  bytes of active weights that one answer's tokens read, against the memory's bandwidth before and after each answer
  prompt  typed prompts of 512 tokens, new ones each time, to the first token, in turn: the mixture's rate over the dense model's
  memory  resident against the mapped weights

Needs: `cord`, a C compiler; torch, transformers, peft as the fixtures; 9 GB of memory and 5 GB of disk to build the models (`--build` does that alone).
Usage: python experts.py CORD [--models DIR] [--build] [--layers 3] [--n 5] [--tokens 96] [--threads 2] [--parts decode,prompts]
"""
import argparse
import itertools
import os
import pathlib
import statistics

import family as families_script
from answer import Spoken
from measuring import PEERS, Rows, bandwidth, decode_rate, prompt_of, quietly, say

SHAPE = dict(hidden=2048, heads=32, kv=4, head=128, d=64, enc_heads=2, enc_ffn=80, enc_layers=1, mels=128, channels=16, vocab=816)
CHOSEN, EXPERTS, INNER = 8, 128, 768
MODELS = {
    "qwen3_omni_moe": dict(experts=EXPERTS, chosen=CHOSEN, expert=INNER),
    "qwen3_asr": dict(ffn=CHOSEN * INNER, tied=False),
}


def active(place):
    """Bytes of weights that a token reads: all of the decoder but the looked-up embedding and the experts that were not chosen."""
    total = 0
    for name, size in families_script.tensor_bytes(place).items():
        if any(part in name for part in ["audio_tower", "visual", "talker", "code2wav", "multi_modal_projector", "embed_tokens"]):
            continue
        total += size * CHOSEN / EXPERTS if ".experts." in name else size
    return total


def decoding(server, place, rows, arguments):
    per_token, read, reached, most = active(place) / 1e9, [], [], 0.0
    for number in range(arguments.n):
        before = bandwidth(arguments.threads)
        rate, others = quietly(
            lambda: decode_rate(server.ask(f"Write about the number {number}.", arguments.tokens, ignore_eos=True)), [server.pid], arguments.quiet, arguments.patience)
        read.append(per_token * rate)
        reached.append(read[-1] / ((before + bandwidth(arguments.threads)) / 2))
        most = max(most, others)
    rows.add(server.name, "active weights read while decoding", read, "GB/s", most)
    share = rows.add(server.name, "… of the memory's bandwidth", reached, "", most)
    say(f"{server.name}: decode reads {share:.3f} of the memory's bandwidth ({min(reached):.3f} to {max(reached):.3f}), {1000 * per_token:.0f} MB of "
        f"active weights a token, {read[0] / per_token:.0f} tokens/s")


def prompts(servers, rows, arguments):
    rates = {server.name: [] for server in servers}
    most, numbers = 0.0, itertools.count(100)
    for turn in range(arguments.n + 1):
        for server in servers:
            text, count = prompt_of(server, 512, next(numbers))
            answer, others = quietly(lambda: server.ask(text, 2, ignore_eos=True), [s.pid for s in servers], arguments.quiet, 0)
            if turn:
                rates[server.name].append(count / answer["first"])
                most = max(most, others)
    mixture, dense = (rows.add(name, f"prompt of {count} tokens", values, "tokens/s", most) for name, values in rates.items())
    pairs = [a / b for a, b in zip(*rates.values())]
    say(f"prompts: the mixture reads {mixture / dense:.3f} of the dense model's tokens a second (pairs {min(pairs):.3f} to {max(pairs):.3f}, "
        f"median {statistics.median(pairs):.3f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--models", type=pathlib.Path, default=PEERS / "experts")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--parts", default="decode,prompts")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=10)
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    families_script.DECODER, families_script.WHISPER = {}, SHAPE | dict(layers=arguments.layers)
    families_script.FAMILIES = MODELS
    places = [families_script.build(family, arguments.models / family) for family in MODELS]
    if not arguments.build:
        rows = Rows()
        command = [arguments.cord, "serve", "--port", "{port}", "--data", "{data}", "--draft", "off", "--model"]
        with Spoken("mixture", [*command, places[0]]) as mixture, Spoken("dense", [*command, places[1]]) as dense:
            if "decode" in arguments.parts:
                decoding(mixture, places[0], rows, arguments)
                decoding(dense, places[1], rows, arguments)
            prompts([mixture, dense], rows, arguments)
            used, mapped = mixture.memory(), sum(families_script.tensor_bytes(places[0]).values()) / 1e6
            say(f"memory of the mixture: resident {used['rss']:.0f} MB, weights {mapped:.0f} MB")
