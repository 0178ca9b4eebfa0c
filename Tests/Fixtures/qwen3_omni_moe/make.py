"""Random-weight thinkers of Qwen3-Omni and what transformers computes on them, in float32. The layout is that of ../qwen2audio.

    python make.py [published plain]

`published` has the configuration and the names of the whole model, with a voice that is not read; `plain` those of the thinker alone. Published
files hold each expert by itself, as they are saved here, too.
"""

import json
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from transformers import Qwen3OmniMoeThinkerConfig, Qwen3OmniMoeThinkerForConditionalGeneration, WhisperFeatureExtractor

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, NANO, synthetic_clip, turn

SLOT = "<|audio_bos|><|AUDIO|><|audio_eos|>"

# `channels` are the image's after each convolution, `reach` the log-mel frames that attend to one another, `chosen` a row's experts.
CHECKPOINTS = {
    "published": dict(
        seed=111, vocab=816, hidden=64, heads=4, kv=2, head=32, expert=24, experts=8, chosen=3, normalizes=True, layers=2, eps=1e-6, mels=128,
        d=64, enc_heads=2, enc_ffn=80, enc_layers=2, channels=16, reach=800, dtype=torch.bfloat16),
    "plain": dict(
        seed=112, vocab=272, hidden=64, heads=1, kv=1, head=64, expert=16, experts=4, chosen=2, normalizes=False, layers=1, eps=1e-5, mels=80,
        d=32, enc_heads=1, enc_ffn=48, enc_layers=1, channels=8, reach=200, dtype=torch.float32),
}


def build(directory: Path, shape: dict) -> Path:
    half = shape["head"] // 2
    config = Qwen3OmniMoeThinkerConfig(
        audio_config=dict(
            num_mel_bins=shape["mels"], encoder_layers=shape["enc_layers"], encoder_attention_heads=shape["enc_heads"],
            encoder_ffn_dim=shape["enc_ffn"], d_model=shape["d"], n_window=50, n_window_infer=shape["reach"],
            downsample_hidden_size=shape["channels"], output_dim=shape["hidden"]),
        vision_config=dict(
            depth=1, hidden_size=16, intermediate_size=16, num_heads=2, out_hidden_size=shape["hidden"], patch_size=4, num_position_embeddings=16,
            deepstack_visual_indexes=[0]),
        text_config=dict(
            vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=32, num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], head_dim=shape["head"], max_position_embeddings=8_192,
            rms_norm_eps=shape["eps"], num_experts=shape["experts"], num_experts_per_tok=shape["chosen"], moe_intermediate_size=shape["expert"],
            norm_topk_prob=shape["normalizes"],
            rope_parameters={
                "rope_type": "default", "rope_theta": 1_000_000.0, "mrope_interleaved": True,
                "mrope_section": [half - 2 * (half // 4), half // 4, half // 4]},
            eos_token_id=2),
        vision_start_token_id=shape["vocab"] - 3, audio_token_id=AUDIO, image_token_id=shape["vocab"] - 1, video_token_id=shape["vocab"] - 2, tie_word_embeddings=False)
    model = Qwen3OmniMoeThinkerForConditionalGeneration(config)
    families.randomize(model, shape["seed"])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "experts" in name:  # one matrix an expert
                parameter.copy_(parameter * parameter[0].numel() ** 0.5 / parameter.shape[2] ** 0.5)
    model = model.to(shape["dtype"])
    families.emptied(directory)
    model.save_pretrained(directory)
    path = directory / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    assert any(k.endswith("mlp.experts.0.gate_proj.weight") for k in tensors), sorted(tensors)
    if directory.name == "published":
        thinker = json.loads((directory / "config.json").read_text())
        (directory / "config.json").write_text(json.dumps(
            {"architectures": ["Qwen3OmniMoeForConditionalGeneration"], "model_type": "qwen3_omni_moe", "enable_audio_output": True,
             "thinker_config": thinker}, indent=1))
        tensors = {f"thinker.{k}": v for k, v in tensors.items()}
        tensors["talker.codec_head.weight"] = tensors["code2wav.code_embedding.weight"] = torch.zeros(4, 8, dtype=shape["dtype"])
        tensors["code2wav.code_embedding.weight"] = torch.zeros(4, 8, dtype=shape["dtype"])
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "eos_token_id": [2, 0], "max_new_tokens": 32}))
    extractor = WhisperFeatureExtractor(feature_size=shape["mels"], return_attention_mask=True)
    (directory / "preprocessor_config.json").write_text(json.dumps(
        {k: v for k, v in extractor.to_dict().items() if k != "mel_filters"}, indent=1))
    (directory / "chat_template.jinja").write_text((NANO / "chat_template.jinja").read_text())
    return directory


class Reference(families.Reference):
    def __init__(self, directory: Path):
        super().__init__(directory, Qwen3OmniMoeThinkerForConditionalGeneration)
        # Experts one by one: grouped products differ in the last bits.
        self.model.config.text_config._experts_implementation = "eager"

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        """Of the clip alone: what the processor makes of it depends on the longest beside it."""
        inputs = self.extractor(
            [wave], sampling_rate=16_000, return_attention_mask=True, padding=True, truncation=False, return_tensors="pt")
        frames = int(inputs["attention_mask"].sum())
        left = frames % 100
        for _ in range(3):
            left = (left - 1) // 2 + 1
        arguments = dict(input_features=inputs["input_features"], feature_attention_mask=inputs["attention_mask"])
        return arguments, frames, left + frames // 100 * 13

    def inputs(self, prompt: list[int], clips: list):
        """Clips of other lengths are filled to the longest after their log-mel. Of several, none may be under a second: the encoder fills
        its chunks to the longest in the call."""
        assert len(clips) < 2 or all(len(c.wave) >= 16_000 for c in clips)
        longest = max([c.arguments["input_features"].shape[2] for c in clips], default=0)
        filled = [
            families.Clip(c.key, c.wave, c.tokens, {
                k: torch.nn.functional.pad(v, (0, longest - c.arguments["input_features"].shape[2])) for k, v in c.arguments.items()})
            for c in clips]
        return super().inputs(prompt, filled)

    def processed(self, text: str, clips: list) -> list[int]:
        """As the processor expands it, without the image and video processors that it needs."""
        for clip in clips:
            text = text.replace("<|AUDIO|>", "<|wait|>" * clip.tokens, 1)
        return self.tokenizer(text.replace("<|wait|>", "<|AUDIO|>"))["input_ids"]


def cases(reference: Reference, shape: dict):
    # The shortest that the extractor takes; each remainder of the convolutions; a chunk, one short, one over; beyond what attends to one another.
    lengths = {
        "least": 201, "tenth": 1_600, "ragged": 8_123, "short": 99 * 160, "second": 16_000, "over": 101 * 160 + 3, "odd": 253 * 160 + 77,
        "long": shape["reach"] * 160 + 21_111}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12)
    for name in ["least", "tenth", "ragged", "short", "over", "odd", "long"]:
        reference.case(name, turn(SLOT), [clips[name]])
    reference.case("second", turn(SLOT + "What is heard?"), [clips["second"]], continuation=12)
    reference.case("several", turn(f"First {SLOT} then {SLOT} and {SLOT}?"), [clips["second"], clips["odd"], clips["over"]], continuation=12)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("user", ["What is 8 plus 5?"])])
        reference.chat("spoken", [("user", [clips["second"]])])
        reference.chat("two", [("system", ["Be brief."]), ("user", [clips["tenth"], "What is heard?", clips["odd"]])])
    reference.adapter(r".*(audio_tower|language_model).*\.?(q_proj|k_proj|o_proj|out_proj|fc1|conv_out|proj1|proj2)", "odd", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name])), CHECKPOINTS[name])
