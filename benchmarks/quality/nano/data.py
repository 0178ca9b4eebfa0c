"""Prompts and answers as token ids, drawn anew for every step."""

import hashlib
import json
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

DEFAULT_SYSTEM = "You are a helpful assistant."
SYSTEMS = ["You are a helpful assistant that thinks step by step.", "Answer the question.", "You are a patient teacher.", "Be brief.",
           "You are a voice assistant.", "Reason step by step, then give the answer.", "You are cord-nano."]
TRANSCRIBE = ["Detect the language and recognize the speech:", "Repeat what you heard.", "Transcribe the speech.", "What did I say?",
              "Write down what is said.", "Transcribe this audio."]
BESIDE = ["Answer the question.", "Listen and answer.", "Think step by step.", "Answer the spoken question.", "What is the answer?",
          "Please answer the question in the audio."]
UNHEARD = "I could not hear a question. I cannot answer that."


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in Path(path).open()]


def ids(values) -> np.ndarray:
    return np.asarray(values, dtype=np.int64)


class Chat:
    """The chat format as token ids."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.start, self.end = tokenizer.token_to_id("<|im_start|>"), tokenizer.token_to_id("<|im_end|>")
        self.audio = tokenizer.token_to_id("<|AUDIO|>")
        self.stop = ids([self.end])
        self.cache = {}

    def text(self, text: str) -> np.ndarray:
        return ids(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def fixed(self, text: str) -> np.ndarray:
        """Of text that comes again and again; special tokens are read."""
        if text not in self.cache:
            self.cache[text] = self.text(text)
        return self.cache[text]

    def texts(self, texts: list[str]) -> list[np.ndarray]:
        return [ids(e.ids) for e in self.tokenizer.encode_batch(texts, add_special_tokens=False)]

    def clip(self, slots: int, number: int = 1) -> list[np.ndarray]:
        """The content of a user's turn, a list of pieces, that is a clip of so many embeddings."""
        return [self.fixed(f"Audio {number}: <|audio_bos|>"), np.full(slots, self.audio), self.fixed("<|audio_eos|>\n")]

    def prompt(self, turns: list[list[np.ndarray]], system: str = DEFAULT_SYSTEM) -> np.ndarray:
        """Of user's and assistant's turns, each a list of pieces; ends where the assistant is to answer."""
        pieces = [self.fixed(f"<|im_start|>system\n{system}<|im_end|>\n")]
        for place, content in enumerate(turns):
            role = "user" if place % 2 == 0 else "assistant"
            pieces += [self.fixed(f"<|im_start|>{role}\n"), *content, self.fixed("<|im_end|>\n")]
        return np.concatenate(pieces + [self.fixed("<|im_start|>assistant\n")])


def follow_up(value: int, rng: random.Random) -> tuple[str, str]:
    """A second question about a number that was answered, and its answer."""
    amount = rng.randint(2, 20)
    kinds = [(f"And {amount} more?", f"{value} + {amount} = {value + amount}", value + amount),
             (f"What if you add {amount}?", f"{value} + {amount} = {value + amount}", value + amount),
             (f"And plus {amount}?", f"{value} + {amount} = {value + amount}", value + amount)]
    if value <= 99:
        kinds.append((rng.choice(["And twice that?", "And double that?"]), f"{value} x 2 = {value * 2}", value * 2))
    if value > amount:
        kinds.append((rng.choice([f"And {amount} less?", f"What if {amount} are lost?", f"And minus {amount}?"]),
                      f"{value} - {amount} = {value - amount}", value - amount))
    question, step, result = rng.choice(kinds)
    return question, f"{step}. The answer is {result}."


class Typed:
    """Typed questions with their worked solutions."""

    def __init__(self, rows, chat: Chat):
        self.rows, self.chat = rows, chat
        self.questions = chat.texts([r["text"] for r in rows])
        self.answers = chat.texts([r["solution"] for r in rows])

    def earlier(self, rng: random.Random) -> list[list[np.ndarray]]:
        """Two turns about something else."""
        other = rng.randrange(len(self.rows))
        return [[self.questions[other]], [self.answers[other]]]

    def draw(self, count: int, rng: random.Random):
        """`count` pairs of prompt and answer."""
        chat, pairs = self.chat, []
        for _ in range(count):
            place = rng.randrange(len(self.rows))
            row, question, answer = self.rows[place], self.questions[place], self.answers[place]
            system = rng.choice(SYSTEMS) if rng.random() < 0.1 else DEFAULT_SYSTEM
            turns = [[question]]
            if rng.random() < 0.05:
                turns = self.earlier(rng) + turns
            elif row["task"] == "number" and rng.random() < 0.06:
                more, reply = follow_up(int(row["answer"]), rng)
                turns, answer = [[question], [answer], [chat.text(more)]], chat.text(reply)
            pairs.append((chat.prompt(turns, system), np.append(answer, chat.end)))
        return pairs


def share_of(text: str) -> float:
    """Where a question falls between 0 and 1, the same in every run."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2 ** 32


class Spoken:
    """Spoken questions, the clips in one tensor on the GPU."""

    def __init__(self, chat: Chat, device, capacity: int):
        import torch

        self.chat, self.device = chat, device
        self.samples = torch.zeros(capacity, dtype=torch.int16, device=device)
        self.used, self.begins, self.lengths, self.rows, self.files = 0, [], [], [], set()

    def read_more(self, folder: Path, most: int = 200):
        """Shards that were written since, so many at the most."""
        import torch

        for path in sorted(Path(folder).glob("[0-9]*.npz")):
            if path.name in self.files or most == 0:
                continue
            most -= 1
            self.files.add(path.name)
            shard = np.load(path)
            samples = torch.from_numpy(shard["samples"])
            if self.used + len(samples) > len(self.samples):
                return
            self.samples[self.used:self.used + len(samples)] = samples.to(self.device)
            rows = [json.loads(str(line)) for line in shard["rows"]]
            begin = 0
            for end, row, labels, reply in zip(
                    shard["ends"], rows, self.chat.texts([r["text"] for r in rows]), self.chat.texts([r["solution"] for r in rows])):
                self.begins.append(self.used + begin)
                self.lengths.append(int(end) - begin)
                self.rows.append(row | {"labels": labels, "reply": reply, "share": share_of(row["text"])})
                begin = int(end)
            self.used += len(samples)

    def samples_of(self, places: list[int]):
        """Clean samples [clips, longest] in float32."""
        import torch

        lengths = torch.tensor([self.lengths[p] for p in places])
        begins = torch.tensor([self.begins[p] for p in places]).to(self.device, non_blocking=True)
        time = torch.arange(int(lengths.max()), device=self.device)[None]
        source = (begins[:, None] + time).clamp(max=len(self.samples) - 1)
        return self.samples[source].float() / 32768 * (time < lengths.to(self.device, non_blocking=True)[:, None])
