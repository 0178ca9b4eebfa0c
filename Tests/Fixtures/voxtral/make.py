"""Random-weight Voxtral checkpoints, what transformers computes on them in float32, and the ids of mistral-common. The layout is that of
../qwen2audio; beside it there are a `tekken.json` with cord-nano's merges and, in `tekken_texts.json`, texts with their ids.

    python make.py [published plain]
"""

import base64
import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from mistral_common.protocol.instruct.chunk import AudioChunk, TextChunk
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.transcription.request import TranscriptionRequest
from mistral_common.tokens.tokenizers.audio import Audio
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from transformers import VoxtralConfig, VoxtralForConditionalGeneration, VoxtralProcessor, WhisperFeatureExtractor

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import families
from families import NANO, synthetic_clip

# As published files have them from 0 on; the names of those that nothing here writes are filled up by mistral-common.
SPECIALS = """<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] [IMG] <pad>
[IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT] [a] [b] [c] [d] [AUDIO] [BEGIN_AUDIO] [e] [f]
[g] [h] [i] [j] [k] [l] [TRANSCRIBE]""".split()
FILLED = 40  # control tokens with those that are filled up
AUDIO = SPECIALS.index("[AUDIO]")
WINDOW = 2  # seconds; published: 30

CHECKPOINTS = {
    "published": dict(
        seed=91, merges=520, hidden=64, heads=4, kv=2, head=32, ffn=96, layers=2, eps=1e-5, theta=1e8, mels=128, d=64, enc_heads=2, enc_layers=2,
        dtype=torch.bfloat16),
    "plain": dict(
        seed=92, merges=0, hidden=48, heads=1, kv=1, head=64, ffn=48, layers=1, eps=1e-6, theta=10_000.0, mels=80, d=32, enc_heads=1,
        enc_layers=1, dtype=torch.float32),
}


def tekken(merges: int) -> dict:
    """Bytes in their order, then what cord-nano's first merges make."""
    spelled = json.loads((NANO / "tokenizer.json").read_text())["model"]["merges"][:merges]
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in plain)}
    pairs = [m if isinstance(m, list) else m.split(" ") for m in spelled]
    tokens = [bytes([b]) for b in range(256)] + [bytes(alphabet[c] for c in "".join(pair)) for pair in pairs]
    assert len(set(tokens)) == len(tokens)
    return dict(
        config=dict(
            pattern=r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
                    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            num_vocab_tokens=len(tokens), default_vocab_size=len(tokens) + FILLED - 3 * (merges > 0),
            default_num_special_tokens=FILLED, version="v7"),
        vocab=[dict(rank=i, token_bytes=base64.b64encode(t).decode(), token_str=None) for i, t in enumerate(tokens)],
        special_tokens=[dict(rank=i, token_str=t, is_control=True) for i, t in enumerate(SPECIALS)],
        audio=dict(sampling_rate=16_000, frame_rate=12.5, chunk_length_s=float(WINDOW),
                   audio_encoding_config=dict(num_mel_bins=128, hop_length=160, window_size=400)))


def build(directory: Path, shape: dict) -> Path:
    tokenizer = tekken(shape["merges"])
    config = VoxtralConfig(
        audio_config=dict(
            model_type="voxtral_encoder", num_mel_bins=shape["mels"], hidden_size=shape["d"], intermediate_size=4 * shape["d"],
            num_hidden_layers=shape["enc_layers"], num_attention_heads=shape["enc_heads"], max_source_positions=50 * WINDOW),
        text_config=dict(
            model_type="llama", vocab_size=tokenizer["config"]["default_vocab_size"], hidden_size=shape["hidden"], intermediate_size=shape["ffn"],
            num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], head_dim=shape["head"],
            max_position_embeddings=8_192, rms_norm_eps=shape["eps"], rope_parameters={"rope_type": "default", "rope_theta": shape["theta"]},
            bos_token_id=1, eos_token_id=2),
        audio_token_id=AUDIO)
    model = VoxtralForConditionalGeneration(config)
    families.randomize(model, shape["seed"])
    model = model.to(shape["dtype"])
    families.emptied(directory)
    model.save_pretrained(directory)
    (directory / "generation_config.json").write_text(json.dumps({"do_sample": False, "eos_token_id": 2, "max_new_tokens": 32}))
    extractor = WhisperFeatureExtractor(feature_size=shape["mels"], chunk_length=WINDOW)
    (directory / "preprocessor_config.json").write_text(json.dumps(
        {k: v for k, v in extractor.to_dict().items() if k != "mel_filters"} | dict(processor_class="VoxtralProcessor"), indent=1))
    (directory / "tekken.json").write_text(json.dumps(tokenizer))
    return directory


class Reference(families.Reference):
    slot, ends = AUDIO, (2,)

    def __init__(self, directory: Path):
        super().__init__(directory, VoxtralForConditionalGeneration)
        self.mistral = MistralTokenizer.from_file(str(directory / "tekken.json"))
        self.tekken = self.mistral.instruct_tokenizer.tokenizer

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        settings = dict(VoxtralProcessor.audio_kwargs, pad_to_multiple_of=16_000 * WINDOW)
        settings.pop("max_source_positions")
        holder = type("Holder", (), dict(feature_extractor=self.extractor))()
        features = VoxtralProcessor._retrieve_input_features(holder, [wave], 100 * WINDOW, **settings)
        return dict(input_features=features), 100 * WINDOW * len(features), 25 * WINDOW // 2 * len(features)

    def ids(self, text: str) -> list[int]:
        """Text between control tokens by mistral-common, each stretch alone."""
        for token in SPECIALS:
            text = text.replace(token, f"\0{token}\0")
        parts = [p for p in text.split("\0") if p]
        return [i for p in parts for i in ([SPECIALS.index(p)] if p in SPECIALS else self.tekken.encode(p, bos=False, eos=False))]

    def decoded(self, ids: list[int]) -> str:
        return self.tekken.decode(ids)

    def sound(self, clip: families.Clip) -> str:
        return Audio(clip.wave, 16_000, "wav").to_base64("wav")

    def chat(self, name: str, conversation: list):
        messages = []
        for role, parts in conversation:
            chunks = [AudioChunk(input_audio=self.sound(p)) if isinstance(p, families.Clip) else TextChunk(text=p) for p in parts]
            kind = dict(user=UserMessage, system=SystemMessage, assistant=AssistantMessage)[role]
            messages.append(kind(content=chunks if role == "user" else parts[0]))
        self.record_chat(name, conversation, self.mistral.encode_chat_completion(ChatCompletionRequest(messages=messages)).tokens)

    def transcription(self, clip: families.Clip, language: str | None) -> list[int]:
        request = TranscriptionRequest(audio=self.sound(clip), language=language, model="", streaming="disabled")
        return self.mistral.encode_transcription(request).tokens


def turn(content: str) -> str:
    return f"<s>[INST]{content}[/INST]"


def cases(reference: Reference, shape: dict):
    # Every clip is filled to whole windows: one short of one, one, one over, several.
    lengths = {"tenth": 1_600, "ragged": 16_123, "short": 31_999, "window": 32_000, "over": 32_001, "long": 3 * 32_000 + 777}
    clips = {
        key: reference.clip(key, synthetic_clip(samples, shape["seed"] * 1_000 + i), seed=shape["seed"] * 1_000 + i)
        for i, (key, samples) in enumerate(lengths.items())}
    sound = "[BEGIN_AUDIO][AUDIO]"
    reference.case("text", turn("Tom has 12 apples. He buys 7 more.") + "12 + 7 = 19.", continuation=12, check=False)
    for name in ["tenth", "ragged", "short", "window", "long"]:
        reference.case(name, turn(sound), [clips[name]], check=False)
    reference.case("over", turn(sound + "What is heard?"), [clips["over"]], continuation=12, check=False)
    reference.case(
        "several", turn(f"First {sound} then {sound} and {sound}?"), [clips["ragged"], clips["over"], clips["tenth"]], continuation=12, check=False)
    if shape["merges"]:
        reference.chat("typed", [("user", ["What is 8 plus 5?"])])
        reference.chat("system", [
            ("system", ["Be brief."]), ("user", ["What is 8 plus 5?"]), ("assistant", ["13"]), ("user", ["And  twice that?\n"])])
        reference.chat("spoken", [("user", [clips["over"]])])
        reference.chat("two", [("user", [clips["tenth"], "What is heard?", "And here?", clips["over"]]), ("assistant", ["A tone."]),
                               ("user", [clips["ragged"], "[INST] is text"])])
        reference.extra["transcriptions"] = [
            dict(clip="over", language=language, input_ids=reference.transcription(clips["over"], language)) for language in [None, "fr"]]
        texts = ["", " ", "Hello, world!", "the thethe  the", "12 + 345 = 357\n\n\nyes", "Grüße, 東京 🙂", "[INST]<s>", "aaaaaaa", "\tx\r\n y/"]
        words = " ".join(json.loads((NANO / "tokenizer.json").read_text())["model"]["vocab"]).replace("Ġ", " ")
        for i in range(40):
            start = random.Random(i).randrange(len(words) - 200)
            texts.append(words[start : start + 160].replace(" ", "" if i % 2 else " "))
        (reference.directory / "tekken_texts.json").write_text(json.dumps(
            [dict(text=t, ids=reference.tekken.encode(t, bos=False, eos=False)) for t in texts], ensure_ascii=False, indent=1))
    reference.adapter(r".*\.(q_proj|k_proj|o_proj|out_proj|fc1|up_proj|down_proj|linear_1|linear_2)", "over", 7)
    reference.save()


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CHECKPOINTS:
        print(name)
        cases(Reference(build(HERE / name, CHECKPOINTS[name])), CHECKPOINTS[name])
