"""Random-weight Qwen3-ASR checkpoints and what transformers computes on them, in float32. The layout is that of ../qwen2audio.

    python make.py [published plain]
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen3ASRConfig, Qwen3ASRFeatureExtractor, Qwen3ASRForConditionalGeneration

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, NANO, synthetic_clip, turn

SLOT = "<|audio_bos|><|AUDIO|><|audio_eos|>"

# `channels` are the image's after each convolution, `reach` the log-mel frames that attend to one another.
CHECKPOINTS = {
    "published": dict(
        seed=81, vocab=816, hidden=64, heads=4, kv=2, head=32, ffn=96, layers=2, eps=1e-6, tied=True, mels=128, d=64, enc_heads=2, enc_ffn=80,
        enc_layers=2, channels=16, reach=800, dtype=torch.bfloat16),
    "plain": dict(
        seed=82, vocab=272, hidden=64, heads=1, kv=1, head=64, ffn=48, layers=1, eps=1e-5, tied=False, mels=80, d=32, enc_heads=1, enc_ffn=48,
        enc_layers=1, channels=8, reach=200, dtype=torch.float32),
}


def build(directory: Path, shape: dict) -> Path:
    config = Qwen3ASRConfig(
        audio_config=dict(
            model_type="qwen3_asr_encoder", num_mel_bins=shape["mels"], encoder_layers=shape["enc_layers"],
            encoder_attention_heads=shape["enc_heads"], encoder_ffn_dim=shape["enc_ffn"], d_model=shape["d"], n_window=50,
            n_window_infer=shape["reach"], downsample_hidden_size=shape["channels"], output_dim=shape["hidden"]),
        text_config=dict(
            model_type="qwen3", vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"],
            num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], head_dim=shape["head"],
            max_position_embeddings=8_192, rms_norm_eps=shape["eps"], tie_word_embeddings=shape["tied"],
            rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0}, bos_token_id=None, eos_token_id=2),
        audio_token_id=AUDIO, eos_token_id=[0, 2], pad_token_id=0, tie_word_embeddings=shape["tied"])
    model = Qwen3ASRForConditionalGeneration(config)
    families.randomize(model, shape["seed"])
    model = model.to(shape["dtype"])
    families.emptied(directory)
    model.save_pretrained(directory)
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "eos_token_id": [2, 0], "max_new_tokens": 32}))
    extractor = Qwen3ASRFeatureExtractor(feature_size=shape["mels"])
    (directory / "processor_config.json").write_text(json.dumps(
        dict(feature_extractor={k: v for k, v in extractor.to_dict().items() if k != "mel_filters"}, processor_class="Qwen3ASRProcessor"), indent=1))
    (directory / "chat_template.jinja").write_text((NANO / "chat_template.jinja").read_text())
    return directory


class Reference(families.Reference):
    extractor_class = Qwen3ASRFeatureExtractor

    def __init__(self, directory: Path):
        super().__init__(directory, Qwen3ASRForConditionalGeneration)

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        inputs = self.extractor([wave], sampling_rate=16_000, return_attention_mask=True, padding=True, return_tensors="pt")
        frames = int(inputs["attention_mask"].sum())
        arguments = dict(input_features=inputs["input_features"], input_features_mask=inputs["attention_mask"])
        left = frames % 100
        for _ in range(3):
            left = (left - 1) // 2 + 1
        return arguments, frames, left + frames // 100 * 13

    def inputs(self, prompt: list[int], clips: list):
        """Clips of other lengths are filled to the longest after their log-mel: each is heard as if alone."""
        longest = max([c.arguments["input_features"].shape[2] for c in clips], default=0)
        filled = [
            families.Clip(c.key, c.wave, c.tokens, {
                k: torch.nn.functional.pad(v, (0, longest - c.arguments["input_features"].shape[2])) for k, v in c.arguments.items()})
            for c in clips]
        return super().inputs(prompt, filled)

    def processed(self, text: str, clips: list) -> list[int]:
        """As the processor expands it, which takes one clip a text and a tokenizer that knows its tokens."""
        for clip in clips:
            text = text.replace("<|AUDIO|>", "<|wait|>" * clip.tokens, 1)
        return self.tokenizer(text.replace("<|wait|>", "<|AUDIO|>"))["input_ids"]


def cases(reference: Reference, shape: dict):
    # Shorter than the least; each remainder of the convolutions; a chunk, one short, one over; beyond what attends to one another.
    lengths = {
        "tenth": 1_600, "ragged": 8_123, "short": 99 * 160, "second": 16_000, "over": 101 * 160, "odd": 253 * 160 + 77,
        "long": shape["reach"] * 160 + 21_111}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12)
    for name in ["tenth", "ragged", "short", "over", "odd", "long"]:
        reference.case(name, turn(SLOT), [clips[name]])
    reference.case("second", turn(SLOT + "What is heard?"), [clips["second"]], continuation=12)
    reference.case("several", turn(f"First {SLOT} then {SLOT} and {SLOT}?"), [clips["second"], clips["odd"], clips["tenth"]], continuation=12)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("user", ["What is 8 plus 5?"])])
        reference.chat("spoken", [("user", [clips["second"]])])
        reference.chat("two", [("system", ["Be brief."]), ("user", [clips["tenth"], "What is heard?", clips["odd"]])])
    reference.adapter(
        r".*(audio_tower|language_model|multi_modal_projector).*\.?(q_proj|k_proj|o_proj|out_proj|fc1|up_proj|down_proj|conv_out|linear_1|linear_2)",
        "odd", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name])), CHECKPOINTS[name])
