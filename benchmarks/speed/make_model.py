#!/usr/bin/env python3
"""Writes a random Qwen2-Audio of 1.27 billion parameters in bfloat16, as a Hugging Face directory.

The published encoder (32 layers of 1280, 128 mels), a decoder of 24 layers of 896 with 14 query and 2 key-value heads, an untied
head, and Qwen's own vocabulary. The answers are nonsense; shapes, bytes and arithmetic are those of a real model. Rows of the
head that would write control tokens or broken UTF-8 are zero, so that greedy answers are printable and never end by themselves.

Needs: torch, safetensors, dashscope (for Qwen's byte-level BPE ranks), about 6 GB of memory, 2.6 GB of disk. `peers.sh` installs them.
Usage: make_model.py DIRECTORY [--agreeing]

`--agreeing` divides what the decoder's attention adds by 100,000,000, so that the next token hangs on the newest one, nearly always alone: answers to
a question typed and spoken then agree on most tokens, as those of a good model do, and cost what any cost.
"""
import json
import pathlib
import sys

import dashscope
import torch
from safetensors.torch import save_file

VOCABULARY, HIDDEN, INNER, LAYERS, HEADS, KEY_VALUE_HEADS = 156032, 896, 4864, 24, 14, 2
AUDIO, AUDIO_INNER, AUDIO_LAYERS, AUDIO_HEADS, MELS = 1280, 5120, 32, 20, 128
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]

CHAT_TEMPLATE = """\
{%- set clips = namespace(count=0) -%}
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'audio' or 'audio' in part or 'audio_url' in part -%}
{%- set clips.count = clips.count + 1 -%}
{{ 'Audio ' ~ clips.count ~ ': <|audio_bos|><|AUDIO|><|audio_eos|>\\n' }}
{%- elif 'text' in part -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"""


def ranks():
    """Qwen's tokens as bytes, in order of rank."""
    import base64

    path = pathlib.Path(dashscope.__file__).parent / "resources" / "qwen.tiktoken"
    lines = path.read_bytes().splitlines()
    return [base64.b64decode(line.split()[0]) for line in lines if line]


def visible_bytes():
    """GPT-2's spelling of bytes as printable characters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, next_free = {byte: chr(byte) for byte in printable}, 256
    for byte in range(256):
        if byte not in table:
            table[byte], next_free = chr(next_free), next_free + 1
    return table


def merge_of(token, rank_of):
    """The two parts whose merge gives `token`: merge the lowest ranks first until two parts are left."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [rank_of.get(parts[i] + parts[i + 1], 1 << 30) for i in range(len(parts) - 1)]
        best = min(range(len(pairs)), key=pairs.__getitem__)
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def tokenizer(tokens):
    spelling = visible_bytes()
    spell = lambda token: "".join(spelling[byte] for byte in token)
    rank_of = {token: rank for rank, token in enumerate(tokens)}
    merges = [[spell(part) for part in merge_of(token, rank_of)] for token in tokens if len(token) > 1]
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": len(tokens) + index, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True,
            }
            for index, content in enumerate(CONTROL)
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
                byte_level,
            ],
        },
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {spell(token): rank for rank, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def weights(tokens, agreeing):
    generator = torch.Generator().manual_seed(0)

    def matrix(*shape):
        return (torch.randn(*shape, generator=generator) * 0.02).to(torch.bfloat16)

    vector = lambda size: matrix(size)
    ones = lambda size: torch.ones(size, dtype=torch.bfloat16)
    result = {}

    def linear(name, out, inner, bias):
        result[name + ".weight"] = matrix(out, inner)
        if bias:
            result[name + ".bias"] = vector(out)

    def layer_norm(name, size):
        result[name + ".weight"], result[name + ".bias"] = ones(size), vector(size)

    tower = "audio_tower."
    result[tower + "conv1.weight"], result[tower + "conv1.bias"] = matrix(AUDIO, MELS, 3), vector(AUDIO)
    result[tower + "conv2.weight"], result[tower + "conv2.bias"] = matrix(AUDIO, AUDIO, 3), vector(AUDIO)
    result[tower + "embed_positions.weight"] = matrix(1500, AUDIO)
    layer_norm(tower + "layer_norm", AUDIO)
    for layer in range(AUDIO_LAYERS):
        at = f"{tower}layers.{layer}."
        for name in ["q_proj", "k_proj", "v_proj", "out_proj"]:
            linear(f"{at}self_attn.{name}", AUDIO, AUDIO, bias=name != "k_proj")
        layer_norm(at + "self_attn_layer_norm", AUDIO)
        linear(at + "fc1", AUDIO_INNER, AUDIO, bias=True)
        linear(at + "fc2", AUDIO, AUDIO_INNER, bias=True)
        layer_norm(at + "final_layer_norm", AUDIO)
    linear("multi_modal_projector.linear", HIDDEN, AUDIO, bias=True)

    decoder = "language_model.model."
    head_size = HIDDEN // HEADS
    result[decoder + "embed_tokens.weight"] = matrix(VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        at = f"{decoder}layers.{layer}."
        linear(at + "self_attn.q_proj", HIDDEN, HIDDEN, bias=True)
        linear(at + "self_attn.k_proj", KEY_VALUE_HEADS * head_size, HIDDEN, bias=True)
        linear(at + "self_attn.v_proj", KEY_VALUE_HEADS * head_size, HIDDEN, bias=True)
        linear(at + "self_attn.o_proj", HIDDEN, HIDDEN, bias=False)
        if agreeing:
            result[at + "self_attn.o_proj.weight"] /= 100_000_000
        linear(at + "mlp.gate_proj", INNER, HIDDEN, bias=False)
        linear(at + "mlp.up_proj", INNER, HIDDEN, bias=False)
        linear(at + "mlp.down_proj", HIDDEN, INNER, bias=False)
        result[at + "input_layernorm.weight"] = ones(HIDDEN)
        result[at + "post_attention_layernorm.weight"] = ones(HIDDEN)
    result[decoder + "norm.weight"] = ones(HIDDEN)
    head = matrix(VOCABULARY, HIDDEN)
    head[len(tokens) :] = 0
    head[[index for index, token in enumerate(tokens) if not token.isascii()]] = 0
    result["language_model.lm_head.weight"] = head
    return result


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    tokens = ranks()
    control = {content: len(tokens) + index for index, content in enumerate(CONTROL)}
    write = lambda name, value: (out / name).write_text(json.dumps(value, ensure_ascii=False, indent=1))
    write("config.json", {
        "architectures": ["Qwen2AudioForConditionalGeneration"], "model_type": "qwen2_audio", "torch_dtype": "bfloat16",
        "audio_token_index": control["<|AUDIO|>"], "tie_word_embeddings": False,
        "audio_config": {
            "model_type": "qwen2_audio_encoder", "num_mel_bins": MELS, "d_model": AUDIO, "encoder_layers": AUDIO_LAYERS,
            "encoder_attention_heads": AUDIO_HEADS, "encoder_ffn_dim": AUDIO_INNER, "max_source_positions": 1500,
            "activation_function": "gelu", "scale_embedding": False, "encoder_layerdrop": 0.0,
        },
        "text_config": {
            "model_type": "qwen2", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": INNER,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KEY_VALUE_HEADS,
            "hidden_act": "silu", "max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
            "use_sliding_window": False, "tie_word_embeddings": False, "bos_token_id": control["<|endoftext|>"],
            "eos_token_id": control["<|im_end|>"],
        },
    })
    write("preprocessor_config.json", {
        "feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "Qwen2AudioProcessor", "feature_size": MELS,
        "sampling_rate": 16000, "n_fft": 400, "hop_length": 160, "chunk_length": 30, "n_samples": 480000,
        "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True,
    })
    write("generation_config.json", {
        "do_sample": False, "eos_token_id": [control["<|im_end|>"], control["<|endoftext|>"]],
        "pad_token_id": control["<|endoftext|>"],
    })
    write("tokenizer_config.json", {
        "tokenizer_class": "Qwen2Tokenizer", "processor_class": "Qwen2AudioProcessor", "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>", "bos_token": None, "unk_token": None, "model_max_length": 8192,
        "add_prefix_space": False, "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE,
    })
    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    write("tokenizer.json", tokenizer(tokens))
    tensors = weights(tokens, "--agreeing" in sys.argv[2:])
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    print(f"{out}: {sum(t.numel() for t in tensors.values()) / 1e9:.3f} billion parameters")


if __name__ == "__main__":
    main()
