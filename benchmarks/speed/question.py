#!/usr/bin/env python3
"""Speaks a question with espeak-ng into a 16 kHz mono WAV file of exactly the length asked for.

Needs: the program espeak-ng (Debian: espeak-ng), numpy and soxr (`peers.sh` installs them).
Usage: question.py OUT.wav [SECONDS]       6.6 seconds unless told
"""
import io
import subprocess
import sys
import wave

import numpy
import soxr

TEXTS = {
    "short": "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?",
    "long": "Tom has twelve apples. He buys seven more at the market, and then he gives five of them away to his sister. "
    "How many apples does Tom have now?",
}


def spoken(text, words_per_minute):
    """The samples at 16 kHz without the silence at the end."""
    command = ["espeak-ng", "-v", "en-us", "-s", str(words_per_minute), "--stdout", text]
    # A WAV on a pipe has no length in its header: everything after the 44 bytes is samples at 22,050 Hz.
    data = subprocess.run(command, check=True, capture_output=True).stdout
    samples = numpy.frombuffer(data[44:], dtype="<i2").astype(numpy.float32) / 32768
    loud = numpy.flatnonzero(numpy.abs(samples) > 1e-3)
    return soxr.resample(samples[: loud[-1] + 1], 22050, 16000, quality="HQ")


def question(seconds):
    """The slowest speech that fits into `seconds`, with silence up to the end."""
    wanted = round(seconds * 16000)
    for text in [TEXTS["long"], TEXTS["short"]]:
        for words_per_minute in range(120, 330, 10):
            samples = spoken(text, words_per_minute)
            if len(samples) <= wanted:
                return numpy.pad(samples, (0, wanted - len(samples)))
    raise SystemExit(f"question.py: no question fits into {seconds} s; the shortest takes {len(samples) / 16000:.1f} s")


def wav(samples):
    """A 16-bit mono WAV file as bytes."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def fresh(samples, seed):
    """The same question with a trace of noise: a clip that no cache has seen."""
    noise = numpy.random.default_rng(seed).integers(-1, 2, len(samples))
    return wav(samples + noise / 32768)


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 6.6
    with open(sys.argv[1], "wb") as file:
        file.write(wav(question(seconds)))
