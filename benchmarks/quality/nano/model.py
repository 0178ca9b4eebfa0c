"""cord-nano in PyTorch: Qwen2-Audio's architecture (Whisper's encoder, a linear projector, Qwen2's decoder), small, for training.

Read and written by Hugging Face's names, so that transformers' Qwen2AudioForConditionalGeneration reads what `save` writes.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn


@dataclass
class Shape:
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    key_heads: int
    inner: int
    encoder_hidden: int
    encoder_layers: int
    encoder_heads: int
    encoder_inner: int
    mels: int
    # Positions of the encoder, 50 a second.
    window: int
    placeholder: int

    @staticmethod
    def of(config: dict) -> "Shape":
        text, audio = config["text_config"], config["audio_config"]
        return Shape(
            vocabulary=text["vocab_size"], hidden=text["hidden_size"], layers=text["num_hidden_layers"], heads=text["num_attention_heads"],
            key_heads=text["num_key_value_heads"], inner=text["intermediate_size"], encoder_hidden=audio["d_model"],
            encoder_layers=audio["encoder_layers"], encoder_heads=audio["encoder_attention_heads"], encoder_inner=audio["encoder_ffn_dim"],
            mels=audio["num_mel_bins"], window=audio["max_source_positions"], placeholder=config["audio_token_index"])

    @property
    def head(self):
        return self.hidden // self.heads


def slots(samples):
    """Audio embeddings of a clip of so many samples at 16 kHz, 25 a second."""
    frames = (samples + 159) // 160
    return (((frames - 1) // 2 + 1) - 2) // 2 + 1


class EncoderAttention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        d = shape.encoder_hidden
        self.heads = shape.encoder_heads
        self.k_proj = nn.Linear(d, d, bias=False)
        self.v_proj = nn.Linear(d, d)
        self.q_proj = nn.Linear(d, d)
        self.out_proj = nn.Linear(d, d)

    def forward(self, x, mask):
        q, k, v = (p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


class EncoderLayer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        d = shape.encoder_hidden
        self.self_attn = EncoderAttention(shape)
        self.self_attn_layer_norm = nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, shape.encoder_inner)
        self.fc2 = nn.Linear(shape.encoder_inner, d)
        self.final_layer_norm = nn.LayerNorm(d)

    def forward(self, x, mask):
        x = x + self.self_attn(self.self_attn_layer_norm(x), mask)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class Encoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        d = shape.encoder_hidden
        self.conv1 = nn.Conv1d(shape.mels, d, 3, padding=1)
        self.conv2 = nn.Conv1d(d, d, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(shape.window, d)
        self.embed_positions.weight.requires_grad = False  # Whisper's sinusoids
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, mel, lengths):
        """mel [clips, mels, frames], lengths in samples → [clips, slots, hidden]; rows beyond a clip's own slots mean nothing."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.embed_positions.weight[:x.shape[1]]
        own = (((lengths + 159) // 160) - 1) // 2 + 1
        mask = (torch.arange(x.shape[1], device=x.device)[None] < own[:, None])[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        return self.layer_norm(F.avg_pool1d(x.transpose(1, 2), 2).transpose(1, 2))


class Norm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return F.rms_norm(x.float(), x.shape[-1:], eps=1e-6).to(x.dtype) * self.weight


class DecoderAttention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        narrow = shape.key_heads * shape.head
        self.q_proj = nn.Linear(shape.hidden, shape.hidden)
        self.k_proj = nn.Linear(shape.hidden, narrow)
        self.v_proj = nn.Linear(shape.hidden, narrow)
        self.o_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)

    def forward(self, x, rotation):
        q, k, v = (p(x).unflatten(-1, (-1, self.shape.head)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotated(q, rotation).to(v.dtype), rotated(k, rotation).to(v.dtype)
        groups = self.shape.heads // self.shape.key_heads
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        return self.o_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


def rotated(x, rotation):
    cosine, sine = rotation
    low, high = x.chunk(2, -1)
    return x * cosine + torch.cat((-high, low), -1) * sine


class MLP(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.self_attn = DecoderAttention(shape)
        self.mlp = MLP(shape)
        self.input_layernorm = Norm(shape.hidden)
        self.post_attention_layernorm = Norm(shape.hidden)

    def forward(self, x, rotation):
        x = x + self.self_attn(self.input_layernorm(x), rotation)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden)

    def forward(self, tokens, audio=None, places=None):
        """tokens [sequences, length] → states; `audio` [slots, hidden] stands at `places` of the tokens one after the other."""
        x = self.embed_tokens(tokens)
        if audio is not None:
            x = x.flatten(0, 1).index_copy(0, places, audio.to(x.dtype)).view_as(x)
        half = self.shape.head // 2
        angles = torch.arange(tokens.shape[1], device=tokens.device)[:, None] * 10_000 ** (
            -torch.arange(half, device=tokens.device) / half)[None]
        angles = torch.cat((angles, angles), -1)
        rotation = (angles.cos().to(x.dtype), angles.sin().to(x.dtype))
        for layer in self.layers:
            x = layer(x, rotation)
        return self.norm(x)


class Nano(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.audio_tower = Encoder(shape)
        self.projector = nn.Linear(shape.encoder_hidden, shape.hidden)
        self.decoder = Decoder(shape)

    def hear(self, mel, lengths):
        """[clips, slots, hidden]; rows beyond a clip's own slots mean nothing."""
        return self.projector(self.audio_tower(mel, lengths))

    def logits(self, states):
        return states @ self.decoder.embed_tokens.weight.T

    @torch.no_grad()
    def grow(self, encoder_layers: int, layers: int):
        """More layers on top of both stacks, which change nothing at first: what they add to the residual stream is zero."""
        for _ in range(encoder_layers - self.shape.encoder_layers):
            layer = EncoderLayer(self.shape)
            begin(layer, (layer.self_attn.out_proj, layer.fc2))
            self.audio_tower.layers.append(layer)
        for _ in range(layers - self.shape.layers):
            layer = DecoderLayer(self.shape)
            begin(layer, (layer.self_attn.o_proj, layer.mlp.down_proj))
            self.decoder.layers.append(layer)
        self.shape.encoder_layers, self.shape.layers = len(self.audio_tower.layers), len(self.decoder.layers)


def begin(layer, silent):
    """Matrices of deviation 0.02, biases zero; those of `silent` all zero."""
    for name, parameter in layer.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
    for linear in silent:
        nn.init.zeros_(linear.weight)


NAMES = [("decoder.", "language_model.model."), ("projector.", "multi_modal_projector.linear.")]


def load(directory: Path) -> Nano:
    """A Hugging Face directory in float32."""
    model = Nano(Shape.of(json.loads((directory / "config.json").read_text())))
    tensors = {}
    for name, value in load_file(directory / "model.safetensors").items():
        for own, theirs in NAMES:
            if name.startswith(theirs):
                name = own + name[len(theirs):]
        if name != "language_model.lm_head.weight":
            tensors[name] = value.float()
    model.load_state_dict(tensors)
    return model


def save(model: Nano, like: Path, directory: Path):
    """A Hugging Face directory in bfloat16: the files of `like`, other weights, perhaps other numbers of layers."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in like.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, directory / path.name)
    config = json.loads((like / "config.json").read_text())
    config["audio_config"]["encoder_layers"] = model.shape.encoder_layers
    config["text_config"] |= {"num_hidden_layers": model.shape.layers, "layer_types": ["full_attention"] * model.shape.layers}
    (directory / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    kept = set(load_file(like / "model.safetensors"))
    tensors = {}
    for name, value in model.state_dict().items():
        for own, theirs in NAMES:
            if name.startswith(own):
                name = theirs + name[len(own):]
        tensors[name] = value.detach().to("cpu", torch.bfloat16).contiguous()
    if "language_model.lm_head.weight" in kept:
        tensors["language_model.lm_head.weight"] = tensors["language_model.model.embed_tokens.weight"].clone()
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
