"""Random-weight Qwen2-Audio checkpoints and what transformers computes on them, in float32.

Writes, per checkpoint, a Hugging Face directory, `cases.json` and `goldens.safetensors` (see README.md for the layout).
`cord-nano/` holds goldens only: its weights are Sources/Model/CordNano/Checkpoint. Run with the names of the checkpoints to make,
or with none for all of them:

    python make.py [published window30 grouped7 head128 cord-nano]
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import safetensors.torch
import soundfile
import soxr
import torch
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, NANO, synthetic_clip, turn


def espeak(text: str, voice: str, rate: int, path: Path) -> np.ndarray:
    """Speaks `text` at 16 kHz into a FLAC file (kept, so that a newer espeak-ng changes nothing) and returns its samples."""
    if not path.exists():
        with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
            subprocess.run(["espeak-ng", "-v", voice, "-s", str(rate), "-w", wav.name, text], check=True)
            wave, native = soundfile.read(wav.name, dtype="float32")
        wave = soxr.resample(wave, native, 16_000, quality="HQ")
        soundfile.write(path, np.clip(np.round(wave * 32_768), -32_768, 32_767).astype(np.int16), 16_000, subtype="PCM_16")
    return soundfile.read(path, dtype="int16")[0]


# Text shapes, encoder shapes, window (encoder positions), storage and key naming of each checkpoint.
CHECKPOINTS = {
    "published": dict(  # the key names and the configuration style of Qwen/Qwen2-Audio-7B-Instruct
        seed=11, vocab=816, hidden=64, heads=2, kv=1, ffn=96, layers=2, tied=False, eps=1e-5, theta=10_000.0,
        mels=128, d=64, enc_heads=2, enc_ffn=80, enc_layers=2, window=500, dtype=torch.bfloat16, names="published"),
    "window30": dict(  # the 30 s window; the names that transformers 5 gives its modules
        seed=22, vocab=272, hidden=128, heads=2, kv=2, ffn=48, layers=1, tied=True, eps=1e-6, theta=10_000.0,
        mels=80, d=64, enc_heads=1, enc_ffn=48, enc_layers=2, window=1_500, dtype=torch.bfloat16, names="modules"),
    "grouped7": dict(  # seven query heads share one key-value head; sharded, as transformers saves it
        seed=33, vocab=320, hidden=224, heads=7, kv=1, ffn=40, layers=1, tied=True, eps=1e-6, theta=1_000_000.0,
        mels=80, d=64, enc_heads=2, enc_ffn=64, enc_layers=1, window=200, dtype=torch.bfloat16, names="saved",
        shard="250KB"),
    "head128": dict(  # one head of 128, float32 storage
        seed=44, vocab=272, hidden=128, heads=1, kv=1, ffn=32, layers=1, tied=True, eps=1e-6, theta=10_000.0,
        mels=80, d=32, enc_heads=1, enc_ffn=48, enc_layers=1, window=200, dtype=torch.float32, names="saved"),
}


def build(name: str, shape: dict) -> Path:
    """Writes the checkpoint directory: every parameter random, so that a skipped bias or norm weight shows."""
    config = Qwen2AudioConfig(
        audio_config=dict(
            model_type="qwen2_audio_encoder", num_mel_bins=shape["mels"], encoder_layers=shape["enc_layers"],
            encoder_attention_heads=shape["enc_heads"], encoder_ffn_dim=shape["enc_ffn"], d_model=shape["d"],
            max_source_positions=shape["window"], encoder_layerdrop=0.0, scale_embedding=False, activation_function="gelu"),
        text_config=dict(
            model_type="qwen2", vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"],
            num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"],
            max_position_embeddings=8_192, rms_norm_eps=shape["eps"],
            rope_parameters={"rope_type": "default", "rope_theta": shape["theta"]},
            tie_word_embeddings=shape["tied"], bos_token_id=None, eos_token_id=2, pad_token_id=None),
        audio_token_index=AUDIO, tie_word_embeddings=shape["tied"])
    model = Qwen2AudioForConditionalGeneration(config)
    families.randomize(model, shape["seed"])
    model = model.to(shape["dtype"])

    directory = families.emptied(HERE / name)
    state = {k: v for k, v in model.state_dict().items() if not (shape["tied"] and k == "lm_head.weight")}
    if shape["names"] == "modules":
        config.save_pretrained(directory)
        safetensors.torch.save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    else:
        model.save_pretrained(directory, state_dict=state, max_shard_size=shape.get("shard", "5GB"))
    if shape["names"] == "published":
        # The published configuration predates `rope_parameters` and leaves defaults out.
        (directory / "config.json").write_text(json.dumps({
            "architectures": ["Qwen2AudioForConditionalGeneration"],
            "audio_config": {
                "d_model": shape["d"], "encoder_attention_heads": shape["enc_heads"], "encoder_ffn_dim": shape["enc_ffn"],
                "encoder_layerdrop": 0.0, "encoder_layers": shape["enc_layers"], "model_type": "qwen2_audio_encoder",
                "num_mel_bins": shape["mels"], "max_source_positions": shape["window"], "scale_embedding": False,
                "activation_function": "gelu"},
            "audio_token_index": AUDIO, "ignore_index": -100, "model_type": "qwen2_audio",
            "text_config": {
                "bos_token_id": 0, "eos_token_id": 2, "hidden_size": shape["hidden"], "intermediate_size": shape["ffn"],
                "max_position_embeddings": 8_192, "model_type": "qwen2", "num_attention_heads": shape["heads"],
                "num_hidden_layers": shape["layers"], "num_key_value_heads": shape["kv"], "rms_norm_eps": shape["eps"],
                "rope_theta": shape["theta"], "sliding_window": 32_768, "torch_dtype": "bfloat16", "use_mrope": False,
                "vocab_size": shape["vocab"]},
            "torch_dtype": "bfloat16", "transformers_version": "4.38.1", "vocab_size": shape["vocab"]}, indent=2))
    (directory / "generation_config.json").write_text(
        json.dumps({"do_sample": False, "eos_token_id": [2, 0], "pad_token_id": 0, "max_new_tokens": 32}))
    seconds = shape["window"] // 50
    (directory / "preprocessor_config.json").write_text(json.dumps({
        "chunk_length": seconds, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": shape["mels"],
        "hop_length": 160, "n_fft": 400, "n_samples": seconds * 16_000, "nb_max_frames": seconds * 100,
        "padding_side": "right", "padding_value": 0.0, "return_attention_mask": True, "sampling_rate": 16_000}))
    for file in ["tokenizer_config.json", "chat_template.jinja"]:
        shutil.copy(NANO / file, directory)
    return directory


class Reference(families.Reference):
    def __init__(self, directory: Path):
        super().__init__(directory, Qwen2AudioForConditionalGeneration)
        # transformers 5 keeps no tie for this class: it would leave an output head that is not stored at random.
        if self.model.config.text_config.tie_word_embeddings:
            self.model.lm_head.weight = self.model.model.language_model.embed_tokens.weight
        self.tower = self.model.model.audio_tower
        self.processor = Qwen2AudioProcessor(self.extractor, self.tokenizer, audio_token="<|AUDIO|>")

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        inputs = self.extractor([wave], sampling_rate=16_000, return_attention_mask=True, padding="max_length", return_tensors="pt")
        frames = int(inputs["attention_mask"].sum())
        arguments = dict(input_features=inputs["input_features"], feature_attention_mask=inputs["attention_mask"])
        return arguments, frames, ((frames - 1) // 2 + 1 - 2) // 2 + 1


SLOT = "<|audio_bos|><|AUDIO|><|audio_eos|>"


def random_checkpoint(name: str):
    shape = CHECKPOINTS[name]
    reference = Reference(build(name, shape))
    window = shape["window"] * 320
    lengths = {"tenth": 1_600, "ragged": 1_763, "second": 16_000, "long": 105_600, "window": window}
    clips = {}
    for i, (key, samples) in enumerate(lengths.items()):
        if samples <= window:
            seed = shape["seed"] * 1_000 + i
            clips[key] = reference.clip(key, synthetic_clip(samples, seed), seed=seed)
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12)
    reference.case("tenth", turn(SLOT), [clips["tenth"]])
    reference.case("ragged", turn(SLOT), [clips["ragged"]])
    reference.case("second", turn(SLOT + "What is heard?"), [clips["second"]], continuation=12)
    if "long" in clips:
        reference.case("long", turn(SLOT), [clips["long"]])
    reference.case("several", turn(f"First {SLOT} then {SLOT} and {SLOT}?"),
                   [clips["second"], clips["tenth"], clips["ragged"]], continuation=12)
    reference.case("window", turn(SLOT), [clips["window"]])
    reference.save(HERE / name)


QUESTIONS = {
    "apples": ("Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?", "en-us", 220),
    "days": ("Today is Monday. What day is it in 3 days?", "en-gb", 200),
    "largest": ("Which is the largest of 14, 52 and 31?", "en-us+f3", 210),
    "plus": ("What is 8 plus 5?", "en-us", 210),
}


def cord_nano():
    directory = HERE / "cord-nano"
    directory.mkdir(exist_ok=True)
    reference = Reference(NANO)
    template = (NANO / "chat_template.jinja").read_text()

    def chat(*parts: dict) -> str:
        """One question in the model's own chat format."""
        return reference.tokenizer.apply_chat_template(
            [{"role": "user", "content": list(parts)}], chat_template=template, tokenize=False, add_generation_prompt=True)

    spoken = chat({"type": "audio", "audio_url": "clip"})
    for name, (question, voice, rate) in QUESTIONS.items():
        reference.case(f"typed-{name}", chat({"type": "text", "text": question}), continuation=96)
        file = f"{name}.flac"
        clip = reference.clip(name, espeak(question, voice, rate, directory / file), file=file)
        reference.case(f"spoken-{name}", spoken, [clip], continuation=96)
    clip = reference.clip("window", synthetic_clip(320_000, 7), seed=7)
    reference.case("window", spoken, [clip])
    reference.save(directory)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name in sys.argv[1:] or [*CHECKPOINTS, "cord-nano"]:
        print(name)
        cord_nano() if name == "cord-nano" else random_checkpoint(name)
