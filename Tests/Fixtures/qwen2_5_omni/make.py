"""Random-weight thinkers of Qwen2.5-Omni and what transformers computes on them, in float32. The layout is that of ../qwen2audio.

    python make.py [published plain]

`published` has the configuration and the names of the whole model, with a voice that is not read; `plain` those of the thinker alone.
"""

import json
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration, WhisperFeatureExtractor

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, NANO, synthetic_clip, turn

SLOT = "<|audio_bos|><|AUDIO|><|audio_eos|>"

# `chunk` is n_window: half the frames that the encoder takes at once, which are as many positions.
CHECKPOINTS = {
    "published": dict(
        seed=71, vocab=816, hidden=64, heads=2, kv=1, ffn=96, layers=2, eps=1e-6, tied=False, mels=128, d=64, enc_heads=2, enc_ffn=80,
        enc_layers=2, chunk=8, dtype=torch.bfloat16),
    "plain": dict(
        seed=72, vocab=272, hidden=64, heads=1, kv=1, ffn=48, layers=1, eps=1e-6, tied=True, mels=80, d=32, enc_heads=1, enc_ffn=48,
        enc_layers=1, chunk=7, dtype=torch.float32),
}


def build(directory: Path, shape: dict) -> Path:
    head = shape["hidden"] // shape["heads"]
    config = Qwen2_5OmniThinkerConfig(
        audio_config=dict(
            num_mel_bins=shape["mels"], encoder_layers=shape["enc_layers"], encoder_attention_heads=shape["enc_heads"],
            encoder_ffn_dim=shape["enc_ffn"], d_model=shape["d"], max_source_positions=shape.get("positions", 60), n_window=shape["chunk"], output_dim=shape["hidden"]),
        vision_config=dict(depth=1, hidden_size=16, intermediate_size=16, num_heads=2, out_hidden_size=shape["hidden"], patch_size=4),
        text_config=dict(
            vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"], num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], max_position_embeddings=8_192, rms_norm_eps=shape["eps"],
            rope_parameters={
                "rope_type": "default", "rope_theta": 1_000_000.0,
                "mrope_section": [head // 2 - 2 * (head // 8), head // 8, head // 8]},
            bos_token_id=None, eos_token_id=2),
        audio_token_id=AUDIO, image_token_id=shape["vocab"] - 1, video_token_id=shape["vocab"] - 2,
        vision_start_token_id=shape["vocab"] - 3, tie_word_embeddings=shape["tied"])
    model = Qwen2_5OmniThinkerForConditionalGeneration(config)
    families.randomize(model, shape["seed"])
    model = model.to(shape["dtype"])
    families.emptied(directory)
    model.save_pretrained(directory)
    if directory.name == "published":
        # The whole model's directory: its configuration around the thinker's, and a tensor of the voice.
        thinker = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps(
            {"architectures": ["Qwen2_5OmniModel"], "model_type": "qwen2_5_omni", "enable_audio_output": True, "thinker_config": thinker}, indent=1))
        path = directory / "model.safetensors"
        tensors = {f"thinker.{k}": v for k, v in safetensors.torch.load_file(path).items()}
        tensors["talker.codec_head.weight"] = torch.zeros(4, 8, dtype=shape["dtype"])
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "eos_token_id": [2, 0], "max_new_tokens": 32}))
    extractor = WhisperFeatureExtractor(feature_size=shape["mels"], chunk_length=300, return_attention_mask=True)
    (directory / "preprocessor_config.json").write_text(json.dumps(
        {k: v for k, v in extractor.to_dict().items() if k != "mel_filters"}, indent=1))
    (directory / "chat_template.jinja").write_text((NANO / "chat_template.jinja").read_text())
    return directory


class Reference(families.Reference):
    def __init__(self, directory: Path):
        super().__init__(directory, Qwen2_5OmniThinkerForConditionalGeneration)

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        inputs = self.extractor([wave], sampling_rate=16_000, return_attention_mask=True, padding="max_length", return_tensors="pt")
        frames = int(inputs["attention_mask"].sum())
        arguments = dict(input_features=inputs["input_features"], feature_attention_mask=inputs["attention_mask"])
        return arguments, frames, ((frames - 1) // 2 + 1 - 2) // 2 + 1

    def processed(self, text: str, clips: list) -> list[int]:
        """As the processor expands it, without the image and video processors that it needs."""
        for clip in clips:
            text = text.replace("<|AUDIO|>", "<|wait|>" * clip.tokens, 1)
        return self.tokenizer(text.replace("<|wait|>", "<|AUDIO|>"))["input_ids"]


def cases(reference: Reference, shape: dict):
    chunk = 2 * shape["chunk"]
    # In frames: each remainder of the pooling, one short of a chunk, a chunk, one over.
    lengths = {
        "tenth": 1_600, "ragged": 1_763, "short": (chunk - 1) * 160, "chunk": chunk * 160, "over": (chunk + 1) * 160,
        "odd": (3 * chunk + 5) * 160 - 31, "second": 16_000, "long": 61_234}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12)
    for name in ["tenth", "ragged", "short", "chunk", "over", "odd", "long"]:
        reference.case(name, turn(SLOT), [clips[name]])
    reference.case("second", turn(SLOT + "What is heard?"), [clips["second"]], continuation=12)
    reference.case("several", turn(f"First {SLOT} then {SLOT} and {SLOT}?"), [clips["second"], clips["odd"], clips["ragged"]], continuation=12)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("user", ["What is 8 plus 5?"])])
        reference.chat("spoken", [("user", [clips["second"]])])
        reference.chat("two", [("system", ["Be brief."]), ("user", [clips["tenth"], "What is heard?", clips["second"]])])
    reference.adapter(r".*(audio_tower|language_model).*\.(q_proj|k_proj|o_proj|out_proj|fc1|up_proj|down_proj|proj)", "odd", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name])), CHECKPOINTS[name])
