"""What the generators of all families share: clips, random weights, and a checkpoint in transformers that writes what it computes.

A family's `make.py` builds tiny random checkpoints and subclasses `Reference` with how its clips become arguments of the model.
"""

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import peft
import safetensors.torch
import torch
import transformers
from transformers import PreTrainedTokenizerFast, WhisperFeatureExtractor

NANO = Path(__file__).resolve().parents[2] / "Sources" / "Model" / "CordNano" / "Checkpoint"
# Ids of cord-nano's tokenizer.json, which all fixtures share: the slot, what opens and closes a clip, the end of a turn.
AUDIO, OPENING, CLOSING, END = 4, 3, 5, 2
TOP = 8
ROWS = 6  # projected audio embeddings kept per clip


def generator(family: str):
    """The `make.py` of another family."""
    spec = importlib.util.spec_from_file_location(f"{family}_make", Path(__file__).resolve().parent / family / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def synthetic_clip(samples: int, seed: int) -> np.ndarray:
    """A sweeping triangle wave plus noise, 16-bit, by wrapping 32-bit integer arithmetic that any language repeats exactly."""
    mask = 0xFFFFFFFF
    noise, phase, step = seed & mask, 0, 20_000_000 + (seed % 97) * 400_000
    out = np.empty(samples, np.int16)
    for i in range(samples):
        noise = (noise * 1_664_525 + 1_013_904_223) & mask
        phase = (phase + step) & mask
        step = (step + 2_000 + seed % 1_000) % 800_000_000
        triangle = abs((phase >> 15) - 65_536) - 32_768
        loud = 256 - abs(((i >> 5) & 511) - 256)
        out[i] = ((triangle * loud) >> 10) + (((noise >> 16) - 32_768) >> 5)
    return out


def randomize(model, seed: int):
    """Every parameter random, so that a skipped bias or norm weight shows; unit variance in, unit variance out."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if ("norm" in key or "ln_" in key) and key.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif key.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif "embed_tokens" in key or "lm_head" in key:
                parameter.copy_(noise * 2 / parameter.shape[1] ** 0.5)
            elif "embed_positions" in key:
                parameter.copy_(0.3 * noise)
            else:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)


def emptied(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    for stale in [*directory.glob("*.safetensors"), *directory.glob("*.json")]:
        stale.unlink()
    return directory


@dataclass
class Clip:
    key: str
    wave: np.ndarray
    tokens: int
    # What the model takes of it; those of several clips are concatenated.
    arguments: dict


class Reference:
    """A checkpoint in transformers, eager attention in float32 on weights widened to float32."""

    extractor_class = WhisperFeatureExtractor
    processor = None
    tower = None  # the encoder, where its output is to be kept beside the embeddings
    around = ([], [])  # tokens that the family's processor writes around a clip's slots
    slot, ends = AUDIO, (0, END)
    slots = None  # the places of a case's slots, where `inputs` says them: their token stands elsewhere, too
    dtype, attention = torch.float32, "eager"  # what expectations are computed in; benchmarks/speed times other ones

    def __init__(self, directory: Path, model_class):
        self.directory = directory
        self.model = model_class.from_pretrained(directory, dtype=self.dtype, attn_implementation=self.attention).eval()
        self.extractor = self.extractor_class.from_pretrained(directory)
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(NANO / "tokenizer.json"), pad_token="<|endoftext|>")
        self.cases, self.clips, self.tensors, self.extra = [], {}, {}, {}

    @property
    def vocab(self) -> int:
        return self.model.get_input_embeddings().weight.shape[0]

    @property
    def decoder(self):
        return self.model.model.language_model

    def features(self, wave: np.ndarray) -> tuple[dict, int, int]:
        """A clip's arguments, its frames and its number of embeddings."""
        raise NotImplementedError

    def ids(self, text: str) -> list[int]:
        """Token ids; byte tokens only where the checkpoint's vocabulary ends before the tokenizer's."""
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if max(ids) < self.vocab:
            return ids
        vocabulary = self.tokenizer.get_vocab()
        pieces = [i if i < self.vocab else [vocabulary[c] for c in self.tokenizer.convert_ids_to_tokens(i)] for i in ids]
        return [j for piece in pieces for j in (piece if isinstance(piece, list) else [piece])]

    def decoded(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids)

    def clip(self, key: str, samples: np.ndarray, **source) -> Clip:
        wave = samples.astype(np.float32) / 32_768
        arguments, frames, tokens = self.features(wave)
        self.clips[key] = dict(
            source, samples=len(samples), frames=frames, audio_tokens=tokens, first=samples[:4].tolist(),
            sha256=hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest())
        return Clip(key, wave, tokens, arguments)

    def run(self, clip: Clip) -> list[int]:
        """The tokens that stand for a clip."""
        return [*self.around[0], *[self.slot] * clip.tokens, *self.around[1]]

    def inputs(self, prompt: list[int], clips: list[Clip]):
        expanded, waiting = [], iter(clips)
        for token in prompt:
            expanded += self.run(next(waiting)) if token == self.slot else [token]
        arguments = dict(input_ids=torch.tensor([expanded]), attention_mask=torch.ones(1, len(expanded), dtype=torch.long))
        for name in clips[0].arguments if clips else []:
            arguments[name] = torch.cat([c.arguments[name] for c in clips])
        return expanded, arguments

    def processed(self, text: str, clips: list[Clip]) -> list[int]:
        """The ids that the family's processor makes of a text with placeholders."""
        audio = dict(audio=[c.wave for c in clips], sampling_rate=16_000) if clips else {}
        return self.processor(text=[text], return_tensors="pt", **audio)["input_ids"][0].tolist()

    def case(self, name: str, text: str, clips: list[Clip] = (), continuation: int = 0, check: bool = True):
        """Log-probabilities at every position of the prompt, and a greedy continuation where asked."""
        clips = list(clips)
        prompt = self.ids(text)
        expanded, arguments = self.inputs(prompt, clips)
        if check and max(self.tokenizer(text)["input_ids"]) < self.vocab:
            assert self.processed(text, clips) == expanded, f"{name}: the processor expands the prompt differently"
        captured = {}
        hooks = [self.decoder.register_forward_pre_hook(
            lambda m, a, k: captured.update(embeddings=k["inputs_embeds"][0]), with_kwargs=True)]
        if clips and self.tower is not None:
            hooks.append(self.tower.register_forward_hook(lambda m, a, o: captured.update(encoder=o.last_hidden_state)))
        logits = self.logits(arguments)
        for hook in hooks:
            hook.remove()
        logprobs = torch.log_softmax(logits.double(), -1)
        top = logprobs.topk(TOP)
        following = torch.tensor(expanded[1:])
        self.tensors |= {
            f"{name}/next_logprob": logprobs[:-1].gather(1, following[:, None])[:, 0].float(),
            f"{name}/top_ids": top.indices.int(),
            f"{name}/top_logprobs": top.values.float(),
            f"{name}/logsumexp": torch.logsumexp(logits.double(), -1).float(),
        }
        slots = self.slots or [i for i, token in enumerate(expanded) if token == self.slot]
        for i, clip in enumerate(clips):
            own, slots = slots[: clip.tokens], slots[clip.tokens :]
            rows = torch.linspace(0, clip.tokens - 1, min(ROWS, clip.tokens)).round().long()
            self.tensors[f"{name}/clip{i}/rows"] = rows.int()
            if "encoder" in captured:
                self.tensors[f"{name}/clip{i}/encoder"] = captured["encoder"][i, rows]
            self.tensors[f"{name}/clip{i}/embeddings"] = captured["embeddings"][torch.tensor(own)[rows]]
        record = dict(name=name, text=text, prompt_ids=prompt, input_ids=expanded, clips=[c.key for c in clips])
        if self.slots is not None:
            record["slots"] = list(self.slots)
        if continuation:
            record |= self.greedy(arguments, continuation)
        self.cases.append(record)
        entropy = -(logprobs.exp() * logprobs).sum(-1).mean()
        print(f"  {name}: {len(expanded)} positions, mean entropy {entropy:.2f} nats", record.get("continuation_text", ""))

    def logits(self, arguments: dict) -> torch.Tensor:
        with torch.no_grad():
            logits = self.model(**arguments).logits[0]
        assert logits.dtype == torch.float32
        return logits

    def greedy(self, arguments: dict, limit: int) -> dict:
        """The argmax continuation up to and without the end of turn, and its narrowest margin in logits."""
        arguments, ids, margin = dict(arguments), [], float("inf")
        while len(ids) < limit:
            best = self.logits(arguments)[-1].topk(2)
            margin = min(margin, float(best.values[0] - best.values[1]))
            token = int(best.indices[0])
            if token in self.ends:
                break
            ids.append(token)
            arguments["input_ids"] = torch.cat([arguments["input_ids"], torch.tensor([[token]])], 1)
            arguments["attention_mask"] = torch.ones_like(arguments["input_ids"])
        return dict(continuation_ids=ids, continuation_text=self.decoded(ids), stopped=len(ids) < limit, margin=margin)

    def chat(self, name: str, conversation: list[tuple[str, list[str | Clip]]]):
        """The ids that the processor makes of a conversation in the checkpoint's chat format."""
        clips = [part for _, parts in conversation for part in parts if isinstance(part, Clip)]
        messages = [
            dict(role=role, content=[
                dict(type="audio", audio="clip") if isinstance(p, Clip) else dict(type="text", text=p) for p in parts])
            for role, parts in conversation]
        for message in messages:  # as clients write a message that is one text
            if [c["type"] for c in message["content"]] == ["text"]:
                message["content"] = message["content"][0]["text"]
        text = self.tokenizer.apply_chat_template(
            messages, chat_template=(self.directory / "chat_template.jinja").read_text(), tokenize=False, add_generation_prompt=True)
        self.record_chat(name, conversation, self.processed(text, clips))

    def record_chat(self, name: str, conversation: list[tuple[str, list[str | Clip]]], ids: list[int]):
        self.extra.setdefault("chats", []).append(dict(
            name=name, input_ids=ids,
            messages=[dict(role=role, parts=[dict(clip=p.key) if isinstance(p, Clip) else dict(text=p) for p in parts])
                      for role, parts in conversation]))

    def adapter(self, targets: str, name: str, answer: int):
        """A LoRA adapter by peft in `adapter/`, the log-probabilities of a case under it, and, for a random answer behind the case,
        the gradient of −Σ log p by every factor, in float64 and under the keys of the adapter's file."""
        record = next(c for c in self.cases if c["name"] == name)
        sources = [(key, self.clips[key]) for key in record["clips"]]
        clips = [self.clip(key, synthetic_clip(c["samples"], c["seed"]), seed=c["seed"]) for key, c in sources]
        _, arguments = self.inputs(record["prompt_ids"], clips)
        model = peft.get_peft_model(self.model, peft.LoraConfig(r=2, lora_alpha=4, target_modules=targets))
        random = torch.Generator().manual_seed(5)
        factors = {k.replace(".default", ""): p for k, p in model.named_parameters() if p.requires_grad}
        with torch.no_grad():
            for parameter in factors.values():
                parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.3 / parameter.shape[1] ** 0.5)
        directory = self.directory / "adapter"
        model.save_pretrained(directory)
        (directory / "README.md").unlink(missing_ok=True)
        config = json.loads((directory / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = self.directory.name
        (directory / "adapter_config.json").write_text(json.dumps(config, indent=1))
        logprobs = torch.log_softmax(self.logits(arguments).double(), -1)
        following = arguments["input_ids"][0, 1:]
        self.tensors["adapter/next_logprob"] = logprobs[:-1].gather(1, following[:, None])[:, 0].float()

        tokens = torch.randint(6, self.vocab, (answer,), generator=random)
        ids = torch.cat([arguments["input_ids"], tokens[None]], 1)
        arguments = {k: v.double() if v.is_floating_point() else v for k, v in arguments.items()}
        arguments |= dict(input_ids=ids, attention_mask=torch.ones_like(ids))
        rows = torch.log_softmax(model.double()(**arguments).logits[0, -1 - answer : -1], -1)
        loss = -rows.gather(1, tokens[:, None]).sum()
        loss.backward()
        self.tensors |= {f"gradient/{key}": parameter.grad.float() for key, parameter in factors.items()}
        self.extra["adapter"] = dict(case=name, answer=tokens.tolist(), loss=loss.item())

    def save(self, directory: Path | None = None):
        directory = directory or self.directory
        (directory / "cases.json").write_text(json.dumps(dict(
            generator=f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float32, eager",
            clips=self.clips, cases=self.cases, **self.extra), indent=1, ensure_ascii=False) + "\n")
        safetensors.torch.save_file({k: v.contiguous() for k, v in self.tensors.items()}, directory / "goldens.safetensors")


SLOT = "<|AUDIO|>"


def turn(content: str) -> str:
    return f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
