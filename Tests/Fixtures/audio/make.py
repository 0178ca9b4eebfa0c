"""Writes the clips of this folder and what transformers and librosa make of them.

    python make.py        (numpy, soundfile, librosa, soxr, torch, transformers; espeak-ng in PATH)

clips/*          small sound files in every container, depth, rate and channel count
resampled.json   per clip: format facts, length at 16 kHz, and samples at listed positions (mean of the channels, then
                 librosa.resample(res_type="soxr_hq"))
logmel.json      per case: a clip at 16 kHz as a recipe that the tests repeat exactly, and values of WhisperFeatureExtractor
                 at listed (frame, mel) positions
"""

import json
import pathlib
import subprocess
import tempfile

import librosa
import numpy as np
import soundfile
from transformers import WhisperFeatureExtractor

here = pathlib.Path(__file__).parent
clips = here / "clips"
clips.mkdir(exist_ok=True)
random = np.random.default_rng(20)


def tones(seconds, rate, channels, level=0.5):
    """A different chord with a little noise in each channel, faded in and out."""
    t = np.arange(max(1, int(round(seconds * rate)))) / rate
    columns = []
    for c in range(channels):
        x = sum(np.sin(2 * np.pi * f * (c + 1) * t + f) / 3 for f in (220.0, 587.3, 1318.5))
        columns.append(x + 0.02 * random.standard_normal(len(t)))
    fade = np.minimum(1, np.minimum(np.arange(len(t)), np.arange(len(t))[::-1]) / (0.01 * rate) + 0.2)
    return (level * fade[:, None] * np.stack(columns, 1)).astype(np.float32)


def speech(text):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", "-v", "en-us+f3", "-w", file.name, text], check=True)
        return soundfile.read(file.name, dtype="float32")


def write(name, samples, rate, **options):
    soundfile.write(clips / name, samples, rate, **options)


spoken, spoken_rate = speech("Two and three?")
write("speech.wav", spoken, spoken_rate, subtype="PCM_16")
write("speech.flac", spoken, spoken_rate)
write("speech.ogg", spoken, spoken_rate, format="OGG", subtype="VORBIS")
write("speech.mp3", spoken, spoken_rate, format="MP3")
write("speech.opus", librosa.resample(spoken, orig_sr=spoken_rate, target_sr=48000), 48000, format="OGG", subtype="OPUS")
write("u8-8000-mono.wav", tones(0.5, 8000, 1), 8000, subtype="PCM_U8")
write("s16-11025-stereo.wav", tones(0.3, 11025, 2), 11025, subtype="PCM_16")
write("s24-44100-stereo.wav", tones(0.1, 44100, 2), 44100, subtype="PCM_24")
write("s32-32000-mono.wav", tones(0.1, 32000, 1), 32000, subtype="PCM_32")
write("f32-16000-mono.wav", tones(0.2, 16000, 1), 16000, subtype="FLOAT")
write("f64-12345-mono.wav", tones(0.2, 12345, 1), 12345, subtype="DOUBLE")
write("s16-192000-mono.wav", tones(0.1, 192000, 1), 192000, subtype="PCM_16")
write("s16-16000-6channels.wav", tones(0.2, 16000, 6, 0.3), 16000, subtype="PCM_16")
write("one-sample.wav", np.array([0.25], np.float32), 16000, subtype="PCM_16")
write("ulaw-8000.wav", tones(0.3, 8000, 1), 8000, subtype="ULAW")
write("adpcm-16000.wav", tones(0.3, 16000, 1), 16000, subtype="MS_ADPCM")
write("rf64-16000.wav", tones(0.1, 16000, 1), 16000, format="RF64", subtype="PCM_16")
write("s16-24000-stereo.aiff", tones(0.2, 24000, 2), 24000, format="AIFF", subtype="PCM_16")
write("s24-96000-stereo.flac", tones(0.1, 96000, 2), 96000, format="FLAC", subtype="PCM_24")
write("stereo-22050.ogg", tones(0.3, 22050, 2), 22050, format="OGG", subtype="VORBIS")
write("stereo-44100.mp3", tones(0.3, 44100, 2), 44100, format="MP3")

resampled = {}
for path in sorted(clips.iterdir()):
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = librosa.to_mono(x.T)
    y = librosa.resample(mono, orig_sr=rate, target_sr=16000, res_type="soxr_hq")
    at = sorted({0, len(y) - 1, *random.integers(0, len(y), 60).tolist()})
    resampled[path.name] = {
        "sample_rate": rate, "channels": x.shape[1], "frames": x.shape[0], "length": len(y),
        "at": at, "samples": [round(float(y[i]), 7) for i in at],
    }
(here / "resampled.json").write_text(json.dumps(resampled, separators=(",", ":")) + "\n")


def recipe(kind, count, level):
    """The clips of the log-mel cases; LogMelTests has the same integers, so the samples are equal to the bit."""
    state, out = 12345, np.zeros(count, np.float32)
    if kind == "silence":
        return out
    n = np.arange(count, dtype=np.int64)
    if kind == "noise":
        for i in range(count):
            state = (state * 1664525 + 1013904223) % 2**32
            out[i] = (state >> 16) - 32768
    elif kind == "sweep":  # A triangle whose period shrinks: every band is hit, and the clip has quiet and loud parts.
        phase = (n * (40 + n // 64)) % 65536
        out[:] = np.abs(phase - 32768) - 16384
    elif kind == "click":
        out[count // 2] = 16384
        out[count - 1] = -16384
    return (out / np.float32(32768) * np.float32(level)).astype(np.float32)


cases = []
for mels, chunk in ((80, 10), (128, 30)):
    extractor = WhisperFeatureExtractor(feature_size=mels, chunk_length=chunk)
    window = chunk * 16000
    for kind, count, level in (
        ("noise", 1600, 0.5), ("noise", 1, 0.5), ("noise", 159, 1.0), ("noise", 161, 0.1), ("noise", 201, 0.1),
        ("sweep", 64000, 1.0), ("sweep", 64000, 1e-4), ("noise", 33333, 1e-6), ("noise", 16000, 100.0),
        ("silence", 8000, 1.0), ("click", 12345, 1.0), ("click", window, 1.0), ("click", window - 30, 1.0),
        ("sweep", window, 0.8), ("noise", window - 1, 0.3),
    ):
        x = recipe(kind, count, level)
        made = extractor(x, sampling_rate=16000, return_attention_mask=True, return_tensors="np")
        y, mask = made["input_features"][0], made["attention_mask"][0]
        valid = int(mask.sum())
        frames = sorted({*range(min(2, valid)), *range(max(0, valid - 2), min(valid + 4, len(mask))),
                         *random.integers(0, valid, 3).tolist()})
        at = [(f, int(m)) for f in frames for m in sorted({0, mels - 1, *random.integers(0, mels, 7).tolist()})]
        cases.append({
            "mels": mels, "chunk": chunk, "kind": kind, "count": count, "level": level, "valid": valid,
            "window": len(mask), "at": at, "values": [round(float(y[m, f]), 6) for f, m in at],
            "mean": float(y[:, :valid].astype(np.float64).mean()),
        })
(here / "logmel.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
