"""Random-weight Step-Audio 2 checkpoints and what a reference in PyTorch computes on them, in float32. The layout is that of ../qwen2audio.

transformers has no class of the family. The encoder, the adaptor and the prompt below were written after the formulas of the checkpoints'
`modeling_step_audio_2.py` and of `stepaudio2.py` (stepfun-ai/Step-Audio2), around transformers' Qwen2Model; each piece of sound is computed alone.

    python make.py [published plain]
"""

import json
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model
from transformers.audio_utils import mel_filter_bank

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, CLOSING, NANO, OPENING, synthetic_clip

PIECE, TAIL = 25 * 16_000, 479
# What cord-nano's control tokens are called here, by their ids.
SPELLINGS = {1: "<|BOT|>", 2: "<|EOT|>", 3: "<audio_start>", 4: "<audio_patch>", 5: "<audio_end>"}

# `flat`: the decoder's members at the top of config.json, as the larger models have them.
CHECKPOINTS = {
    "published": dict(
        seed=101, vocab=816, hidden=64, heads=2, kv=1, ffn=96, layers=2, eps=1e-6, theta=1e6, mels=128, d=48, enc_heads=2, enc_layers=2,
        flat=False, dtype=torch.bfloat16),
    "plain": dict(
        seed=102, vocab=272, hidden=32, heads=1, kv=1, ffn=48, layers=1, eps=1e-5, theta=10_000.0, mels=80, d=32, enc_heads=1, enc_layers=1,
        flat=True, dtype=torch.float32),
}


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.value, self.out = (nn.Linear(width, width) for _ in range(3))
        self.key = nn.Linear(width, width, bias=False)

    def forward(self, x, seen: int):
        """x [T, width]; only the first `seen` rows are attended to."""
        def split(y):
            return y.unflatten(-1, (self.heads, -1)).transpose(0, 1)

        q, k, v = split(self.query(x)), split(self.key(x[:seen])), split(self.value(x[:seen]))
        weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1)
        return self.out((weights @ v).transpose(0, 1).flatten(1))


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x, seen: int):
        x = x + self.attn(self.attn_ln(x), seen)
        return x + self.mlp(self.mlp_ln(x))


class Encoder(nn.Module):
    def __init__(self, n_mels, n_audio_ctx, n_audio_state, n_audio_head, n_audio_layer, **_):
        super().__init__()
        self.conv1 = nn.Conv1d(n_mels, n_audio_state, 3, padding=1)
        self.conv2 = nn.Conv1d(n_audio_state, n_audio_state, 3, stride=2, padding=1)
        self.positional_embedding = nn.Embedding(n_audio_ctx, n_audio_state)
        self.blocks = nn.ModuleList([Block(n_audio_state, n_audio_head) for _ in range(n_audio_layer)])
        self.after_norm = nn.LayerNorm(n_audio_state)

    def forward(self, mel):
        """mel [mels, T], two frames of which are silence: their positions are computed, but not attended to."""
        frames = mel.shape[1]
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel[None])))).squeeze(0).T
        x = x + self.positional_embedding.weight[: len(x)]
        # The reference thins a mask of frames, from the first or the second on, to one of positions.
        counted = torch.arange(frames) < frames - 2
        seen = int(counted[(frames + 1) % 2 :: 2].sum())
        for block in self.blocks:
            x = block(x, seen)
        pairs = x[: len(x) // 2 * 2].unflatten(0, (-1, 2)).mean(1)
        return self.after_norm(pairs), (frames - 2 + 1) // 2 // 2


class Adaptor(nn.Module):
    def __init__(self, n_audio_state, llm_dim, kernel_size, adapter_stride, **_):
        super().__init__()
        self.conv = nn.Conv1d(n_audio_state, n_audio_state, kernel_size, adapter_stride, padding=1)
        self.linear1, self.linear2 = nn.Linear(n_audio_state, 2048), nn.Linear(2048, llm_dim)

    def forward(self, x):
        x = F.gelu(self.conv(x.T[None])).squeeze(0).T
        return self.linear2(F.relu(self.linear1(x)))


class StepAudio2(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        text = config.get("text_config", config)
        names = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
                 "max_position_embeddings", "rms_norm_eps"]
        decoder = Qwen2Config(
            **{k: text[k] for k in names}, rope_parameters={"rope_type": "default", "rope_theta": text["rope_theta"]},
            attn_implementation="eager")
        self.model = Qwen2Model(decoder)
        self.lm_head = nn.Linear(decoder.hidden_size, decoder.vocab_size, bias=False)
        self.encoder, self.adapter = Encoder(**config["audio_encoder_config"]), Adaptor(**config["audio_encoder_config"])

    @classmethod
    def from_pretrained(cls, directory: Path, **_):
        model = cls(json.loads((directory / "config.json").read_text()))
        model.load_state_dict({k: v.float() for k, v in safetensors.torch.load_file(directory / "model.safetensors").items()})
        return model

    def get_input_embeddings(self):
        return self.model.embed_tokens

    def forward(self, input_ids, attention_mask=None, wavs=None, frames=None):
        x = self.model.embed_tokens(input_ids)
        if wavs is not None:
            starts, first, x = (input_ids[0] == OPENING).nonzero()[:, 0] + 1, 0, x.clone()
            for start, count in zip(starts.tolist(), frames.tolist()):
                rows, length = self.encoder(wavs[first : first + count].T)
                length = (length - 1) // 2 + 1
                x[0, start : start + length] = self.adapter(rows)[:length]
                first += count
        out = self.model(inputs_embeds=x, attention_mask=attention_mask)[0]
        return type("Output", (), dict(logits=self.lm_head(out)))()


def log_mel(wave: np.ndarray, mels: int) -> torch.Tensor:
    """[mels, T] of a piece and the silence behind it, with one maximum."""
    padded = F.pad(torch.from_numpy(wave), (0, TAIL))
    power = torch.stft(padded, 400, 160, window=torch.hann_window(400), return_complex=True)[..., :-1].abs() ** 2
    filters = mel_filter_bank(201, mels, 0.0, 8_000.0, 16_000, norm="slaney", mel_scale="slaney")
    log = (torch.from_numpy(filters.T).float() @ power).clamp(min=1e-10).log10()
    return (torch.maximum(log, log.max() - 8) + 4) / 4


def tokenizer() -> dict:
    file = json.loads((NANO / "tokenizer.json").read_text())
    for token in file["added_tokens"]:
        token["content"] = SPELLINGS.get(token["id"], token["content"])
    for id, spelling in SPELLINGS.items():
        vocab = file["model"]["vocab"]
        for old in [k for k, v in vocab.items() if v == id]:
            del vocab[old]
            vocab[spelling] = id
    return file


def build(directory: Path, shape: dict) -> Path:
    text = dict(
        vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], num_attention_groups=shape["kv"], num_key_value_heads=shape["kv"],
        max_position_embeddings=4_096, rms_norm_eps=shape["eps"], rope_theta=shape["theta"])
    config = dict(
        architectures=["StepAudio2ForCausalLM"], model_type="step_audio_2",
        audio_encoder_config=dict(
            n_mels=shape["mels"], n_audio_ctx=1_260, n_audio_state=shape["d"], n_audio_head=shape["enc_heads"], n_audio_layer=shape["enc_layers"],
            llm_dim=shape["hidden"], kernel_size=3, adapter_stride=2),
        **(text if shape["flat"] else dict(text_config=text)))
    model = StepAudio2(config)
    families.randomize(model, shape["seed"])
    families.emptied(directory)
    safetensors.torch.save_file(
        {k: v.to(shape["dtype"]).contiguous() for k, v in model.state_dict().items()}, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(config, indent=1))
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "max_new_tokens": 32}))
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer(), ensure_ascii=False))
    added = {str(id): dict(content=spelling, special=True) for id, spelling in SPELLINGS.items()}
    (directory / "tokenizer_config.json").write_text(json.dumps(dict(added_tokens_decoder=added), indent=1))
    return directory


class NoExtractor:
    @classmethod
    def from_pretrained(cls, directory: Path):
        return cls()


class Reference(families.Reference):
    extractor_class = NoExtractor

    def __init__(self, directory: Path):
        super().__init__(directory, StepAudio2)
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(directory / "tokenizer.json"), pad_token="<|endoftext|>")
        self.mels = self.model.encoder.conv1.in_channels

    @property
    def decoder(self):
        return self.model.model

    def counts(self, frames: list[int]) -> list[int]:
        return [((t - 2 + 1) // 2 // 2 - 1) // 2 + 1 for t in frames]

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        pieces = [log_mel(wave[i : i + PIECE], self.mels).T for i in range(0, len(wave), PIECE)]
        frames = [len(p) for p in pieces]
        return dict(wavs=torch.cat(pieces), frames=torch.tensor(frames)), sum(frames), sum(self.counts(frames))

    def run(self, clip: families.Clip) -> list[int]:
        counts = self.counts(clip.arguments["frames"].tolist())
        return [token for count in counts for token in [OPENING, *[AUDIO] * count, CLOSING]]

    def chat(self, name: str, conversation: list):
        """The ids of the reference's `apply_chat_template`: each string that it makes is encoded alone."""
        ids = []
        for role, parts in [*conversation, ("assistant", None)]:
            start = f"<|BOT|>{'human' if role == 'user' else role}\n"
            if parts is None:
                ids += self.ids(start)
            elif len(parts) == 1 and isinstance(parts[0], str):
                ids += self.ids(start + parts[0] + "<|EOT|>")
            else:
                ids += self.ids(start)
                for part in parts:
                    ids += self.run(part) if isinstance(part, families.Clip) else self.ids(part)
                ids += self.ids("<|EOT|>")
        self.record_chat(name, conversation, ids)


def turn(content: str) -> str:
    return f"<|BOT|>human\n{content}<|EOT|><|BOT|>assistant\n"


def cases(reference: Reference, shape: dict):
    # Every remainder of the frames by four, the shortest that has an embedding, and a piece with a rest.
    lengths = {f"left{i}": 1_600 + 160 * i + 31 * i for i in range(4)} | {"least": 321, "second": 16_000, "odd": 40_333}
    if shape["vocab"] >= 816:
        lengths["rest"] = PIECE + 8_000
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    sound = "<audio_patch>"
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12, check=False)
    for name in [n for n in lengths if n not in ("second",)]:
        reference.case(name, turn(sound), [clips[name]], check=False)
    reference.case("second", turn(sound + "What is heard?"), [clips["second"]], continuation=12, check=False)
    reference.case(
        "several", turn(f"First {sound} then {sound} and {sound}?"), [clips["odd"], clips["least"], clips["left1"]], continuation=12, check=False)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("system", ["You are a helpful assistant."]), ("user", ["\nWhat is 8 plus 5?"])])
        reference.chat("spoken", [("user", [clips["rest"]])])
        reference.chat("two", [("system", ["Be brief."]), ("user", ["Listen: ", clips["left2"], "What is heard?", clips["odd"]]),
                               ("assistant", ["A tone."]), ("user", ["And now?"])])
    reference.adapter(r".*\.(q_proj|k_proj|o_proj|query|value|out|mlp\.0|up_proj|down_proj|linear1|linear2)", "odd", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name])), CHECKPOINTS[name])
