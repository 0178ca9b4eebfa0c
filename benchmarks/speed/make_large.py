#!/usr/bin/env python3
"""Writes a random Qwen2-Audio of the published size as llama.cpp's files: a decoder of 32 layers of 4,096 (7.7 billion parameters) in Q4_0 with its head in Q8_0,
and a projector with the published encoder in bfloat16.

Vocabulary, encoder and the head's rows that are zero come from the files of the 1.27B (`make_model.py`, `convert.sh`, and `narrow.py` for Q4_0), so that
greedy answers are printable; all other weights are random. Answers are nonsense; shapes, bytes and arithmetic are those of a real model.

Needs: gguf, numpy; 5 GB of memory and of disk.
Usage: make_large.py SMALL LARGE     writes LARGE-Q4_0.gguf and LARGE-mmproj.gguf; then narrow.py CORD --model LARGE --widths Q4_0
"""
import sys

import numpy
from gguf import GGMLQuantizationType as Type
from gguf import GGUFReader, GGUFWriter, GGUFValueType

HIDDEN, INNER, LAYERS, HEADS = 4096, 11008, 32, 32
BLOCK = 32
SIZES = {"qwen2.block_count": LAYERS, "qwen2.embedding_length": HIDDEN, "qwen2.feed_forward_length": INNER, "qwen2.attention.head_count": HEADS,
         "qwen2.attention.head_count_kv": HEADS, "clip.audio.projection_dim": HIDDEN}
draw = numpy.random.default_rng(1)


def q4_0(rows, columns, scale):
    """Random blocks: a scale in float16 and 16 bytes of codes each."""
    blocks = numpy.empty((rows, columns // BLOCK, 18), numpy.uint8)
    blocks[..., :2] = numpy.frombuffer(numpy.float16(scale).tobytes(), numpy.uint8)
    blocks[..., 2:] = draw.integers(0, 256, blocks[..., 2:].shape, numpy.uint8)
    return blocks.reshape(rows, -1)


def copied(reader, writer):
    """The metadata, with the sizes of the large model."""
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        value = SIZES.get(name, field.contents())
        writer.add_key_value(name, value, kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)


def written(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=True)
    writer.close()


def decoder(small, large):
    reader, writer = GGUFReader(f"{small}-Q4_0.gguf"), GGUFWriter(f"{large}-Q4_0.gguf", "qwen2")
    copied(reader, writer)
    head = next(tensor for tensor in reader.tensors if tensor.name == "output.weight")
    vocabulary = int(head.shape[1])
    old = numpy.asarray(head.data).reshape(vocabulary, -1, 34)
    writer.add_tensor("output.weight", numpy.take(old, numpy.arange(HIDDEN // BLOCK) % old.shape[1], 1).reshape(vocabulary, -1), raw_dtype=Type.Q8_0)
    writer.add_tensor("token_embd.weight", q4_0(vocabulary, HIDDEN, 0.01), raw_dtype=Type.Q4_0)
    writer.add_tensor("output_norm.weight", numpy.ones(HIDDEN, numpy.float32))
    for layer in range(LAYERS):
        for name, rows, columns in [("attn_q", HIDDEN, HIDDEN), ("attn_k", HIDDEN, HIDDEN), ("attn_v", HIDDEN, HIDDEN), ("attn_output", HIDDEN, HIDDEN),
                                    ("ffn_gate", INNER, HIDDEN), ("ffn_up", INNER, HIDDEN), ("ffn_down", HIDDEN, INNER)]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", q4_0(rows, columns, 0.1 / columns**0.5), raw_dtype=Type.Q4_0)
            if name in ("attn_q", "attn_k", "attn_v"):
                writer.add_tensor(f"blk.{layer}.{name}.bias", numpy.zeros(rows, numpy.float32))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", numpy.ones(HIDDEN, numpy.float32))
    written(writer)


def projector(small, large):
    reader, writer = GGUFReader(f"{small}-mmproj.gguf"), GGUFWriter(f"{large}-mmproj.gguf", "clip")
    copied(reader, writer)
    for tensor in reader.tensors:
        if tensor.name == "mm.a.fc.bias":
            writer.add_tensor(tensor.name, numpy.zeros(HIDDEN, numpy.float32))
        elif tensor.name == "mm.a.fc.weight":
            # float32 of which the upper halves are bfloat16.
            values = draw.normal(0, 0.02, (HIDDEN, int(tensor.shape[0]))).astype(numpy.float32)
            halves = (values.view(numpy.uint32) >> 16).astype(numpy.uint16)
            writer.add_tensor(tensor.name, halves.view(numpy.uint8), raw_dtype=Type.BF16)
        else:
            writer.add_tensor(tensor.name, numpy.asarray(tensor.data), raw_dtype=tensor.tensor_type)
    written(writer)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    decoder(*sys.argv[1:])
    projector(*sys.argv[1:])
