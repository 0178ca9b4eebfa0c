"""Random-weight Music Flamingo checkpoints and what transformers computes on them, in float32. The layout is that of ../qwen2audio.

    python make.py [published plain]
"""

import sys
from pathlib import Path

import torch
from transformers import MusicFlamingoConfig, MusicFlamingoForConditionalGeneration, MusicFlamingoProcessor

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import CLOSING, OPENING

flamingo = families.generator("audioflamingo3")

# Of the time's rotation, θ must be at least the rows of a window.
CHECKPOINTS = {
    "published": flamingo.CHECKPOINTS["published"] | dict(seed=61, rotary={"rope_type": "default", "rope_theta": 1200, "partial_rotary_factor": 0.2}),
    "plain": flamingo.CHECKPOINTS["plain"] | dict(seed=62, rotary={"rope_type": "default", "rope_theta": 57.0, "partial_rotary_factor": 0.25}),
}
AROUND = dict(audio_bos_token="<|audio_bos|>", audio_eos_token="<|audio_eos|>")


class Reference(flamingo.Reference):
    around = ([OPENING], [CLOSING])

    def __init__(self, directory: Path):
        super().__init__(directory, MusicFlamingoForConditionalGeneration, MusicFlamingoProcessor, **AROUND)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        shape = CHECKPOINTS[name]
        config = flamingo.configuration(
            shape, MusicFlamingoConfig, audio_bos_token_id=OPENING, audio_eos_token_id=CLOSING, rope_parameters=shape["rotary"])
        model = MusicFlamingoForConditionalGeneration(config)
        flamingo.cases(Reference(flamingo.build(HERE / name, shape, model, MusicFlamingoProcessor, **AROUND)), shape, sliver=False)
