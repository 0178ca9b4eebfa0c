"""Checkpoints of the families' fixtures as pairs of GGUF files, by llama.cpp's own Python package, as its converter lays them out.

    pip install gguf==0.19.0; python models.py

FAMILY/decoder.gguf, FAMILY/mmproj.gguf  the weights of ../FAMILY/published, so that its goldens hold for them
quantized/                               a Qwen2-Audio in Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1, with what transformers computes on the widened weights,
                                         and the gradients of a LoRA (lora/) over them
tokens.json                              ids of texts by the tokenizer that qwen2audio/decoder.gguf describes
"""
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import safetensors.torch
import torch
from gguf import GGMLQuantizationType as Type
from gguf import quants
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent
sys.path.append(str(FIXTURES))
import families
from families import NANO, synthetic_clip, turn

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

DECODER = {
    "embed_tokens": "token_embd", "norm": "output_norm", "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate": "ffn_gate_inp", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down"}
TOWER = {
    "self_attn_layer_norm": "ln1", "final_layer_norm": "ln2", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.out_proj": "attn_out", "fc1": "ffn_up", "fc2": "ffn_down", "conv1": "conv1d.1",
    "conv2": "conv1d.2", "conv2d1": "conv2d.1", "conv2d2": "conv2d.2", "conv2d3": "conv2d.3", "conv_out": "conv_out",
    "embed_positions": "position_embd", "layer_norm": "post_ln", "ln_post": "post_ln"}
# Architecture, projector, and the paths of decoder, head and tower in transformers; the projector's modules.
FAMILIES = {
    "qwen2audio": ("qwen2", "qwen2a", "language_model.model.", "language_model.lm_head.", "audio_tower.",
                   {"multi_modal_projector.linear": "mm.a.fc"}),
    "qwen2_5_omni": ("qwen2vl", "qwen2.5o", "thinker.model.", "thinker.lm_head.", "thinker.audio_tower.",
                     {"thinker.audio_tower.proj": "mm.a.fc"}),
    "qwen3_omni_moe": ("qwen3vlmoe", "qwen3a", "thinker.model.", "thinker.lm_head.", "thinker.audio_tower.",
                       {"thinker.audio_tower.proj1": "mm.a.mlp.1", "thinker.audio_tower.proj2": "mm.a.mlp.2"}),
    "voxtral": ("llama", "voxtral", "language_model.model.", "language_model.lm_head.", "audio_tower.",
                {"multi_modal_projector.linear_1": "mm.a.mlp.1", "multi_modal_projector.linear_2": "mm.a.mlp.2"}),
    "ultravox": ("llama", "ultravox", "language_model.model.", "language_model.lm_head.", "audio_tower.",
                 {"multi_modal_projector.linear_1": "mm.a.mlp.1", "multi_modal_projector.linear_2": "mm.a.mlp.2",
                  "multi_modal_projector.ln_pre": "mm.a.norm_pre", "multi_modal_projector.ln_mid": "mm.a.norm_mid"}),
    "qwen3_asr": ("qwen3vl", "qwen3a", "model.language_model.", "lm_head.", "model.audio_tower.",
                  {"model.multi_modal_projector.linear_1": "mm.a.mlp.1", "model.multi_modal_projector.linear_2": "mm.a.mlp.2"}),
}


def placed(name: str, prefix: str, table: dict[str, str], block: str, out: str) -> str:
    """`prefix` off, modules by `table`: layers.3.fc1.bias -> a.blk.3.ffn_up.bias."""
    parts = name.removeprefix(prefix).split(".")
    kind = parts.pop()
    layer = f"{block}.{parts[1]}." if parts[0] == "layers" else out
    return layer + table[".".join(parts[2:] if parts[0] == "layers" else parts)] + "." + kind


def paired(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of queries or keys as llama.cpp turns them for Llama: neighbours instead of halves."""
    return tensor.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def split(state: dict, family: str, heads: dict[str, int] = {}):
    """Decoder's and projector's tensors by the converter's names; `heads` of queries and keys where their rows change places."""
    _, _, decoder, head, tower, projector = FAMILIES[family]
    text, audio = {}, {}
    experts: dict[str, dict[int, torch.Tensor]] = {}
    for name, tensor in state.items():
        module, kind = name.rsplit(".", 1)
        if ".mlp.experts." in name:
            layer, expert, kind = re.search(r"layers\.(\d+)\.mlp\.experts\.(\d+)\.(gate|up|down)_proj", name).groups()
            experts.setdefault(f"blk.{layer}.ffn_{kind}_exps.weight", {})[int(expert)] = tensor
        elif module in projector:
            audio[f"{projector[module]}.{kind}"] = tensor
        elif name.startswith(decoder):
            count = heads.get(module.rsplit(".", 1)[1])
            text[placed(name, decoder, DECODER, "blk", "")] = paired(tensor, count) if count else tensor
        elif name.startswith(head):
            text["output." + kind] = tensor
        elif name.startswith(tower) and "audio_bos_eos" not in name:
            # The converter makes columns of the biases of convolutions.
            if kind == "bias" and "conv" in module:
                tensor = tensor.reshape(-1, *[1] * (2 if "conv2d" in module else 1))
            audio[placed(name, tower, TOWER, "a.blk", "a.")] = tensor
        elif ".visual." in name:
            # The converter makes two images of a patch in time.
            for at, image in enumerate(tensor.unbind(2) if tensor.ndim == 5 else [tensor]):
                audio["v." + name.split(".visual.")[1] + (f".{at}" if at else "")] = image
        else:
            assert any(other in name for other in ["audio_bos_eos", "talker", "token2wav", "code2wav"]), name
    text |= {name: torch.stack([those[i] for i in range(len(those))]) for name, those in experts.items()}
    if "a.position_embd.weight" not in audio:
        audio["a.position_embd.weight"] = torch.zeros(1500, 4)  # whatever the converter makes, nobody reads it
    return text, audio


def is_matrix(name: str, tensor: torch.Tensor) -> bool:
    return (tensor.ndim == 2 or "_exps." in name) and name.endswith(".weight") and "position" not in name


def add(writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor, kind: Type | None = None):
    """Matrices, and experts, as they are or in `kind`, everything else in float32."""
    wide = tensor.float().numpy()
    if is_matrix(name, tensor) and kind is not None:
        writer.add_tensor(name, quants.quantize(wide, kind), raw_dtype=kind)
    elif is_matrix(name, tensor) and tensor.dtype == torch.bfloat16:
        writer.add_tensor(name, quants.quantize(wide, Type.BF16), raw_dtype=Type.BF16)
    else:
        writer.add_tensor(name, wide)


def finish(writer: gguf.GGUFWriter):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(directory: Path, family: str, source: Path, kinds=lambda name: None, extra: dict[str, int] = {}) -> dict:
    """The pair; the state as `kinds` leaves it, by published names."""
    directory.mkdir(exist_ok=True)
    architecture, kind, *_ = FAMILIES[family]
    config = json.loads((source / "config.json").read_text())
    config = config.get("thinker_config", config)
    if family == "ultravox":
        model = families.generator("ultravox").Ultravox.from_pretrained(source)
        text, audio = model.language_model.config.to_dict(), json.loads((source / config["audio_model_id"] / "config.json").read_text())
        state = {k: v.detach() for k, v in model.state_dict().items()}
    else:
        text, audio = config["text_config"], config["audio_config"]
        state = safetensors.torch.load_file(source / "model.safetensors")
    heads = dict(q_proj=text["num_attention_heads"], k_proj=text["num_key_value_heads"]) if architecture == "llama" else {}
    own, theirs = split(state, family, heads)
    rope = text.get("rope_parameters") or {}
    if rope.get("rope_type") == "llama3":
        own["rope_freqs.weight"] = rope_factors(rope, text["head_dim"])

    writer = gguf.GGUFWriter(directory / "decoder.gguf", architecture)
    if "num_experts" in text:
        writer.add_expert_count(text["num_experts"])
        writer.add_expert_used_count(text["num_experts_per_tok"])
        writer.add_expert_feed_forward_length(text["moe_intermediate_size"])
    writer.add_block_count(text["num_hidden_layers"])
    writer.add_context_length(text["max_position_embeddings"])
    writer.add_embedding_length(text["hidden_size"])
    writer.add_feed_forward_length(text["intermediate_size"])
    writer.add_head_count(text["num_attention_heads"])
    writer.add_head_count_kv(text["num_key_value_heads"])
    if "head_dim" in text:
        writer.add_key_length(text["head_dim"])
        writer.add_value_length(text["head_dim"])
    writer.add_layer_norm_rms_eps(text["rms_norm_eps"])
    writer.add_rope_freq_base(text.get("rope_theta") or text["rope_parameters"]["rope_theta"])
    if architecture.startswith("qwen") and architecture != "qwen2":
        writer.add_rope_dimension_sections([16, 24, 24, 0])
    vocabulary(writer, source) if family == "voxtral" else nano_vocabulary(writer, source, text["vocab_size"])
    for name, tensor in own.items():
        add(writer, name, tensor, kinds(name))
    finish(writer)

    writer = gguf.GGUFWriter(directory / "mmproj.gguf", "clip")
    writer.add_clip_has_audio_encoder(True)
    # With sight beside it, each has a kind of its own.
    writer.add_clip_audio_projector_type(kind) if family == "qwen3_omni_moe" else writer.add_clip_projector_type(kind)
    if family in ("voxtral", "ultravox"):
        writer.add_audio_stack_factor(config.get("stack_factor", 4))
    writer.add_audio_projection_dim(text["hidden_size"])
    writer.add_audio_embedding_length(audio.get("d_model") or audio["hidden_size"])
    writer.add_audio_feed_forward_length(audio.get("encoder_ffn_dim") or audio["intermediate_size"])
    writer.add_audio_block_count(audio.get("encoder_layers") or audio["num_hidden_layers"])
    writer.add_audio_head_count(audio.get("encoder_attention_heads") or audio["num_attention_heads"])
    writer.add_audio_num_mel_bins(audio["num_mel_bins"])
    writer.add_audio_attention_layernorm_eps(1e-5)
    for key, value in extra.items():
        writer.add_uint32(key, value)
    for name, tensor in theirs.items():
        add(writer, name, tensor, kinds(name))
    finish(writer)
    return state


def rope_factors(rope: dict, size: int) -> torch.Tensor:
    """By what each frequency is divided, as the converter writes it."""
    frequencies = 1 / rope["rope_theta"] ** (torch.arange(0, size, 2, dtype=torch.float32) / size)
    waves = rope["original_max_position_embeddings"] * frequencies / (2 * torch.pi)
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    smooth = (waves - low) / (high - low)
    return torch.where(waves < low, torch.tensor(factor), torch.where(waves > high, torch.tensor(1.0), 1 / ((1 - smooth) / factor + smooth)))


def vocabulary(writer: gguf.GGUFWriter, source: Path):
    """mistral-common's, as gguf reads it."""
    tokens = gguf.MistralVocab(source)
    texts, _, kinds = zip(*tokens.all_tokens())
    writer.add_tokenizer_model(tokens.gguf_tokenizer_model)
    writer.add_tokenizer_pre("tekken")
    writer.add_token_list(list(texts))
    writer.add_token_types(list(kinds))
    writer.add_token_merges(tokens.extract_vocab_merges_from_model())
    writer.add_bos_token_id(tokens.bos_id)
    writer.add_eos_token_id(tokens.eos_id)


def nano_vocabulary(writer: gguf.GGUFWriter, source: Path, rows: int = 0):
    """cord-nano's, under the name of Qwen2's splitting."""
    tokenizer = json.loads((NANO / "tokenizer.json").read_text())
    ids = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    special = {token["id"] for token in tokenizer["added_tokens"]}
    assert [i for _, i in ids] == list(range(len(ids)))
    tokens = [token for token, _ in ids]
    kinds = [gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(len(ids))]
    # Rows of the model without a token, as the converter names them.
    missing = range(len(ids), rows)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens + [f"[PAD{i}]" for i in missing])
    writer.add_token_types(kinds + [gguf.TokenType.UNUSED for _ in missing])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]])
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    template = source / "chat_template.jinja"
    writer.add_chat_template(
        template.read_text() if template.exists() else json.loads((source / "tokenizer_config.json").read_text())["chat_template"])


def quantized():
    """Each matrix in a format of its own, and transformers on what they widen to."""
    qwen2audio = families.generator("qwen2audio")
    source, directory = FIXTURES / "qwen2audio" / "published", HERE / "quantized"
    formats = [Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]
    chosen: dict[str, Type] = {}

    def kinds(name: str) -> Type | None:
        # The encoder's rows of 80 columns are no whole blocks.
        if name.endswith("ffn_down.weight") and name.startswith("a."):
            return None
        return chosen.setdefault(name, formats[len(chosen) % len(formats)])

    state = write(directory, "qwen2audio", source, kinds)
    wide = {}
    for name, tensor in state.items():
        own, theirs = split({name: tensor}, "qwen2audio")
        stored = next(iter(own | theirs))
        if stored in chosen and is_matrix(stored, tensor):
            blocks = quants.quantize(tensor.float().numpy(), chosen[stored])
            tensor = torch.from_numpy(quants.dequantize(blocks, chosen[stored]).reshape(tensor.shape).copy())
        wide[name] = tensor.float()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for file in ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer_config.json", "chat_template.jinja"]:
            (folder / file).write_text((source / file).read_text())
        safetensors.torch.save_file(wide, folder / "model.safetensors", metadata={"format": "pt"})
        reference = qwen2audio.Reference(folder)
        clip = reference.clip("second", synthetic_clip(16_000, 71), seed=71)
        reference.case("typed", turn("What is 12 plus 7?"))
        reference.case("spoken", turn("Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\nWhat is said?"), [clip])
        reference.adapter(r".*(audio_tower|language_model|multi_modal_projector).*\.(q_proj|v_proj|o_proj|fc1|down_proj|linear)", "spoken", 7)
        # Not called adapter/: suites over all families take folders with one for checkpoints in transformers' layout.
        config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "quantized"
        (folder / "adapter" / "adapter_config.json").write_text(json.dumps(config, indent=1))
        shutil.rmtree(directory / "lora", ignore_errors=True)
        shutil.copytree(folder / "adapter", directory / "lora")
        reference.save(directory)


def tokens():
    """Ids of texts by cord-nano's merges after Qwen2's splitting, and of a chat."""
    tokenizer = Tokenizer.from_file(str(NANO / "tokenizer.json"))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    texts = ["What is 12 plus 7?", "Tom's 123 apples,\n\n  they'RE  red!", "Äpfel cafe\u0301 你好 🙂", "  x\t\ty \r\n z...", "<|im_end|> no token",
             turn("What is 12 plus 7?")]
    out = [dict(text=t, ids=tokenizer.encode(t, add_special_tokens=False).ids) for t in texts]
    (HERE / "tokens.json").write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write(HERE / "qwen2audio", "qwen2audio", FIXTURES / "qwen2audio" / "published")
    write(HERE / "qwen2_5_omni", "qwen2_5_omni", FIXTURES / "qwen2_5_omni" / "published", extra={"clip.audio.chunk_size": 16})
    write(HERE / "qwen3_asr", "qwen3_asr", FIXTURES / "qwen3_asr" / "published")
    for family in ["qwen3_omni_moe", "voxtral", "ultravox"]:
        write(HERE / family, family, FIXTURES / family / "published")
    quantized()
    tokens()
