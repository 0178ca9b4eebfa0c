"""CORD beside its baselines on a GPU: every method at several rates, then all on equal pairs, many adapters side by side.

    python3 methods.py --model ../../../Sources/Model/CordNano/Checkpoint --data data --clips clips --output study --seconds 500

`data` holds pairs.jsonl, dev.jsonl, test.jsonl and replay.jsonl of `cord questions`; `clips` what `speak_all.py` makes of the first three.
Losses are sums over an answer's tokens and means over pairs, as cord's (`objectives.py`). What was found is written as it comes:
results.jsonl, and the adapters of what is kept.
"""

import argparse
import json
import random
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import data
import objectives
import sound
from adapters import Adapters, Prompts, Stack
from model import load, slots


@dataclass(frozen=True)
class Experiment:
    name: str
    rate: float
    seed: int = 1
    # Of the token term: 0 leaves it out.
    token: float = 0
    # Of the sequence term.
    sequence: float = 0
    alpha: float = 1
    beta: float = 1
    k: int = 20
    # Of an answer's tokens, those that count in the token term: 1 all, 0.3 the first three tenths.
    first: float = 1
    judge: str = "teacher"
    replay: float = 0
    # Of those that imitate: gold, greedy, samples, forward.
    target: str = ""


CORD = Experiment("CORD", 0, token=1, sequence=1, alpha=2, beta=2)
METHODS = {
    "imitation": [Experiment("SFT on gold", 0, target="gold"), Experiment("SFT on the teacher's greedy answers", 0, target="greedy"),
                  Experiment("forward KL on the teacher's answers", 0, target="forward")],
    "samples": [Experiment("SFT on the teacher's samples", 0, target="samples")],
    "distillation": [Experiment("OPD", 0, token=1), Experiment("OPD, position weights", 0, token=1, beta=2),
                     Experiment("OPD, top-K weights", 0, token=1, alpha=2), Experiment("OPD, both weights", 0, token=1, alpha=2, beta=2)],
    "groups": [Experiment("GRPO", 0, sequence=1), CORD],
}
VARIANTS = [replace(CORD, name="CORD, gold judges", judge="gold"), replace(CORD, name="CORD, first 30 % of tokens", first=0.3),
            replace(CORD, name="CORD, sequence term × 30", sequence=30), replace(CORD, name="CORD, replay", replay=4)]
RATES = [4e-4, 1.2e-3]


def final(text: str) -> str:
    """What an answer says in the end."""
    text = text.lower().strip()
    if "cannot answer" in text:
        return "refused"
    return text.rpartition("answer is ")[2].strip(" .")


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def distance(a, b) -> int:
    """Edits between two lists of words."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


class Questions:
    """Questions with their clips' features: what is asked, typed and spoken, and the gold answers."""

    def __init__(self, rows, chat, begin):
        self.rows, self.chat = rows, chat
        self.texts = chat.texts([r["text"] for r in rows])
        self.gold = [np.append(a, chat.end) for a in chat.texts([r["solution"] for r in rows])]
        self.final = [final(r["solution"]) for r in rows]
        self.ranges = []
        for row in rows:
            self.ranges.append(range(begin, begin + row.get("slots", 0)))
            begin += row.get("slots", 0)
        self.end = begin
        self.greedy = self.samples = None

    def typed(self, places, device, texts=None):
        texts = texts or self.texts
        return Prompts([self.chat.prompt([[texts[p]]]) for p in places], [None] * len(places), device, self.chat.audio)

    def spoken(self, places, device, beside=None):
        more = [] if beside is None else [self.chat.fixed(beside)]
        return Prompts([self.chat.prompt([self.chat.clip(len(self.ranges[p])) + more]) for p in places], [self.ranges[p] for p in places],
                       device, self.chat.audio)


def clips_of(folder: Path, name: str, most: int):
    """Rows and samples of the clips that speak_all.py made for one set, in the order of their shards."""
    for path in sorted(folder.glob(f"{name}-*.npz")):
        shard = np.load(path)
        begin = 0
        for end, row in zip(shard["ends"].tolist(), shard["rows"]):
            if most == 0:
                return
            most -= 1
            yield json.loads(str(row)), shard["samples"][begin:end]
            begin = end


@torch.no_grad()
def heard(model, clips, device, mild: bool, batch=128):
    """What the encoder makes of clips behind a microphone, [slots, hidden] each, and how many slots each has."""
    mel = sound.LogMel().to(device)
    order = sorted(range(len(clips)), key=lambda i: len(clips[i]))
    result = [None] * len(clips)
    for start in range(0, len(order), batch):
        part = order[start:start + batch]
        lengths = torch.tensor([len(clips[i]) for i in part])
        samples = torch.zeros(len(part), int(lengths.max()))
        for row, index in zip(samples, part):
            row[:len(clips[index])] = torch.from_numpy(clips[index].astype(np.float32)) / 32768
        samples = samples.to(device)
        plan = sound.Plan(lengths, longest=model.shape.window * 320)
        if mild:
            plan.factors = torch.ones(len(part))
            plan.lengths, plan.pause = lengths, torch.zeros_like(lengths)
            plan.before = plan.behind = torch.full_like(lengths, sound.RATE // 4)
            plan.cut, plan.totals, plan.in_room = lengths.clone(), lengths + sound.RATE // 2, torch.zeros(len(part), dtype=torch.bool)
            y = torch.nn.functional.pad(samples, (sound.RATE // 4, sound.RATE // 4))
            power = sound.power_of(samples, lengths.to(device)).clamp(min=1e-10)
            y = y + torch.randn_like(y) * (power / 1e3).sqrt()[:, None]
        else:
            y = sound.augmented(samples, plan)
        width = -(-int(plan.totals.max()) // 2560) * 2560
        y = torch.nn.functional.pad(y, (0, width - y.shape[1]))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            states = model.audio_tower(mel(y), plan.totals.to(device))
        for index, own, count in zip(part, states, slots(plan.totals).tolist()):
            result[index] = own[:count].to(torch.float16)
    return result


def padded(answers, device):
    """Answers as tensors: [answers, longest] and their lengths."""
    lengths = torch.tensor([len(a) for a in answers], device=device)
    tokens = torch.zeros(len(answers), max(len(a) for a in answers), dtype=torch.long)
    for row, answer in zip(tokens, answers):
        row[:len(answer)] = torch.as_tensor(answer)
    return tokens.to(device), lengths


class Study:
    def __init__(self, options):
        self.options, self.began = options, time.time()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(options.seed)
        self.output = Path(options.output)
        self.output.mkdir(parents=True, exist_ok=True)
        self.chat = data.Chat(data.Tokenizer.from_file(str(options.model / "tokenizer.json")))
        self.base = load(options.model).to(self.device)

    def say(self, **values):
        line = {"seconds": round(time.time() - self.began, 1)} | values
        print(json.dumps(line)[:600], flush=True)
        with (self.output / "results.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def left(self):
        return self.options.seconds - (time.time() - self.began)

    def read(self):
        """Waits for the clips, hears them, and answers every typed question as the teacher does."""
        options = self.options
        features, sets, begin = [], {}, 0
        for name, most in (("test", options.test), ("dev", options.dev), ("pairs", options.pairs)):
            while not (options.clips / f"{name}.done").exists() and self.left() > 0.8 * options.seconds:
                time.sleep(0.5)
            rows, clips = [], []
            for row, samples in clips_of(options.clips, name, most):
                # Long prompts would widen every batch of a training.
                if len(samples) < (11 if name == "pairs" else 19) * sound.RATE:
                    rows.append(row)
                    clips.append(samples)
            own = heard(self.base, clips, self.device, mild=name != "pairs")
            keep = [i for i, f in enumerate(own) if len(f) <= (330 if name == "pairs" else 500)]
            rows = [rows[i] | {"slots": len(own[i])} for i in keep]
            features += [own[i] for i in keep]
            sets[name] = Questions(rows, self.chat, begin)
            begin = sets[name].end
            self.say(stage="heard", set=name, clips=len(rows), mean_slots=round(float(np.mean([r["slots"] for r in rows])), 1))
        self.test, self.dev, self.pairs = sets["test"], sets["dev"], sets["pairs"]
        self.stack = Stack(self.base, torch.cat(features), self.dtype)
        self.replay = Questions(data.rows_of(options.data / "replay.jsonl")[:options.replay], self.chat, 0)
        for questions in (self.pairs, self.replay):
            questions.greedy = self.answers(questions, questions.typed, 112)
        self.pairs.heard = self.answers(self.pairs, lambda places, device: self.pairs.spoken(places, device, data.TRANSCRIBE[0]), 112)
        self.pairs.samples = [[] for _ in self.pairs.rows]
        for places, prompts in self.batches(self.pairs, self.pairs.typed):
            tokens, lengths = self.stack.sample(prompts, 5, torch.ones(5 * len(places), device=self.device), 112, self.chat.end, None)
            for index, (row, length) in enumerate(zip(tokens[0].cpu().numpy(), lengths[0].tolist())):
                if index < 5 * len(set(places)):
                    self.pairs.samples[places[index // 5]].append(row[:length])
        self.pairs.reference = [final(self.text(a)) for a in self.pairs.greedy]
        self.say(stage="teacher", right=round(np.mean([a == b for a, b in zip(self.pairs.reference, self.pairs.final)]), 4),
                 ended=round(np.mean([a[-1] == self.chat.end for a in self.pairs.greedy]), 4))

    def text(self, tokens) -> str:
        return self.chat.tokenizer.decode([int(t) for t in tokens if t != self.chat.end])

    def batches(self, questions, prompts, size=None):
        """All questions in batches of one size, those of like length together; the last is filled up with its own."""
        size = size or self.options.ask
        order = sorted(range(len(questions.rows)), key=lambda p: (len(questions.ranges[p]), len(questions.texts[p])))
        for start in range(0, len(order), size):
            places = order[start:start + size]
            places = (places * size)[:size] if len(order) > size else places
            yield places, prompts(places, self.device)

    def answers(self, questions, prompts, longest, adapters=None):
        """Greedy answers of all questions, token ids: a list, or one for each experiment."""
        count = adapters.count if adapters else 1
        result = [[None] * len(questions.rows) for _ in range(count)]
        for places, batch in self.batches(questions, prompts, self.options.ask if adapters is None else max(32, self.options.ask // count // 32 * 32)):
            tokens, lengths = self.stack.sample(batch, 1, torch.zeros(len(places), device=self.device), longest, self.chat.end, adapters)
            tokens, lengths = tokens.cpu().numpy(), lengths.cpu().numpy()
            for e in range(count):
                for place, row, length in zip(places, tokens[e], lengths[e]):
                    result[e][place] = row[:length]
        return result if adapters else result[0]

    # Measuring

    def measure(self, questions, adapters, transcripts=False):
        """For each experiment: right or wrong of every question in each arm, and its transcripts' word errors."""
        def right(found):
            return [[final(self.text(a)) == gold for a, gold in zip(own, questions.final)] for own in found]
        every = (lambda found: found) if adapters else (lambda found: [found])
        arms = {"text": right(every(self.answers(questions, questions.typed, 160, adapters))),
                "audio": right(every(self.answers(questions, questions.spoken, 160, adapters)))}
        errors = None
        if transcripts:
            spoken = lambda places, device: questions.spoken(places, device, data.TRANSCRIBE[0])
            written = every(self.answers(questions, spoken, 112, adapters))
            errors, arms["transcript"] = [], []
            for e, own in enumerate(written):
                texts = [self.text(a) for a in own]
                errors.append([sum(distance(words(r["text"]), words(t)) for r, t in zip(questions.rows, texts)),
                               sum(len(words(r["text"])) for r in questions.rows)])
                typed = self.chat.texts(texts)
                # Each experiment reads its own transcript, so it is asked alone.
                one = self.one(adapters, e)
                found = self.answers(questions, lambda places, device: questions.typed(places, device, typed), 160, one)
                arms["transcript"] += right(found if one else [found])
        return arms, errors

    def one(self, adapters, experiment):
        if adapters is None:
            return None
        alone = Adapters(self.base, [0]).to(self.device)
        with torch.no_grad():
            for own, other in zip(alone.pairs, adapters.pairs):
                own.copy_(other[experiment:experiment + 1])
        return alone

    def report(self, stage, questions, name, experiments, adapters, pairs, transcripts=False, **more):
        arms, errors = self.measure(questions, adapters, transcripts)
        self.stack.graphs.clear()
        for e in range(len(arms["text"])):
            self.say(stage=stage, set=name, pairs=pairs, **{arm: round(100 * float(np.mean(own[e])), 2) for arm, own in arms.items()},
                     **({"word_errors": round(100 * errors[e][0] / errors[e][1], 2)} if errors else {}),
                     **({"experiment": experiments[e].__dict__} if experiments else {}), **more,
                     right={arm: "".join("01"[r] for r in own[e]) for arm, own in arms.items()})
        return [float(np.mean(own)) for own in arms["audio"]], [float(np.mean(own)) for own in arms["text"]]

    # Training

    def train(self, stage, experiments, steps, limit=1e9):
        """Trains adapters of one class side by side; the rate rises over ten steps and falls to nothing, after `limit` seconds at the latest."""
        options, device = self.options, self.device
        self.stack.graphs.clear()
        adapters = Adapters(self.base, [e.seed for e in experiments]).to(device)
        rates = torch.tensor([e.rate for e in experiments], device=device)
        optimizer = objectives.AdamW(adapters.pairs, rates)
        order = list(range(len(self.pairs.rows)))
        random.Random(experiments[0].seed).shuffle(order)
        replays = random.Random(7)
        divergences = objectives.Positions(len(experiments), device)
        began, done = time.time(), 0
        for step in range(steps):
            places = [order[(step * options.batch + i) % len(order)] for i in range(options.batch)]
            loss = self.step(experiments, adapters, places, divergences if step < steps // 4 or step >= 3 * steps // 4 else None, late=step >= steps // 2)
            if any(e.replay for e in experiments):
                self.replayed(experiments, adapters, replays)
            spent = max(step / steps, (time.time() - began) / limit)
            optimizer.step(min(1, (step + 1) / 10) * max(0.0, 1 - spent))
            done += 1
            if step == 4:
                self.say(stage=stage, at=step, step_seconds=round((time.time() - began) / 5, 3), loss=[round(float(l), 4) for l in loss],
                         memory=torch.cuda.max_memory_allocated() >> 20 if device.type == "cuda" else 0)
            if spent >= 1 or self.left() < 15:
                break
        self.say(stage=stage, trained=done, of=steps, train_seconds=round(time.time() - began, 1), loss=[round(float(l), 4) for l in loss],
                 norms=[round(float(n), 3) for n in optimizer.norms], names=[e.name for e in experiments],
                 divergence=divergences.table() if experiments[0].token or experiments[-1].token else None)
        return adapters, done * options.batch

    def step(self, experiments, adapters, places, divergences, late):
        """Gradients of one batch of pairs; returns each experiment's loss."""
        device, count, many = self.device, len(experiments), 1
        if experiments[0].target:
            if experiments[0].target == "samples":
                prompts, many = self.pairs.spoken(places, device), 5
                answers, lengths = padded([a for p in places for a in self.pairs.samples[p]], device)
                answers, lengths = answers[None].expand(count, -1, -1), lengths[None].expand(count, -1)
            else:
                prompts = self.pairs.spoken(places, device)
                own = [[(self.pairs.gold if e.target == "gold" else self.pairs.greedy)[p] for p in places] for e in experiments]
                answers, lengths = padded([a for answers in own for a in answers], device)
                answers, lengths = answers.view(count, len(places), -1), lengths.view(count, -1)
            advantages = None
        else:
            prompts = self.pairs.spoken(places, device)
            token, group = any(e.token for e in experiments), any(e.sequence for e in experiments)
            temperatures = [1.0] * token + [1.5] * (4 * group)
            many = len(temperatures)
            answers, lengths = self.stack.sample(
                prompts, many, torch.tensor(temperatures, device=device).repeat(len(places)), self.options.longest, self.chat.end, adapters)
            longest = int(lengths.max())
            answers = answers[:, :, :longest]
            advantages = None
            if group:
                rewards = torch.zeros(count, len(places), 4)
                tokens, ends = answers.cpu().numpy(), lengths.cpu().numpy()
                for e, experiment in enumerate(experiments):
                    reference = self.pairs.reference if experiment.judge == "teacher" else self.pairs.final
                    for b, place in enumerate(places):
                        for n in range(4):
                            at = b * many + (many - 4) + n
                            rewards[e, b, n] = final(self.text(tokens[e, at, :ends[e, at]])) == reference[place]
                advantages = (rewards - rewards.mean(2, keepdim=True)).to(device)
        typed = self.pairs.typed(places, device)
        losses = torch.zeros(count, device=device)
        # In parts, so that what the tape keeps fits.
        size = max(1, self.options.rows // (count * many))
        spoken, read = prompts.repeated(many), typed.repeated(many)
        for begin in range(0, len(places), size):
            end = min(begin + size, len(places))
            rows = slice(begin * many, end * many)
            own, own_lengths = answers[:, rows].contiguous(), lengths[:, rows]
            with torch.no_grad():
                teacher = None
                if not experiments[0].target or any(e.target == "forward" for e in experiments):
                    flat = read.part(rows.start, rows.stop)
                    flat = stacked(flat, count)
                    teacher = self.stack.logits_of_answers(flat, own.flatten(0, 1)[None], None)[0].unflatten(0, (count, -1)).log_softmax(-1)
            student = self.stack.logits_of_answers(spoken.part(rows.start, rows.stop), own, adapters).log_softmax(-1)
            part = objectives.losses(experiments, student, teacher, own, own_lengths, many,
                                     None if advantages is None else advantages[:, begin:end], divergences, late) / len(places)
            part.sum().backward()
            losses += part.detach()
        return losses

    def replayed(self, experiments, adapters, rng):
        """Adds the gradient of the KL to the base on its own answers to typed questions and on its own transcripts."""
        device, count = self.device, len(experiments)
        weights = torch.tensor([e.replay for e in experiments], device=device)
        typed = [rng.randrange(len(self.replay.rows)) for _ in range(self.options.batch * 3 // 4)]
        spoken = [rng.randrange(len(self.pairs.rows)) for _ in range(self.options.batch // 4)]
        for prompts, answers in (
                (self.replay.typed(typed, device), [self.replay.greedy[p] for p in typed]),
                (self.pairs.spoken(spoken, device, data.TRANSCRIBE[0]), [self.pairs.heard[p] for p in spoken])):
            own, lengths = padded(answers, device)
            with torch.no_grad():
                teacher = self.stack.logits_of_answers(prompts, own[None], None).log_softmax(-1)
            student = self.stack.logits_of_answers(prompts, own[None].expand(count, -1, -1), adapters).log_softmax(-1)
            kl = objectives.forward_kl(student, teacher) * objectives.inside(lengths[None], own.shape[1])
            (weights * kl.sum((1, 2)) / self.options.batch).sum().backward()

    # The programme

    def run(self):
        options = self.options
        self.read()
        self.report("base", self.test, "test", None, None, 0, transcripts=True, rows=[[r["category"], r.get("depth", 1), r["voice"]] for r in self.test.rows])
        self.report("base", self.dev, "dev", None, None, 0)
        if options.only_base:
            return
        best, small = {}, max(1, options.small // options.batch)
        for kind, methods in METHODS.items():
            experiments = [replace(m, rate=rate) for m in methods for rate in options.rates]
            adapters, pairs = self.train(f"rates, {kind}", experiments, small)
            audio, text = self.report("rates", self.dev, "dev", experiments, adapters, pairs)
            for experiment, heard_right, read_right in zip(experiments, audio, text):
                # Both arms count: a rate that wins speech by losing what is typed has won nothing.
                score = heard_right + read_right
                if score > best.get(experiment.name, (0, 0))[0]:
                    best[experiment.name] = (score, experiment.rate)
        best = {name: rate for name, (_, rate) in best.items()}
        self.say(stage="best", rates=best)
        steps = max(1, options.large // options.batch)
        seeds = lambda method, count: [replace(method, rate=best[method.name], seed=1 + s) for s in range(count)]
        classes = {
            # The one that does not move is what the others are compared with: asked in batches of the same shape.
            "groups": [Experiment("base", 0, token=1)] + seeds(CORD, 3) + seeds(METHODS["groups"][0], 1) + [
                replace(v, rate=best["CORD"]) for v in VARIANTS],
            "distillation": seeds(METHODS["distillation"][0], 3) + [m for method in METHODS["distillation"][1:] for m in seeds(method, 1)],
            "imitation": [m for method in METHODS["imitation"] for m in seeds(method, 3)],
            "samples": seeds(METHODS["samples"][0], 3)}
        for kind, experiments in classes.items():
            adapters, pairs = self.train(f"large, {kind}", experiments, steps)
            self.report("large", self.test, "test", experiments, adapters, pairs)
            if kind == "groups":
                self.keep(best)

    def keep(self, best):
        """Trains what is to be embedded: nothing forgotten, as many pairs as the clock allows."""
        options = self.options
        keep = [replace(CORD, name=f"CORD, replay, {judge} judges, kept", judge=judge, replay=4, rate=best["CORD"]) for judge in ("teacher", "gold")]
        adapters, pairs = self.train("kept", keep, 1 << 20, limit=options.kept)
        for e, experiment in enumerate(keep):
            adapters.write(self.output / f"adapter-{experiment.judge}", e)
        self.report("kept", self.test, "test", keep, adapters, pairs, transcripts=True)


def stacked(prompts: Prompts, count: int) -> Prompts:
    """The same prompts once for each experiment, one after the other."""
    result = object.__new__(Prompts)
    result.lengths, result.tokens = prompts.lengths.repeat(count), prompts.tokens.repeat(count, 1)
    result.places = result.rows = None
    assert prompts.places is None
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=500, help="the whole programme ends by this clock")
    parser.add_argument("--kept", type=float, default=80, help="seconds of training what is kept")
    parser.add_argument("--batch", type=int, default=32, help="pairs of a step")
    parser.add_argument("--small", type=int, default=2000, help="pairs of each run that chooses a rate")
    parser.add_argument("--large", type=int, default=8000, help="pairs of the comparison")
    parser.add_argument("--rows", type=int, default=768, help="answers of a pass with the tape")
    parser.add_argument("--ask", type=int, default=2048, help="questions asked at once")
    parser.add_argument("--longest", type=int, default=112, help="tokens of a rollout")
    parser.add_argument("--test", type=int, default=1300)
    parser.add_argument("--dev", type=int, default=600)
    parser.add_argument("--pairs", type=int, default=9300)
    parser.add_argument("--replay", type=int, default=9000)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--only-base", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    Study(parser.parse_args()).run()


if __name__ == "__main__":
    main()
