"""widths.py CORD [--limit 600] [--drift 150] [--models cord-nano,cord-nano-cord] [--threads N] [--output FOLDER]: what each width of weights costs cord-nano and cord-nano-cord.

For each format: accuracy of the typed and the spoken arm, the gap, how much wider it is than float32's on the same items (with a 95 % interval
of 2,000 paired bootstrap samples), and the mean and 99th percentile of KL(float32 ‖ format) along float32's greedy answers, in nats, of
the first `--drift` items.

float32, bfloat16, int8 and int4 are --dtype's, keys and values in int8 --kv-cache-dtype's. The others are decoders whose linear layers are written in that format beside an 8-bit head and
encoder, by llama.cpp's `gguf` package; K formats by rounding to nearest within their layout, without llama.cpp's search for better scales. A row
of the encoder has 192 elements, no whole block of a K format's 256, so only the decoder (256 and 768) can have these. Needs `gguf` and numpy.
"""

import argparse
import csv
import json
import random
import subprocess
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

ROOT = Path(__file__).resolve().parents[2]
NANO = ROOT / "Sources" / "Model" / "CordNano" / "Checkpoint"


def float16(x):
    return x.astype(np.float16)


def parts(x, levels):
    """Sub-blocks of 32 as scale · code − offset with codes from 0 to `levels`; scales and offsets in 6 bits of a block's own."""
    blocks = x.reshape(-1, 8, 32)
    low = np.minimum(blocks.min(-1), 0)
    scale, offset = (blocks.max(-1) - low) / levels, -low
    d, dmin = float16(scale.max(-1, keepdims=True) / 63), float16(offset.max(-1, keepdims=True) / 63)
    safe = lambda v: np.where(v == 0, 1, v.astype(np.float32))
    scales, offsets = np.rint(scale / safe(d)).clip(0, 63).astype(np.uint8), np.rint(offset / safe(dmin)).clip(0, 63).astype(np.uint8)
    step, base = d.astype(np.float32) * scales, dmin.astype(np.float32) * offsets
    codes = np.rint((blocks + base[..., None]) / np.where(step == 0, 1, step)[..., None]).clip(0, levels).astype(np.uint8)
    packed = np.zeros((len(blocks), 12), np.uint8)
    packed[:, 0:4] = scales[:, :4] | (scales[:, 4:] >> 4) << 6
    packed[:, 4:8] = offsets[:, :4] | (offsets[:, 4:] >> 4) << 6
    packed[:, 8:12] = (scales[:, 4:] & 15) | (offsets[:, 4:] & 15) << 4
    return np.concatenate([d.view(np.uint8), dmin.view(np.uint8), packed], 1), codes


def q4_k(x):
    head, codes = parts(x, 15)
    pairs = codes.reshape(-1, 4, 2, 32)
    return np.concatenate([head, (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(len(head), -1)], 1)


def q5_k(x):
    head, codes = parts(x, 31)
    pairs, high = (codes & 15).reshape(-1, 4, 2, 32), codes >> 4
    bits = sum(high[:, i] << i for i in range(8)).astype(np.uint8)
    return np.concatenate([head, bits, (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(len(head), -1)], 1)


def q6_k(x):
    blocks = x.reshape(-1, 16, 16)
    scale = np.abs(blocks).max(-1) / 32
    d = float16(scale.max(-1, keepdims=True) / 127)
    scales = np.rint(scale / np.where(d == 0, 1, d.astype(np.float32))).clip(1, 127).astype(np.int8)
    step = d.astype(np.float32) * scales
    codes = (np.rint(blocks / np.where(step == 0, 1, step)[..., None]).clip(-32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.stack([codes[:, :, 0] & 15 | (codes[:, :, 2] & 15) << 4, codes[:, :, 1] & 15 | (codes[:, :, 3] & 15) << 4], 2)
    high = sum((codes[:, :, i] >> 4) << 2 * i for i in range(4)).astype(np.uint8)
    n = len(codes)
    return np.concatenate([low.reshape(n, -1), high.reshape(n, -1), scales.view(np.uint8), d.view(np.uint8)], 1)


ENCODERS = {Type.Q4_K: q4_k, Type.Q5_K: q5_k, Type.Q6_K: q6_k}


def encode(x: np.ndarray, kind: Type) -> np.ndarray:
    if kind not in ENCODERS:
        return quants.quantize(x, kind)
    return ENCODERS[kind](x.reshape(-1, 256)).reshape(len(x), -1)


def bfloat16_tensors(path: Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            raw = np.frombuffer(data[slice(*entry["data_offsets"])], np.uint16).astype(np.uint32) << 16
            out[name] = raw.view(np.float32).reshape(entry["shape"])
    return out


NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def decoder(template: Path, out: Path, kind: Type):
    """The 8-bit decoder with the linear layers of its blocks in `kind`."""
    reader, wide = gguf.GGUFReader(template), bfloat16_tensors(NANO / "model.safetensors")
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        value, types = field.contents(), field.types
        writer.add_key_value(name, value, types[0], types[-1] if len(types) > 1 else None)
    for tensor in reader.tensors:
        parts = tensor.name.split(".")
        if parts[0] == "blk" and parts[2] in NAMES and parts[3] == "weight":
            suffix = f"layers.{parts[1]}.{NAMES[parts[2]]}.weight"
            x = next(value for key, value in wide.items() if key.endswith(suffix) and "audio" not in key)
            writer.add_tensor(tensor.name, encode(x, kind), raw_dtype=kind)
        else:
            raw = None if tensor.tensor_type in (Type.F32, Type.F16) else tensor.tensor_type
            writer.add_tensor(tensor.name, np.ascontiguousarray(tensor.data), raw_dtype=raw)
    for step in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
        getattr(writer, step)()


def run(*command) -> str:
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def outcomes(folder: Path) -> dict[str, dict[str, bool]]:
    """Whether each item was answered rightly, by arm."""
    found: dict[str, dict[str, bool]] = {}
    with open(folder / "items.jsonl") as file:
        for line in file:
            item = json.loads(line)
            for arm in ("text", "audio"):
                found.setdefault(arm, {})[item["id"]] = bool(item["arms"][arm]["correct"])
    return found


def gap(found, items) -> float:
    return 100 * sum(found["text"][i] - found["audio"][i] for i in items) / len(items)


def wider(found, base) -> tuple[float, float, float]:
    items, rng = sorted(base["text"]), random.Random(0)
    values = sorted(gap(found, s) - gap(base, s) for s in (rng.choices(items, k=len(items)) for _ in range(2000)))
    return gap(found, items) - gap(base, items), values[50], values[1949]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cord")
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--drift", type=int, default=150)
    parser.add_argument("--models", default="cord-nano,cord-nano-cord")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    cord, limit = arguments.cord, arguments.limit
    threads = ["--threads", arguments.threads] if arguments.threads else []
    with tempfile.TemporaryDirectory() as folder:
        folder = arguments.output or Path(folder)
        folder.mkdir(exist_ok=True)
        template = folder / "nano8.gguf"
        if not template.exists():
            run(cord, "quantize", NANO, template, "--dtype", "int8")
        widths = {name: ["--dtype", name] for name in ("float32", "bfloat16", "int8", "int4")}
        widths["float32, keys and values in int8"] = ["--dtype", "float32", "--kv-cache-dtype", "int8"]
        widths["int4, keys and values in int8"] = ["--dtype", "int4", "--kv-cache-dtype", "int8"]
        for kind in (Type.Q6_K, Type.Q5_K, Type.Q5_1, Type.Q4_K):
            file = folder / f"{kind.name}.gguf"
            decoder(template, file, kind)
            widths[kind.name] = ["--model", file, "--mmproj", folder / "mmproj-nano8.gguf"]
        for model in arguments.models.split(","):
            print(f"\n{model}, n = {limit}\n\n| weights | typed | spoken | gap | wider than float32's | mean KL typed / spoken | 99 % typed / spoken |")
            print("|---|---|---|---|---|---|---|")
            base = None
            for name, options in widths.items():
                out = folder / f"{model}-{name}"
                tuned = ["--adapter", ROOT / "Sources/Model/CordNano/Adapter"] if model.endswith("-cord") else []
                tuned += threads
                run(cord, "eval", *options, *tuned, "--limit", limit, "--output", out)
                found = outcomes(out)
                base = base or found
                right = {arm: 100 * sum(v.values()) / len(v) for arm, v in found.items()}
                drift = {}
                if name != "float32":
                    lines = run(cord, "drift", *options, *tuned, "--reference", NANO, "--limit", arguments.drift)
                    drift = {row["arm"]: row for row in csv.DictReader(lines.splitlines())}
                change, low, high = wider(found, base)
                interval = f"{change:+.1f} [{low:+.1f}, {high:+.1f}]" if drift else "–"
                measured = [" / ".join(drift[arm][key] for arm in ("text", "audio")) if drift else "0" for key in ("mean", "p99")]
                print(f"| {name} | {right['text']:.1f} | {right['audio']:.1f} | {gap(found, sorted(found['text'])):.1f} | {interval} | "
                      f"{measured[0]} | {measured[1]} |", flush=True)


main()
