#!/usr/bin/env python3
"""A spoken question to a random model of any family, of 1.3 billion parameters in bfloat16: cord against the family's reference, in one run.

First token and decode speed, programs in turn; resident memory against the weights, and what of tensors that a family passes over was read. Each
clip is new, so that no cache of audio or prefixes helps, and cord does not draft, which would gain from answers that repeat themselves. A checkpoint is what the family's generator (Tests/Fixtures/FAMILY/make.py) builds at
the published encoder's size (Whisper's 32 layers of 1280) over a decoder of 24 layers of 896 and 151,936 rows of vocabulary, of which cord-nano's
tokens can be written; the thinkers get a gigabyte of voice beside it, which nobody reads. The peer is the reference that the fixtures are made with,
in bfloat16 with PyTorch's fused attention: transformers, or, where it has no class, our own after the checkpoint's Python, whose decode is not timed.

Needs: `cord` (swift build -c release), espeak-ng; torch, transformers, peft in the fixtures' versions, soxr; 12 GB of memory and 6 GB of disk a family;
for `--peers llama.cpp` its server (`peers.sh`) and the package gguf, for qwen2_5_omni and qwen3_asr.
Usage: python family.py CORD FAMILY … [--models DIR] [--build] [--peers reference,llama.cpp] [--n 3] [--tokens 32] [--seconds 6.6] [--parts single,memory]
       [--dtype int8]
       `--build` only writes the checkpoints
"""
import argparse
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import struct
import sys

import measuring
from answer import Spoken, Transformers, memory, single
from measuring import HERE, PEERS, Rows, say

ROOT = HERE.parents[1]
sys.path += [str(ROOT / "Tests/Fixtures"), str(ROOT / "benchmarks/quality")]

WHISPER = dict(mels=128, d=1280, enc_heads=20, enc_ffn=5120, enc_layers=32)
DECODER = dict(hidden=896, heads=14, kv=2, ffn=4864, layers=24, vocab=151_936)
FAMILIES = {
    "qwen2audio": dict(window=1_500),
    "audioflamingo3": dict(window=1_500, longest=600),
    "musicflamingo": dict(window=1_500, longest=1_200),
    "qwen2_5_omni": dict(chunk=100, positions=1_500),
    "step_audio_2": {},
    # The encoder of the 1.7B, heads of 128 as published.
    "qwen3_asr": dict(heads=16, kv=8, head=128, tied=False, d=1024, enc_heads=16, enc_ffn=4096, enc_layers=24, channels=480),
}
PASSED_OVER = {"qwen2_5_omni": "talker.model.embed_tokens.weight"}


def build(family, folder):
    """The checkpoint, and llama.cpp's files of it where the converter has the family."""
    import families
    import published_width
    import torch

    place = folder / "published"
    if (place / "config.json").exists():
        return place
    place.mkdir(parents=True)
    tokens = json.loads((families.NANO / "tokenizer.json").read_text())
    special = {token["id"] for token in tokens["added_tokens"]}
    written = [i for token, i in tokens["model"]["vocab"].items() if i not in special and token.isascii()]
    randomize = families.randomize

    def printable(model, seed):
        """Rows of the head that would write control tokens, halves of characters or nothing are zero."""
        randomize(model, seed)
        head = model.lm_head.weight.data
        kept = head[written].clone()
        head.zero_()
        head[written] = kept

    class Built(Exception):
        pass

    def stop(*_, **__):
        """The checkpoint is written; the reference over it, in float32, is not needed here."""
        raise Built

    families.randomize, families.Reference.__init__ = printable, stop
    published_width.WIDTHS[family] = DECODER | WHISPER | FAMILIES[family]
    with contextlib.suppress(Built):
        published_width.reference(family, folder)
    if not any((place / name).exists() for name in ["tokenizer.json", "tekken.json"]):
        (place / "tokenizer.json").write_bytes((families.NANO / "tokenizer.json").read_bytes())
    if family in PASSED_OVER:
        add_shard(place, PASSED_OVER[family], torch.ones(1 << 19, 1024, dtype=torch.bfloat16))
    return place


def add_shard(place, name, tensor):
    """A second file with one tensor, and the index over both."""
    import safetensors
    import safetensors.torch

    first, second = (f"model-0000{i}-of-00002.safetensors" for i in (1, 2))
    (place / "model.safetensors").rename(place / first)
    safetensors.torch.save_file({name: tensor}, place / second, metadata={"format": "pt"})
    with safetensors.safe_open(place / first, "pt") as file:
        weights = {key: first for key in file.keys()} | {name: second}
    (place / "model.safetensors.index.json").write_text(json.dumps(dict(metadata={}, weight_map=weights)))


def convert(family, place):
    """The same as a pair of GGUF files, laid out as llama.cpp's converter does."""
    sys.path.append(str(ROOT / "Tests/Fixtures/gguf"))
    import models
    import safetensors.torch

    pair = place.parent / "gguf"
    if not (pair / "mmproj.gguf").exists():
        shards = sorted(place.glob("*.safetensors"))
        # The generator reads one file; what a family passes over is in another.
        loaded = {path: safetensors.torch.load_file(path) for path in shards[:1]}
        models.safetensors.torch.load_file = lambda _: loaded[shards[0]]
        models.write(pair, family, place)
    return pair


def tensor_bytes(place):
    """Bytes of each tensor by name, over all files."""
    sizes = {}
    for path in place.glob("*.safetensors"):
        with open(path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        sizes |= {k: v["data_offsets"][1] - v["data_offsets"][0] for k, v in header.items() if k != "__metadata__"}
    return sizes


def forget(path):
    """Takes a file out of the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached(path):
    """How much of a file lies in the page cache, in bytes: what was read of it since it was forgotten, and what the system read ahead."""
    size, page = path.stat().st_size, os.sysconf("SC_PAGE_SIZE")
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as view:
        states = (ctypes.c_ubyte * -(-size // page))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(view))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), states):
            raise OSError(ctypes.get_errno(), "mincore")
        return sum(state & 1 for state in states) * page


class Reference(Transformers):
    """The family's reference, in a process of its own."""

    def __init__(self, family, model, threads):
        super().__init__(model, threads)
        self.name = "own reference" if family == "step_audio_2" else "transformers"
        self.command = [sys.executable, HERE / "transformers_peer.py", "family", model, str(threads), family]


def measure(family, arguments):
    place = build(family, arguments.models / family)
    sizes = tensor_bytes(place)
    passed = PASSED_OVER.get(family)
    own = sum(size for name, size in sizes.items() if name != passed)
    say(f"{family}: {own / 2e9:.2f} billion parameters")
    peers, rows = arguments.peers.split(","), Rows()
    second = place / "model-00002-of-00002.safetensors"
    if passed:
        forget(second)
    with Spoken("cord", [arguments.cord, "serve", "--draft", "off", "--dtype", arguments.dtype, "--model", place, "--port", "{port}", "--data", "{data}"]) as cord:
        if "memory" in arguments.parts:
            memory(cord, place, rows, arguments, weights=own)
            if passed:
                say(f"passed over: {cached(second) / 1e6:.1f} MB of {second.stat().st_size / 1e6:.0f} MB in the page cache after a spoken question")
        if "single" in arguments.parts:
            with contextlib.ExitStack() as stack:
                programs = []
                if "llama.cpp" in peers:
                    pair = convert(family, place)
                    programs.append(stack.enter_context(Spoken(
                        "llama.cpp",
                        [PEERS / "llama.cpp-build/bin/llama-server", "--model", pair / "decoder.gguf", "--mmproj", pair / "mmproj.gguf", "--port",
                         "{port}", "--threads", arguments.threads, "--parallel", 1, "--ctx-size", 4096],
                        {"cache_prompt": False, "ignore_eos": True})))
                if "reference" in peers:
                    programs.append(stack.enter_context(Reference(family, place, arguments.threads)))
                single([cord, *programs], rows, arguments)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("families", nargs="+", choices=FAMILIES)
    parser.add_argument("--models", type=pathlib.Path, default=PEERS / "families")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--dtype", default="auto", help="how cord keeps the weights")
    parser.add_argument("--peers", default="reference")
    parser.add_argument("--parts", default="single,memory")
    parser.add_argument("--n", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.6)
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=20)
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)  # it would hold peers back, too
    for family in arguments.families:
        if arguments.build:
            place = build(family, arguments.models / family)
            if "llama.cpp" in arguments.peers:
                convert(family, place)
        else:
            measure(family, arguments)
