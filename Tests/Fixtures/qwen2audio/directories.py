"""What transformers makes of directories as people have them: processor_config.json and rope.json.

    python directories.py       needs what make.py needs
"""

import json
import logging
import tempfile
from pathlib import Path

import transformers
from transformers import PreTrainedTokenizerFast, Qwen2AudioProcessor, Qwen2Config, WhisperFeatureExtractor

from make import HERE, NANO

# Members of text_config, as configurations write the rotary positions.
ROPE = [
    {}, dict(rope_theta=500_000.0), dict(rope_parameters=dict(rope_type="default", rope_theta=20_000.0)),
    dict(rope_parameters=dict(type="default", rope_theta=20_000.0)), dict(rope_parameters=dict(rope_theta=30_000.0), rope_theta=500_000.0),
    dict(rope_parameters=dict(rope_type="default"), rope_theta=500_000.0), dict(rope_scaling=None, rope_theta=500_000.0),
    dict(rope_scaling=dict(type="default"), rope_theta=500_000.0), dict(rope_scaling=dict(type="default", rope_theta=40_000.0), rope_theta=500_000.0),
    dict(rope_scaling={}, rope_parameters=dict(rope_type="default", rope_theta=20_000.0)),
    dict(rope_scaling=dict(type="default"), rope_parameters=dict(rope_type="default", rope_theta=20_000.0)),
    dict(rope_scaling=dict(type="linear", factor=4.0)), dict(rope_scaling=dict(rope_type="linear", factor=4.0), rope_theta=10_000.0),
    dict(rope_scaling=dict(type="dynamic", factor=2.0)), dict(rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=32_768)),
    dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10_000.0)),
    dict(rope_parameters=dict(type="linear", factor=4.0, rope_theta=10_000.0)),
    dict(rope_parameters=dict(rope_type="yarn", factor=4.0, rope_theta=1e6, original_max_position_embeddings=32_768)),
    dict(rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8_192)),
    dict(rope_parameters=dict(full_attention=dict(rope_type="linear", factor=4.0, rope_theta=10_000.0))),
]

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    extractor = WhisperFeatureExtractor.from_pretrained(HERE / "published")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(NANO / "tokenizer.json"))
    with tempfile.TemporaryDirectory() as place:
        Qwen2AudioProcessor(extractor, tokenizer, audio_token="<|AUDIO|>").save_pretrained(place)
        assert not (Path(place) / "preprocessor_config.json").exists()
        (HERE / "processor_config.json").write_text((Path(place) / "processor_config.json").read_text())
    cases = []
    for members in ROPE:
        made = Qwen2Config(**json.loads(json.dumps(members)))
        nested = made.rope_parameters.get("full_attention", made.rope_parameters)
        cases.append(dict(text_config=members, rope_type=nested["rope_type"], rope_theta=nested["rope_theta"]))
    (HERE / "rope.json").write_text(json.dumps(dict(generator=f"transformers {transformers.__version__}", cases=cases), indent=1) + "\n")
