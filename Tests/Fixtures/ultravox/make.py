"""Random-weight Ultravox checkpoints and what a reference in PyTorch computes on them, in float32: see README.md.

    python make.py [published plain]
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import peft
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F
from transformers import (
    LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, WhisperConfig, WhisperFeatureExtractor,
    WhisperForConditionalGeneration)

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import NANO, synthetic_clip

SOUND = "<|audio|>"
WINDOW = 2  # seconds; published: 30
LLAMA3 = dict(rope_type="llama3", rope_theta=500_000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
ADAPTER = dict(r=2, lora_alpha=6)

CHECKPOINTS = {
    "published": dict(
        seed=111, base="llama", vocab=816, hidden=64, heads=4, kv=2, head=32, ffn=96, layers=2, mels=128, d=64, enc_heads=2, enc_layers=2,
        stack=8, inner=96, ln_mid=True, latency=None, eos="<|im_end|>", dtype=torch.bfloat16),
    "plain": dict(
        seed=112, base="qwen3", vocab=272, hidden=48, heads=2, kv=1, head=24, ffn=48, layers=1, mels=80, d=32, enc_heads=1, enc_layers=1,
        stack=4, inner=64, ln_mid=False, latency=20, eos="<|endoftext|>", dtype=torch.float32),
}

# As Llama's: content is taken for a string, and its ends are stripped.
TEMPLATE = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|im_start|>' + message['role'] + '\\n\\n' + message['content'] | trim + '<|im_end|>' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n\\n' }}{%- endif %}")


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))
        self.k_proj = nn.Linear(width, width, bias=False)

    def forward(self, x, mask):
        def split(y):
            return y.unflatten(-1, (self.heads, -1)).transpose(0, 1)

        q, k, v = split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x))
        logits = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).masked_fill(~mask, -math.inf)
        return self.out_proj((torch.softmax(logits, -1) @ v).transpose(0, 1).flatten(1))


class Block(nn.Module):
    def __init__(self, config: WhisperConfig):
        super().__init__()
        width = config.d_model
        self.self_attn, self.self_attn_layer_norm = Attention(width, config.encoder_attention_heads), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, config.encoder_ffn_dim), nn.Linear(config.encoder_ffn_dim, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x, mask):
        x = x + self.self_attn(self.self_attn_layer_norm(x), mask)
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class Encoder(nn.Module):
    """Whisper's, over the frames that it is given; positions past the sound are computed and not attended to."""

    def __init__(self, config: WhisperConfig, latency: int | None):
        super().__init__()
        width = config.d_model
        self.conv1 = nn.Conv1d(config.num_mel_bins, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(config.max_source_positions, width)
        self.layers = nn.ModuleList([Block(config) for _ in range(config.encoder_layers)])
        self.layer_norm = nn.LayerNorm(width)
        self.latency = latency

    def forward(self, mel, length: int):
        """mel [mels, frames], `length` of them sound."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel[None])))).squeeze(0).T
        x = x + self.embed_positions.weight[: len(x)]
        places = torch.arange(len(x))
        mask = (places < (length - 1) // 2 + 1)[None, :].repeat(len(x), 1)
        if self.latency:
            mask &= places[None, :] // self.latency <= places[:, None] // self.latency
        for layer in self.layers:
            x = layer(x, mask)
        return self.layer_norm(x)


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Projector(nn.Module):
    def __init__(self, width: int, stack: int, inner: int, out: int, ln_mid: bool):
        super().__init__()
        self.stack = stack
        self.ln_pre, self.linear_1 = RMSNorm(width * stack), nn.Linear(width * stack, inner, bias=False)
        self.linear_2 = nn.Linear(inner // 2, out, bias=False)
        self.ln_mid = RMSNorm(inner // 2) if ln_mid else nn.Identity()
        self.ln_post = nn.Identity() if ln_mid else RMSNorm(out)

    def forward(self, x):
        x = F.pad(x, (0, 0, 0, -len(x) % self.stack)).unflatten(0, (-1, self.stack)).flatten(1)
        x, gate = self.linear_1(self.ln_pre(x)).chunk(2, -1)
        return self.ln_post(self.linear_2(self.ln_mid(F.silu(gate) * x)))


class Ultravox(nn.Module):
    def __init__(self, text, audio: WhisperConfig, config: dict):
        super().__init__()
        causal = LlamaForCausalLM if text.model_type == "llama" else Qwen3ForCausalLM
        self.audio_tower = Encoder(audio, config.get("audio_latency_block_size"))
        self.multi_modal_projector = Projector(
            audio.d_model, config["stack_factor"], config["hidden_size"], text.hidden_size, config.get("projector_ln_mid", False))
        self.language_model = causal._from_config(text, attn_implementation="eager")

    @classmethod
    def from_pretrained(cls, directory: Path, **_):
        config = json.loads((directory / "config.json").read_text())
        state = safetensors.torch.load_file(directory / "model.safetensors")
        if config.get("text_model_id"):
            text = LlamaConfig.from_pretrained(directory / config["text_model_id"])
            audio = WhisperConfig.from_pretrained(directory / config["audio_model_id"])
        else:
            text = Qwen3Config(**config["text_config"])
            audio = WhisperConfig(**config["audio_config"])
        model = cls(text, audio, config).float()
        if config.get("text_model_id"):
            base = safetensors.torch.load_file(directory / config["text_model_id"] / "model.safetensors")
            model.language_model.load_state_dict({k: v.float() for k, v in base.items()})
            base = safetensors.torch.load_file(directory / config["audio_model_id"] / "model.safetensors")
            encoder = "model.encoder."
            model.audio_tower.load_state_dict({k.removeprefix(encoder): v.float() for k, v in base.items() if k.startswith(encoder)})
            for tower, targets in [("language_model", config["text_model_lora_config"]), ("audio_tower", config["audio_model_lora_config"])]:
                wrapped = peft.get_peft_model(getattr(model, tower), peft.LoraConfig(**targets))
                own = {k.removeprefix(tower + "."): v.float() for k, v in state.items() if k.startswith(tower)}
                assert not wrapped.load_state_dict(own, strict=False).unexpected_keys
                setattr(model, tower, wrapped.merge_and_unload())
            state = {k: v for k, v in state.items() if k.startswith("multi_modal_projector")}
            assert not model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False).unexpected_keys
        else:
            missing, unexpected = model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
            assert not unexpected and set(missing) <= {"language_model.lm_head.weight"}, (missing, unexpected)
            model.language_model.tie_weights()
        return model

    def get_input_embeddings(self):
        return self.language_model.get_input_embeddings()

    def forward(self, input_ids, attention_mask=None, mels=None, shapes=None, places=None):
        """mels: windows side by side [Σ frames, mels]; shapes: frames and frames of sound of each; places: where its embeddings begin."""
        x = self.get_input_embeddings()(input_ids)
        if mels is not None:
            x, first = x.clone(), 0
            for (frames, length), place in zip(shapes.tolist(), places.tolist()):
                rows = self.multi_modal_projector(self.audio_tower(mels[first : first + frames].T, length))
                count = math.ceil(length / (2 * self.multi_modal_projector.stack))
                x[0, place : place + count] = rows[:count]
                first += frames
        return self.language_model(inputs_embeds=x, attention_mask=attention_mask)


def build(directory: Path, shape: dict) -> Path:
    audio = WhisperConfig(
        num_mel_bins=shape["mels"], d_model=shape["d"], encoder_layers=shape["enc_layers"], encoder_attention_heads=shape["enc_heads"],
        encoder_ffn_dim=shape.get("enc_ffn", 2 * shape["d"]), max_source_positions=50 * WINDOW, vocab_size=64, decoder_layers=1, decoder_ffn_dim=8,
        decoder_attention_heads=1, max_target_positions=4, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0)
    members = dict(
        vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], head_dim=shape["head"], max_position_embeddings=4_096)
    if shape["base"] == "llama":
        text = LlamaConfig(**members, rms_norm_eps=1e-5, rope_parameters=LLAMA3, bos_token_id=1, eos_token_id=[0, 2], pad_token_id=0)
    else:
        text = Qwen3Config(**members, rope_parameters=dict(rope_type="default", rope_theta=1e6), tie_word_embeddings=True)
    config = dict(
        architectures=["UltravoxModel"], model_type="ultravox", hidden_size=shape["inner"], stack_factor=shape["stack"], projector_act="swiglu",
        norm_init=0.4, ignore_index=-100, vocab_size=shape["vocab"])
    if shape["ln_mid"]:
        config |= dict(projector_ln_mid=True)
    if shape["latency"]:
        config |= dict(audio_latency_block_size=shape["latency"])
    model = Ultravox(text, audio, config)
    families.randomize(model, shape["seed"])
    families.emptied(directory)
    state = {k: v for k, v in model.state_dict().items() if shape["base"] == "llama" or k != "language_model.lm_head.weight"}
    extractor = WhisperFeatureExtractor(feature_size=shape["mels"], chunk_length=WINDOW)
    features = json.dumps({k: v for k, v in extractor.to_dict().items() if k != "mel_filters"}, indent=1)
    if shape["base"] == "llama":
        config |= dict(
            text_model_id="tiny-llama", audio_model_id="tiny-whisper",
            text_model_lora_config=dict(**ADAPTER, target_modules=["q_proj", "down_proj"]),
            audio_model_lora_config=dict(**ADAPTER, target_modules=["k_proj", "q_proj"]))
        decoder = families.emptied(directory / "tiny-llama")
        model.language_model.to(shape["dtype"]).save_pretrained(decoder)
        whisper = WhisperForConditionalGeneration(audio)
        families.randomize(whisper, shape["seed"] + 1)
        whisper.model.encoder.load_state_dict(model.audio_tower.state_dict())
        hearing = families.emptied(directory / "tiny-whisper")
        whisper.to(shape["dtype"]).save_pretrained(hearing)
        (hearing / "preprocessor_config.json").write_text(features)
        state = {k: v for k, v in state.items() if k.startswith("multi_modal_projector")}
        for i, tower in enumerate(["language_model", "audio_tower"]):
            settings = config[["text", "audio"][i] + "_model_lora_config"]
            wrapped = peft.get_peft_model(getattr(model, tower).float(), peft.LoraConfig(**settings))
            factors = {f"{tower}.{k}": v for k, v in wrapped.state_dict().items() if "lora_" in k}
            random = torch.Generator().manual_seed(shape["seed"] + 2 + i)
            state |= {k: torch.randn(v.shape, generator=random) * 0.4 / v.shape[1] ** 0.5 for k, v in factors.items()}
    else:
        config |= dict(
            text_config=text.to_diff_dict(), audio_config=audio.to_diff_dict() | dict(_name_or_path="openai/whisper-tiny"),
            text_model_id=None, audio_model_id=None)
        (directory / "preprocessor_config.json").write_text(features)
        file = json.loads((NANO / "tokenizer.json").read_text())
        for token in file["added_tokens"]:
            token["content"] = SOUND if token["id"] == 4 else token["content"]
        file["model"]["vocab"] = {SOUND if v == 4 else k: v for k, v in file["model"]["vocab"].items()}
        (directory / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False))
    safetensors.torch.save_file(
        {k: v.to(shape["dtype"]).contiguous() for k, v in state.items()}, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config, indent=1))
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "max_new_tokens": 32}))
    (directory / "tokenizer_config.json").write_text(json.dumps(
        dict(bos_token="<|endoftext|>", eos_token=shape["eos"], chat_template=TEMPLATE), indent=1))
    return directory


class WhisperFeatures:
    """The extractor of the part that hears."""

    @classmethod
    def from_pretrained(cls, directory: Path):
        part = directory / "tiny-whisper"
        return WhisperFeatureExtractor.from_pretrained(part if part.exists() else directory)


class Reference(families.Reference):
    extractor_class = WhisperFeatures

    def __init__(self, directory: Path, shape: dict):
        super().__init__(directory, Ultravox)
        file = directory / "tokenizer.json"
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(file if file.exists() else NANO / "tokenizer.json"), pad_token="<|endoftext|>", bos_token="<|endoftext|>")
        vocabulary = self.tokenizer.get_vocab()
        self.slot, self.ends = vocabulary[shape["eos"]], (0, 2)
        # Tokenizers that do not know the placeholder get a token for it behind all others.
        self.marker = vocabulary.get(SOUND, max(vocabulary.values()) + 1)
        self.stack = shape["stack"]

    @property
    def decoder(self):
        return self.model.language_model.model

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        hop, window = self.extractor.hop_length, 100 * WINDOW
        wave = np.pad(wave, (0, max(0, 2 * hop - len(wave))))
        made = self.extractor(
            wave, sampling_rate=16_000, padding="longest", pad_to_multiple_of=hop, truncation=False, return_attention_mask=True,
            return_tensors="pt")
        mel, length = made["input_features"][0].T, int(made["attention_mask"].sum())
        assert length == len(mel) == max(2, math.ceil(len(wave) / hop))
        pieces, shapes = [], []
        for start in range(0, length, window):
            piece = mel[start : start + window]
            shapes.append([window if start else len(piece), len(piece)])
            pieces.append(F.pad(piece, (0, 0, 0, shapes[-1][0] - len(piece))))
        counts = [math.ceil(valid / (2 * self.stack)) for _, valid in shapes]
        return dict(mels=torch.cat(pieces), shapes=torch.tensor(shapes)), length, sum(counts)

    def ids(self, text: str) -> list[int]:
        pieces = [super(Reference, self).ids(piece) if piece else [] for piece in text.split(SOUND)]
        return [token for i, piece in enumerate(pieces) for token in ([self.marker] if i else []) + piece]

    def inputs(self, prompt: list[int], clips: list[families.Clip]):
        expanded, waiting, starts, self.slots = [], iter(clips), [], []
        for token in prompt:
            if token != self.marker:
                expanded.append(token)
                continue
            clip = next(waiting)
            for _, length in clip.arguments["shapes"].tolist():
                starts.append(len(expanded))
                expanded += [self.slot] * math.ceil(length / (2 * self.stack))
            self.slots += range(len(expanded) - clip.tokens, len(expanded))
        arguments = dict(input_ids=torch.tensor([expanded]), attention_mask=torch.ones(1, len(expanded), dtype=torch.long))
        if clips:
            arguments |= {name: torch.cat([c.arguments[name] for c in clips]) for name in ["mels", "shapes"]} | dict(places=torch.tensor(starts))
        return expanded, arguments

    def chat(self, name: str, conversation: list):
        """Each part is a line of one text; the placeholder is looked for in what the template makes of it."""
        lines = [(role, [p if isinstance(p, str) else SOUND for p in parts]) for role, parts in conversation]
        text = self.tokenizer.apply_chat_template(
            [dict(role=role, content="\n".join(parts)) for role, parts in lines], chat_template=TEMPLATE, tokenize=False,
            add_generation_prompt=True)
        clips = [p for _, parts in conversation for p in parts if isinstance(p, families.Clip)]
        self.record_chat(name, conversation, self.inputs(self.ids(text), clips)[0])


def turn(content: str) -> str:
    return f"<|im_start|>user\n\n{content}<|im_end|><|im_start|>assistant\n\n"


def cases(reference: Reference, shape: dict):
    # Remainders of the frames by the rows that go together, the least, a window less and more one sample, filled windows short and nearly full.
    window = 16_000 * WINDOW
    lengths = {"least": 100, "tenth": 1_600, "second": 16_001, "short": window - 1, "window": window, "over": window + 1,
               "full": window + 199 * 160, "long": 2 * window + 51 * 160 - 7}
    lengths |= {f"left{i}": 2_560 + 160 * i - 31 for i in range(0, 16, 5)}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12, check=False)
    for name in lengths:
        reference.case(name, turn(SOUND), [clips[name]], continuation=12 if name in ("second", "long") else 0, check=False)
    reference.case(
        "several", turn(f"First {SOUND} then {SOUND} and {SOUND}?"), [clips["left5"], clips["over"], clips["least"]], continuation=12, check=False)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("system", ["You are a helpful assistant."]), ("user", ["  What is 8 plus 5?\n"])])
        reference.chat("spoken", [("user", [clips["long"]])])
        reference.chat("two", [("system", ["Be brief."]), ("user", ["Listen:", clips["left5"], "What is heard?", clips["second"]]),
                               ("assistant", ["A tone."]), ("user", [clips["tenth"], "And now? "])])
    reference.adapter(r".*\.(q_proj|k_proj|o_proj|out_proj|fc1|up_proj|down_proj|linear_1|linear_2)", "over", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name]), CHECKPOINTS[name]), CHECKPOINTS[name])
