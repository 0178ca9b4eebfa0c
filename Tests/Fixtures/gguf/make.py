"""Fixtures of GGML's stored formats and of GGUF files, by llama.cpp's own Python package.

    pip install gguf==0.19.0; python make.py

blocks/NAME.bin          1024 elements as files have them, then the float32 that gguf widens them to
blocks/NAME.encoded.bin  1024 float32, then what gguf quantises them to
small.gguf               a value of every kind, and the elements of blocks/ as tensors [4, 256]
split-0000N-of-00002.gguf  the same tensors in two files
"""
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGUFValueType as Value
from gguf import quants

HERE = Path(__file__).parent
COUNT = 1024
RANDOM = np.random.default_rng(7)
FORMATS = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q4_K, Type.Q5_K, Type.Q6_K,
           Type.IQ4_NL, Type.IQ4_XS]
WRITTEN = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0]
# Where blocks have float16 scales, in bytes.
SCALES = {Type.Q4_1: [0, 2], Type.Q5_1: [0, 2], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}


def values() -> np.ndarray:
    """Of several magnitudes, with zeros, ties and a block of zeros among them."""
    x = RANDOM.standard_normal(COUNT).astype(np.float32) * np.repeat(np.float32(2.0) ** RANDOM.integers(-12, 6, COUNT // 32), 32)
    x[::37] = 0
    x[64:96] = 0
    x[96:128] = np.arange(32, dtype=np.float32) / 2 - 63.5
    return x.astype(np.float32)


def blocks(kind: Type) -> np.ndarray:
    """Random bytes, whose scales are finite numbers of both signs."""
    if kind in (Type.F32, Type.F16, Type.BF16):
        return quants.quantize(values(), kind).view(np.uint8).reshape(-1)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    data = RANDOM.integers(0, 256, (COUNT // elements, size), dtype=np.uint8)
    for at in SCALES.get(kind, [0]):
        scale = (RANDOM.standard_normal(len(data)) * 0.01).astype(np.float16)
        scale[0] = np.float16(6e-8)  # a subnormal
        data[:, at:at + 2] = scale.view(np.uint8).reshape(-1, 2)
    return data.reshape(-1)


def stored(kind: Type, data: np.ndarray) -> np.ndarray:
    """As GGUFWriter takes it: [4, 256] in bytes, or in elements."""
    if kind in (Type.F32, Type.F16):
        return data.view(np.float32 if kind == Type.F32 else np.float16).reshape(4, -1)
    return data.reshape(4, -1)


def write(path: Path, tensors: dict[str, tuple[Type, np.ndarray]], parts: int = 0) -> None:
    writer = gguf.GGUFWriter(path, "test", split_max_tensors=(len(tensors) + parts - 1) // parts if parts else 0)
    for kind, value in [("uint8", 200), ("int8", -100), ("uint16", 60000), ("int16", -30000), ("uint32", 4_000_000_000),
                        ("int32", -2_000_000_000), ("uint64", 2**63 - 1), ("int64", -(2**62)), ("float32", 1.5), ("float64", -2.25),
                        ("bool", True), ("string", "ä name")]:
        getattr(writer, "add_" + kind)("test." + kind, value)
    writer.add_array("test.words", ["a", "", "čé"])
    writer.add_array("test.numbers", [1, 2, 3])
    writer.add_key_value("test.nested", [[1, 2], [3]], Value.ARRAY, Value.ARRAY)
    for name, (kind, data) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=None if kind in (Type.F32, Type.F16) else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    (HERE / "blocks").mkdir(exist_ok=True)
    tensors = {}
    for kind in FORMATS:
        data = blocks(kind)
        tensors[f"{kind.name}.weight"] = (kind, stored(kind, data))
        wide = quants.dequantize(data, kind).astype(np.float32)
        (HERE / "blocks" / f"{kind.name}.bin").write_bytes(data.tobytes() + wide.tobytes())
    for kind in WRITTEN:
        x = values()
        (HERE / "blocks" / f"{kind.name}.encoded.bin").write_bytes(x.tobytes() + quants.quantize(x, kind).tobytes())
    write(HERE / "small.gguf", tensors)
    write(HERE / "split.gguf", tensors, parts=2)


main()
