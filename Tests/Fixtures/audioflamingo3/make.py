"""Random-weight Audio Flamingo 3 checkpoints and what transformers computes on them, in float32. The layout is that of ../qwen2audio.

    python make.py [published plain]
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AudioFlamingo3Config,
    AudioFlamingo3ForConditionalGeneration,
    AudioFlamingo3Processor,
    WhisperFeatureExtractor,
)

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import AUDIO, SLOT, synthetic_clip, turn

# A clip's slots come first in its message, whatever stands before it; several clips of one message have one run.
TEMPLATE = """\
{% if messages[0]['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}{% for message in messages if message['content'] is not none %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}{% set heard = namespace(any=False) %}\
{% for part in message['content'] %}{% if part.get('type') == 'audio' %}{% set heard.any = True %}{% endif %}{% endfor %}\
{% if heard.any %}<|AUDIO|>{% endif %}{% for part in message['content'] %}{{ part.get('text', '') }}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

# `window` is in encoder positions, 50 a second; `longest` in seconds.
CHECKPOINTS = {
    "published": dict(
        seed=51, vocab=816, hidden=64, heads=2, kv=1, ffn=96, layers=2, eps=1e-6, theta=1_000_000.0, mels=128, d=64, enc_heads=2,
        enc_ffn=80, enc_layers=2, window=200, longest=13, bias=True, dtype=torch.bfloat16),
    "plain": dict(  # no biases in the projector, one head of 64 over itself, float32
        seed=52, vocab=272, hidden=64, heads=1, kv=1, ffn=48, layers=1, eps=1e-5, theta=10_000.0, mels=80, d=32, enc_heads=1,
        enc_ffn=48, enc_layers=1, window=100, longest=6, bias=False, dtype=torch.float32),
}


def configuration(shape: dict, config_class=AudioFlamingo3Config, **more):
    return config_class(
        audio_config=dict(
            model_type="audioflamingo3_encoder", num_mel_bins=shape["mels"], num_hidden_layers=shape["enc_layers"],
            num_attention_heads=shape["enc_heads"], intermediate_size=shape["enc_ffn"], hidden_size=shape["d"],
            max_source_positions=shape["window"]),
        text_config=dict(
            model_type="qwen2", vocab_size=shape["vocab"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"],
            num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"],
            max_position_embeddings=8_192, rms_norm_eps=shape["eps"],
            rope_parameters={"rope_type": "default", "rope_theta": shape["theta"]}, bos_token_id=None, eos_token_id=2),
        audio_token_id=AUDIO, projector_bias=shape["bias"], **more)


def build(directory: Path, shape: dict, model, processor_class, **more) -> Path:
    families.randomize(model, shape["seed"])
    model = model.to(shape["dtype"])
    families.emptied(directory)
    model.save_pretrained(directory)
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "eos_token_id": [2, 0], "max_new_tokens": 32}))
    extractor = WhisperFeatureExtractor(
        feature_size=shape["mels"], chunk_length=shape["window"] // 50, return_attention_mask=True)
    (directory / "processor_config.json").write_text(json.dumps(
        dict(feature_extractor=extractor.to_dict(), max_audio_len=shape["longest"], processor_class=processor_class.__name__, **more),
        indent=1))
    (directory / "chat_template.jinja").write_text(TEMPLATE)
    return directory


class Reference(families.Reference):
    def __init__(self, directory: Path, model_class=AudioFlamingo3ForConditionalGeneration, processor_class=AudioFlamingo3Processor, **more):
        super().__init__(directory, model_class)
        longest = json.loads((directory / "processor_config.json").read_text())["max_audio_len"]
        self.processor = processor_class(self.extractor, self.tokenizer, audio_token=SLOT, max_audio_len=longest, **more)

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        window = self.extractor.n_samples
        windows = [wave[i : i + window] for i in range(0, len(wave), window)]
        inputs = self.extractor(windows, sampling_rate=16_000, return_attention_mask=True, padding="max_length", return_tensors="pt")
        frames = int(inputs["attention_mask"].sum())
        arguments = dict(input_features=inputs["input_features"], input_features_mask=inputs["attention_mask"])
        return arguments, frames, ((frames - 1) // 2 + 1 - 2) // 2 + 1


def cases(reference: Reference, shape: dict, sliver: bool = True):
    """`sliver`: whether the family takes a last window that is too short for an embedding."""
    second, window = 16_000, shape["window"] * 320
    lengths = {
        "tenth": 1_600, "ragged": 1_763, "second": second, "window": window, "sliver": window + 1, "two": window + second,
        "longest": 3 * window}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12)
    for name in ["tenth", "ragged", "window", *(["sliver"] if sliver else []), "longest"]:
        reference.case(name, turn(SLOT), [clips[name]])
    reference.case("second", turn(SLOT + "What is heard?"), [clips["second"]], continuation=12)
    reference.case("two", turn(SLOT + "What is heard?"), [clips["two"]], continuation=12)
    # The processor takes one clip a text; the model takes several.
    reference.case("several", turn(f"First {SLOT} then {SLOT} and {SLOT}?"), [clips["second"], clips["two"], clips["ragged"]],
                   continuation=12, check=False)
    if shape["vocab"] >= 816:
        reference.chat("typed", [("user", ["What is 8 plus 5?"])])
        reference.chat("spoken", [("user", [clips["two"]])])
        reference.chat("question", [("system", ["Be brief."]), ("user", ["What is heard?", clips["second"]])])
    reference.adapter(r".*\.(q_proj|k_proj|o_proj|out_proj|fc1|up_proj|down_proj|linear_1|linear_2)", "two", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        shape = CHECKPOINTS[name]
        model = AudioFlamingo3ForConditionalGeneration(configuration(shape))
        cases(Reference(build(HERE / name, shape, model, AudioFlamingo3Processor)), shape)
