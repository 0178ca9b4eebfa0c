#!/usr/bin/env python3
"""transformers as a peer: answers spoken questions one by one, or many in batches.

Needs: torch (CPU), transformers, soundfile (`peers.sh` installs them into $CORD_PEERS/python).
Usage: transformers_peer.py answer MODEL THREADS
           reads lines `{"wav": path, "text": prompt, "tokens": n}` and writes `{"first": s, "rate": tokens/s, "processor": s}`,
           in the checkpoint's own precision; n tokens are written whatever they are
       transformers_peer.py family MODEL THREADS FAMILY
           the same of a family's reference, in bfloat16: the class that its fixtures are made with (needs peft, too)
       transformers_peer.py batches MODEL THREADS DTYPE ITEMS.jsonl ARM,… BATCH …
           greedy answers in float32 or bfloat16 to items `{"id", "text", "audio"}` (audio: a path beside the file), each batch size in turn, its
           clips decoded before; prints `{"arm", "batch", "items", "seconds", "rate"}` per arm and batch size
"""
import json
import pathlib
import sys
import time

import soundfile
import torch
from transformers import AutoTokenizer, Qwen2AudioForConditionalGeneration, WhisperFeatureExtractor


class Model:
    def __init__(self, directory, dtype):
        self.tokenizer = AutoTokenizer.from_pretrained(directory, padding_side="left")
        self.extractor = WhisperFeatureExtractor.from_pretrained(directory)
        self.model = Qwen2AudioForConditionalGeneration.from_pretrained(directory, dtype=dtype).eval()
        self.slot = self.model.config.audio_token_index

    def inputs(self, prompts):
        """Inputs of a batch of prompts, each `(samples or None, text)`; texts and clips are not mixed within a batch."""
        ids, clips = [], []
        for samples, text in prompts:
            content = [{"type": "audio"}] if samples is not None else []
            if text:
                content.append({"type": "text", "text": text})
            messages = [{"role": "user", "content": content}]
            chat = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            tokens = self.tokenizer(chat, add_special_tokens=False)["input_ids"]
            if samples is not None:
                frames = (len(samples) + self.extractor.hop_length - 1) // self.extractor.hop_length
                count = ((frames - 1) // 2 + 1 - 2) // 2 + 1
                at = tokens.index(self.slot)
                tokens[at : at + 1] = [self.slot] * count
                clips.append(samples)
            ids.append(tokens)
        width = max(map(len, ids))
        pad = self.tokenizer.pad_token_id
        result = {
            "input_ids": torch.tensor([[pad] * (width - len(row)) + row for row in ids]),
            "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids]),
        }
        if clips:
            features = self.extractor(
                clips, sampling_rate=16000, padding="max_length", return_attention_mask=True, return_tensors="pt")
            result["input_features"] = features["input_features"].to(self.model.dtype)
            result["feature_attention_mask"] = features["attention_mask"]
        return result

    @torch.inference_mode()
    def generate(self, prompts, **options):
        return self.model.generate(**self.inputs(prompts), do_sample=False, **options)


class Reference:
    """A family by the class that the tests' expectations come from (Tests/Fixtures/FAMILY/make.py), as fast as PyTorch has it."""

    def __init__(self, directory, family):
        root = pathlib.Path(__file__).resolve().parents[2]
        sys.path += [str(root / "Tests/Fixtures"), str(root / "benchmarks"), str(root / "benchmarks/quality")]
        import families
        import published_width

        self.collapsed = published_width.collapsed
        families.Reference.dtype, families.Reference.attention = torch.bfloat16, "sdpa"
        self.made = families.generator(family).Reference(pathlib.Path(directory))
        self.model = self.made.model.to(torch.bfloat16)
        self.asked = {}
        if not hasattr(self.model, "generate"):
            # A class of our own: one pass, whose head sees the last row alone, as `generate` has it.
            self.model.model.set_attn_implementation("sdpa")
            self.model.lm_head.register_forward_pre_hook(lambda _, arguments: (arguments[0][:, -1:],))

    @torch.inference_mode()
    def generate(self, prompts, streamer, max_new_tokens, min_new_tokens):
        (samples, text), = prompts
        clip = self.made.clip("question", (samples * 32_768).astype("int16"))
        if text not in self.asked:
            # Template and tokens of a question are the same for all clips of one length, and are not timed.
            self.made.chat("question", [("user", [clip, text])])
            self.asked[text] = self.collapsed(self.made.extra["chats"][-1]["input_ids"], self.made, [clip])
        _, arguments = self.made.inputs(self.asked[text], [clip])
        arguments = {k: v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in arguments.items()}
        if hasattr(self.model, "generate"):
            self.model.generate(
                **arguments, do_sample=False, streamer=streamer, max_new_tokens=max_new_tokens, min_new_tokens=min_new_tokens)
        else:
            streamer.put(arguments["input_ids"])
            streamer.put(self.model(**arguments).logits[:, -1].argmax(-1))


class Clock:
    """A streamer that notes when tokens come. The first thing that `generate` streams is the prompt."""

    def __init__(self):
        self.times = []
        self.used = []

    def put(self, _):
        self.used.append(time.process_time())
        self.times.append(time.perf_counter())

    def end(self):
        pass


def answer(model):
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        clock, start, used = Clock(), time.perf_counter(), time.process_time()
        samples = soundfile.read(asked["wav"], dtype="float32")[0] if asked.get("wav") else None
        model.generate(
            [(samples, asked["text"])], streamer=clock, max_new_tokens=asked["tokens"], min_new_tokens=asked["tokens"])
        times = clock.times[1:]
        rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0
        print(json.dumps({"first": times[0] - start, "rate": rate, "processor": clock.used[1] - used}), flush=True)


def batches(directory, dtype, manifest, wanted, sizes):
    model = Model(directory, dtype)
    path = pathlib.Path(manifest)
    items = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    prompts = {
        "spoken": lambda item: (soundfile.read(path.parent / item["audio"], dtype="float32")[0], ""),
        "typed": lambda item: (None, item["text"]),
    }
    for arm in wanted:
        # Neighbours in length share a batch, which wastes the least padding.
        asked = sorted(map(prompts[arm], items), key=lambda prompt: len(prompt[1] if arm == "typed" else prompt[0]))
        for size in sizes:
            model.generate(asked[:size], max_new_tokens=8)
            start = time.perf_counter()
            for at in range(0, len(asked), size):
                model.generate(asked[at : at + size])
            seconds = time.perf_counter() - start
            print(json.dumps({"arm": arm, "batch": size, "items": len(items), "seconds": seconds,
                              "rate": len(items) / seconds}), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    if sys.argv[1] == "answer":
        answer(Model(sys.argv[2], "auto"))
    elif sys.argv[1] == "family":
        answer(Reference(sys.argv[2], sys.argv[4]))
    else:
        batches(sys.argv[2], getattr(torch, sys.argv[4]), sys.argv[5], sys.argv[6].split(","), [int(size) for size in sys.argv[7:]])
