"""Who speaks: synthesizers, their voices, and how each is called. Held-out ones are never drawn for training."""

import random
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Voice:
    """One way of speaking. `rate` is words a minute for espeak-ng and a factor of tempo for the others."""

    engine: str
    name: str
    rate: float
    pitch: float = 50

    @property
    def id(self):
        return f"{self.engine}-{self.name}-{self.rate:g}-{self.pitch:g}"


ACCENTS = ["en-us", "en-us-nyc", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
VARIANTS = ["", "+m1", "+m2", "+m3", "+m5", "+m6", "+m8", "+f1", "+f3", "+f4", "+f5", "+croak", "+klatt", "+klatt2", "+klatt3", "+whisper",
            "+Annie", "+steph", "+linda", "+Denis", "+adam", "+Michael", "+belinda", "+iven", "+norbert", "+robosoft"]
# Measured with alone: cord-bench-1's four voices, and one speaker in every engine that has her.
HELD_OUT = {"en-us+f2", "en-gb+m4", "en-us+m7", "en-gb-scotland", "slt"}
FLITE = ["kal16", "awb", "rms"]
FESTIVAL = ["kal_diphone", "ked_diphone"]
RHVOICE = ["bdl", "clb"]
SHARES = [("espeak", 0.55), ("flite", 0.25), ("festival", 0.14), ("rhvoice", 0.06)]


def draw(rng: random.Random, engines) -> Voice:
    """A training voice of one of `engines`."""
    shares = [(name, share) for name, share in SHARES if name in engines]
    engine = rng.choices([n for n, _ in shares], [s for _, s in shares])[0]
    if engine == "espeak":
        names = [a + v for a in ACCENTS for v in VARIANTS if a + v not in HELD_OUT]
        return Voice(engine, rng.choice(names), round(rng.triangular(120, 260, 180)), rng.randint(25, 75))
    names = {"flite": FLITE, "festival": FESTIVAL, "rhvoice": RHVOICE}[engine]
    return Voice(engine, rng.choice(names), round(rng.uniform(0.75, 1.3), 2), rng.randint(30, 70))


def speak(voice: Voice, texts: list[str], folder: Path) -> list[Path | None]:
    """One WAV file a text, None where the engine failed."""
    paths = [folder / f"{place}.wav" for place in range(len(texts))]
    if voice.engine == "festival":
        # One process for all: it reads its diphones once.
        lines = [f"(voice_{voice.name})", f"(Parameter.set 'Duration_Stretch {1 / voice.rate:.3f})"]
        for text, path in zip(texts, paths):
            words = text.replace("\\", " ").replace('"', " ")
            lines.append(f'(unwind-protect (utt.save.wave (utt.synth (eval (list \'Utterance \'Text "{words}"))) "{path}" \'riff) nil)')
        with tempfile.NamedTemporaryFile("w", suffix=".scm", dir=folder) as script:
            script.write("\n".join(lines))
            script.flush()
            subprocess.run(["festival", "-b", script.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    else:
        for text, path in zip(texts, paths):
            subprocess.run(command(voice, path), input=text.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [path if path.exists() and path.stat().st_size > 1000 else None for path in paths]


def command(voice: Voice, path: Path) -> list[str]:
    """The program that speaks its standard input to `path`."""
    if voice.engine == "espeak":
        return ["espeak-ng", "-v", voice.name, "-s", f"{voice.rate:g}", "-p", f"{voice.pitch:g}", "-w", str(path), "--stdin"]
    if voice.engine == "flite":
        return ["flite", "-voice", voice.name, "--setf", f"duration_stretch={1 / voice.rate:.3f}", "-f", "/dev/stdin", "-o", str(path)]
    if voice.engine == "rhvoice":
        return ["RHVoice-test", "-p", voice.name, "-r", f"{100 * voice.rate:.0f}", "-t", f"{80 + voice.pitch * 0.4:.0f}", "-o", str(path)]
    raise ValueError(f"no engine called {voice.engine}; known are espeak, flite, festival and rhvoice")
