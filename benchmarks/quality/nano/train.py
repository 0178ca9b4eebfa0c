"""Goes on from a cord-nano with more layers, questions and voices on a GPU (or a CPU, in days): reads, writes down and answers what it hears.

    python3 train.py --from ../../../Sources/Model/CordNano/Checkpoint --typed typed.jsonl --clips clips --output nano --seconds 500

A step reads typed questions (cross entropy of their worked solutions) and hears clips (CTC against the decoder's own embeddings, and cross
entropy of what is said to them: their words, their solution, or that nobody speaks), as `cord nano` does. Clips may still be being made:
new shards are taken in as they appear.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import data
import sound
from model import load, save, slots


class Batch:
    """Pairs of prompt and answer as tensors on the device: padded tokens, where answers are predicted, and what they are."""

    def __init__(self, pairs, device, placeholder, multiple=32):
        sequences = [np.concatenate((prompt, answer[:-1])) for prompt, answer in pairs]
        width = -(-max(map(len, sequences)) // multiple) * multiple
        tokens = np.zeros((len(pairs), width), np.int64)
        for row, sequence in zip(tokens, sequences):
            row[:len(sequence)] = sequence
        counts = np.array([len(answer) for _, answer in pairs])
        starts = np.array([row * width + len(prompt) - 1 for row, (prompt, _) in enumerate(pairs)])
        begins = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
        def on(values):
            return torch.from_numpy(values).to(device, non_blocking=True)
        self.tokens = on(tokens)
        self.predicting = on(begins + np.arange(counts.sum()))
        self.targets = on(np.concatenate([answer for _, answer in pairs]))
        self.row_of = on(np.repeat(np.arange(len(pairs)), counts))
        self.audio = on(np.flatnonzero(tokens == placeholder))
        self.count = len(pairs)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton and Schulz's iteration (Jordan, 2024), scaled to the size of Adam's updates (Liu et al., 2025)."""

    def __init__(self, parameters, peak, momentum=0.95, weight_decay=0.05):
        super().__init__([{"params": list(parameters), "peak": peak}], {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                shapes.setdefault(p.shape, []).append((p, p.grad.lerp(buffer, group["momentum"])))
            for shape, pairs in shapes.items():
                updates = self.orthogonal(torch.stack([u for _, u in pairs])) * (0.2 * max(shape) ** 0.5)
                for (p, _), update in zip(pairs, updates):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update.to(p.dtype), alpha=group["lr"])

    @staticmethod
    def orthogonal(x, steps=5):
        tall = x.shape[1] > x.shape[2]
        x = x.bfloat16() if x.is_cuda else x
        x = x.mT if tall else x
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(steps):
            a = x @ x.mT
            x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
        return x.mT if tall else x


class Run:
    def __init__(self, options):
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(options.seed)
        self.rng = random.Random(options.seed)
        self.output = Path(options.output)
        self.output.mkdir(parents=True, exist_ok=True)
        rows = data.rows_of(options.typed)
        self.chat = data.Chat(data.Tokenizer.from_file(str(options.start / "tokenizer.json")))
        self.typed = data.Typed(rows, self.chat)
        self.dev = data.Typed(data.rows_of(options.dev), self.chat) if options.dev else None
        self.spoken = data.Spoken(self.chat, self.device, options.capacity)
        self.mel = sound.LogMel().to(self.device)
        self.model = load(options.start)
        self.model.grow(options.encoder_layers, options.layers)
        self.model.to(self.device)
        if options.freeze_encoder:
            self.model.audio_tower.requires_grad_(False)
        self.longest = self.model.shape.window * 320
        groups = {}
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                matrix = ".layers." in name and p.dim() == 2
                peak = options.rate if name.startswith("decoder.") else options.hearing_rate
                groups.setdefault((matrix, peak, 0.05 if p.dim() > 1 else 0.0), []).append(p)
        self.optimizers = [torch.optim.AdamW(
            [{"params": ps, "peak": peak, "weight_decay": decay} for (muon, peak, decay), ps in groups.items() if not muon],
            lr=0.0, betas=(0.9, 0.98), fused=self.device.type == "cuda")]
        self.optimizers += [Muon(ps, 2 * peak, weight_decay=decay) for (muon, peak, decay), ps in groups.items() if muon]
        self.step, self.spent = 0, 0.0
        self.log = (self.output / "log.jsonl").open("a")
        print(f"{sum(p.numel() for p in self.model.parameters()) / 1e6:.2f}M parameters, {len(rows)} typed questions, "
              f"vocabulary {self.chat.tokenizer.get_vocab_size()}, {self.device}", flush=True)

    # Losses

    def answers(self, pairs, audio=None):
        """Mean cross entropy of the answers' tokens, the share that are the most probable, and that of answers all of whose tokens are."""
        batch = Batch(pairs, self.device, self.chat.audio)
        states = self.model.decoder(batch.tokens, audio, batch.audio)
        logits = self.model.logits(states.flatten(0, 1)[batch.predicting]).float()
        right = (logits.argmax(1) == batch.targets).float()
        whole = torch.ones(batch.count, device=self.device).scatter_reduce(0, batch.row_of, right, "amin")
        return F.cross_entropy(logits, batch.targets), right.mean(), whole.mean()

    def read(self, count):
        """Typed questions: backward in two halves, the short ones and the long ones."""
        pairs = sorted(self.typed.draw(count, self.rng), key=lambda p: len(p[0]) + len(p[1]))
        total = sum(len(a) for _, a in pairs)
        for part in (pairs[:count // 2], pairs[count // 2:]):
            with self.autocast():
                loss, tokens, whole = self.answers(part)
            (loss * (sum(len(a) for _, a in part) / total)).backward()
        return {"text_loss": loss.detach(), "text_tokens": tokens, "text_whole": whole}

    def hear(self, count, weight: float, parts: int = 3):
        """Clips, backward in parts from the short ones to the long ones."""
        places = [self.rng.randrange(len(self.spoken.rows)) for _ in range(count)]
        plan = sound.Plan(torch.tensor([self.spoken.lengths[p] for p in places]), longest=self.longest)
        for part in plan.totals.argsort().chunk(parts):
            measures = self.hear_part([places[p] for p in part.tolist()], plan.part(part), weight, 1 / parts)
        return measures

    def hear_part(self, places, plan, weight, share):
        """Spelled by CTC, and written down or answered."""
        device = self.device
        clean, rows = self.spoken.samples_of(places), [self.spoken.rows[p] for p in places]
        silent = max(1, len(rows) // 40)
        width = -(-int(plan.totals.max()) // 2560) * 2560
        empty = (sound.between(silent, 0.1, 1) ** 2 * min(width, 12 * sound.RATE)).long().clamp(min=sound.RATE // 10)
        totals = torch.cat((empty, plan.totals[silent:]))
        with torch.no_grad():
            samples = F.pad(sound.augmented(clean, plan), (0, width - int(plan.totals.max())))
            quiet = sound.without_speech(empty, device)
            samples[:silent] = F.pad(quiet, (0, width - quiet.shape[1]))
            mel = self.mel(samples)
        with self.autocast():
            heard = self.model.hear(mel, totals.to(device, non_blocking=True))
        counts = slots(totals)
        embeddings = self.model.decoder.embed_tokens.weight.detach().float()
        scale = 12.0 / (embeddings ** 2).sum(1).mean()
        labels = [[] if place < silent else row["labels"] for place, row in enumerate(rows)]
        spelled = F.ctc_loss(
            (scale * heard.float() @ embeddings.T).log_softmax(-1).transpose(0, 1),
            torch.from_numpy(np.concatenate(labels).astype(np.int64)).to(device, non_blocking=True), counts,
            torch.tensor([len(l) for l in labels]), blank=self.chat.audio, zero_infinity=True)
        pairs = [self.spoken_pair(row, n, place < silent) for place, (row, n) in enumerate(zip(rows, counts.tolist()))]
        own = np.flatnonzero(np.arange(heard.shape[1])[None] < counts.numpy()[:, None])
        with self.autocast():
            audio = heard.flatten(0, 1)[torch.from_numpy(own).to(device, non_blocking=True)]
            cross, tokens, whole = self.answers(pairs, audio)
        ((weight * spelled + cross) * share).backward()
        return {"ctc": spelled.detach(), "audio_loss": cross.detach(), "audio_tokens": tokens, "audio_whole": whole}

    def spoken_pair(self, row, count, is_silent):
        """One prompt with a clip, and what is to be said."""
        chat, rng = self.chat, self.rng
        system = rng.choice(data.SYSTEMS) if rng.random() < 0.1 else data.DEFAULT_SYSTEM
        deep = row.get("depth", 1) > self.options.spoken_depth and row["category"] != "unanswerable"
        known = not deep and row["share"] < self.options.answered
        content, clip = chat.clip(count), chat.clip(count)
        if rng.random() < (0.35 if known else 1.0):
            content.append(chat.fixed(data.TRANSCRIBE[0] if rng.random() < 0.6 else rng.choice(data.TRANSCRIBE)))
            return chat.prompt([content], system), chat.stop if is_silent else np.append(row["labels"], chat.end)
        if is_silent:
            return chat.prompt([content], system), np.append(chat.fixed(data.UNHEARD), chat.end)
        if rng.random() < 0.15:
            content.append(chat.fixed(rng.choice(data.BESIDE)))
        turns, answer, chance = [content], row["reply"], rng.random()
        if chance < 0.05:
            turns = self.typed.earlier(rng) + [clip]
        elif chance < 0.12 and row["task"] == "number":
            more, reply = data.follow_up(int(row["answer"]), rng)
            turns, answer = [content, [answer], [chat.text(more)]], chat.text(reply)
        return chat.prompt(turns, system), np.append(answer, chat.end)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    # The run

    def rate(self, share):
        """Warm-up, constant, then a straight line to nearly nothing."""
        start = self.options.constant
        return min(1, (self.step + 1) / self.options.warmup) * (1 if share < start else max(0.01, (1 - share) / (1 - start)))

    def run(self):
        options = self.options
        began, last, said, kept = time.time(), time.time(), 0.0, 0.0
        while True:
            self.spent = time.time() - began
            share = max(self.spent / options.seconds, self.step / options.steps)
            if share >= 1 or self.step >= options.steps:
                break
            if Path(options.clips).is_dir() and time.time() - last > 15 or not self.spoken.rows:
                self.spoken.read_more(Path(options.clips))
                last = time.time()
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * self.rate(share)
            measures = self.read(options.read)
            if len(self.spoken.rows) >= 200:
                measures |= self.hear(options.batch, weight=0.3)
            # Apart, since CTC's gradients are far larger at first.
            for part in (self.model.decoder, self.model.audio_tower, self.model.projector):
                torch.nn.utils.clip_grad_norm_(part.parameters(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            self.step += 1
            if self.spent - kept > 120:
                kept = self.spent
                self.keep()
            if self.spent - said > options.say or self.step == 1:
                said = self.spent
                line = {"step": self.step, "seconds": round(self.spent, 1), "clips": len(self.spoken.rows)}
                line |= {name: round(float(value), 4) for name, value in measures.items()}
                line |= self.check()
                print(json.dumps(line), flush=True)
                self.log.write(json.dumps(line) + "\n")
                self.log.flush()
        self.keep()

    def check(self):
        """On questions of the development split."""
        if self.dev is None:
            return {}
        with torch.no_grad(), self.autocast():
            loss, tokens, _ = self.answers(self.dev.draw(200, random.Random(0)))
        return {"dev_loss": round(float(loss), 4), "dev_tokens": round(float(tokens), 4)}

    def keep(self):
        save(self.model, self.options.start, self.output / "model")
        print(f"kept {self.output / 'model'} after {self.step} steps and {self.spent:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", type=Path, required=True, help="the model's directory")
    parser.add_argument("--typed", type=Path, required=True, help="JSON lines of cord questions")
    parser.add_argument("--dev", type=Path, help="the same of the development split, to look at")
    parser.add_argument("--clips", type=Path, required=True, help="the folder of speech.py")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--encoder-layers", type=int, default=8)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=500)
    parser.add_argument("--steps", type=int, default=1 << 40, help="end after so many, if the time is not over before")
    parser.add_argument("--batch", type=int, default=256, help="clips of a step")
    parser.add_argument("--read", type=int, default=192, help="typed questions of a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="the decoder's; layers' matrices learn by Muon at twice this")
    parser.add_argument("--hearing-rate", type=float, default=1e-3, help="the encoder's and the projector's")
    parser.add_argument("--warmup", type=int, default=200, help="steps before the rate is whole")
    parser.add_argument("--freeze-encoder", action="store_true", help="only the projector and the decoder learn")
    parser.add_argument("--constant", type=float, default=0.35, help="share of the time before the rate falls")
    parser.add_argument("--spoken-depth", type=int, default=1, help="deeper questions are written down, not answered, when spoken")
    parser.add_argument("--answered", type=float, default=0.5, help="share of the other spoken questions whose answers are shown")
    parser.add_argument("--capacity", type=int, default=6_500_000_000, help="samples of clips that are held at once, 2 bytes each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--say", type=float, default=10, help="seconds between lines of the log")
    Run(parser.parse_args()).run()


if __name__ == "__main__":
    main()
