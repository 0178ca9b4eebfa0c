"""Writes containers/: sound as programs, browsers and phones really write it, joined, cut and smuggled, and what must become of it.

    python containers.py        (numpy, soxr; ffmpeg, sox with opencore-amr, lame, flac, oggdec in PATH)

containers/*         small files: whole ones, and ones that must be refused
containers.json      per file: what FFmpeg's own decoder makes of it (rate, channels, frames, and samples at listed positions of the mean
                     of the channels after soxr's HQ resampling to 16 kHz), or the code of the refusal
"""

import json
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import soxr

here = pathlib.Path(__file__).parent
folder = here / "containers"
folder.mkdir(exist_ok=True)
for old in folder.iterdir():
    old.unlink()
random = np.random.default_rng(21)
scratch = pathlib.Path(tempfile.mkdtemp())
expected = {}


def run(*command, input=None):
    return subprocess.run([str(c) for c in command], check=True, input=input, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def ffmpeg(*arguments):
    return run("ffmpeg", "-v", "error", "-y", "-bitexact", *arguments)


def tones(seconds, rate, channels=1, lead=0.0):
    t = np.arange(int(seconds * rate)) / rate
    x = np.stack([sum(np.sin(2 * np.pi * f * (c + 1) * t + f) for f in (220.0, 587.3, 1318.5)) for c in range(channels)], 1) / 6
    x *= np.minimum(1, 20 * np.minimum(t, t[::-1]) + 0.2)[:, None]
    x = np.concatenate([np.zeros((int(lead * rate), channels)), x])
    return np.round(x * 32767).astype("<i2")


def wave(samples, rate, size=None, riff=None, tail=b"", fmt_extra=b""):
    data = samples.tobytes()
    channels = samples.shape[1]
    body = b"fmt " + struct.pack("<IHHIIHH", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16) + fmt_extra
    size = len(data) if size is None else size
    riff = 4 + len(body) + 8 + len(data) + len(tail) if riff is None else riff
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + body + b"data" + struct.pack("<I", size) + data + tail


def source(seconds=0.4, rate=16000, channels=1, lead=0.0):
    path = scratch / f"{seconds}-{rate}-{channels}-{lead}.wav"
    path.write_bytes(wave(tones(seconds, rate, channels, lead), rate))
    return path


def encoded(ending, *arguments, of=None):
    path = scratch / ("encoded." + ending)
    ffmpeg("-i", of or source(), *arguments, path)
    return path.read_bytes()


def decoded(data, ending):
    """FFmpeg's samples [frames, channels], and the rate. Ogg is its codecs' own libraries' business: FFmpeg's Opus is another resampler, and
    its Vorbis goes on to the end of the last packet."""
    path = scratch / ("decode." + ending)
    path.write_bytes(data)
    of = ["-c:a", "libopus"] if ending == "opus" else []
    probe = run("ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", path)
    rate, channels = map(int, probe.decode().split()[0].strip(",").split(",")[:2])
    if ending == "ogg":
        return np.frombuffer(run("oggdec", "-Q", "-R", "-o", "-", path), "<i2").reshape(-1, channels).astype("f4") / 32768, rate
    raw = run("ffmpeg", "-v", "quiet", *of, "-i", path, "-map", "0:a:0", "-f", "f32le", "-c:a", "pcm_f32le", "-")
    return np.frombuffer(raw, "<f4").reshape(-1, channels), rate


def heard(name, data, gold=None):
    """Expects what FFmpeg hears in the parts `gold` of (bytes, ending), one after the other; by default in the file."""
    (folder / name).write_bytes(data)
    parts = [decoded(*part) for part in gold or [(data, name.split(".")[-1])]]
    rate, x = parts[0][1], np.concatenate([part[0] for part in parts])
    mono = x.mean(1, dtype=np.float32)
    y = mono if rate == 16000 else soxr.resample(mono, rate, 16000, "HQ")
    at = sorted({0, len(y) - 1, *random.integers(0, len(y), 24).tolist()})
    expected[name] = {
        "sample_rate": rate, "channels": x.shape[1], "frames": len(x), "length": int(np.ceil(len(x) * 16000 / rate)), "at": at,
        "samples": [round(float(y[i]), 6) for i in at],
    }


def refused(name, data, code):
    (folder / name).write_bytes(data)
    expected[name] = {"code": code}


def id3v2(*frames):
    body = b"".join(i + struct.pack(">I", len(c)) + b"\0\0" + c for i, c in frames) + bytes(64)
    size = bytes((len(body) >> s) & 127 for s in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + body


title = (b"TIT2", b"\0tones")
# The picture holds what looks like frames.
picture = (b"APIC", b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + b"\xff\xfb\x90\x64" * 40 + random.integers(0, 256, 900).astype("u1").tobytes())
id3v1 = b"TAG" + b"tones".ljust(124, b"\0") + b"\0"
ape_item = struct.pack("<II", 5, 0) + b"Title\0tones"
ape_footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(ape_item) + 32, 1, 0) + bytes(8)
junk = bytes(random.integers(0, 255, 700).astype("u1"))  # No byte is 255, so none starts a frame.

# MP3. Without a Xing header the length is known to those alone who read every frame.
xing = encoded("mp3", "-b:a", "48k")
plain = encoded("mp3", "-b:a", "48k", "-write_xing", "0", "-id3v2_version", "0")
long = encoded("mp3", "-q:a", "3", "-write_xing", "0", "-id3v2_version", "0", of=source(0.4, 22050, 1, lead=1.5))
heard("cbr-without-xing.mp3", plain)
heard("vbr-without-xing.mp3", long)
heard("stereo-without-xing.mp3", encoded("mp3", "-q:a", "6", "-write_xing", "0", of=source(0.3, 44100, 2)))
heard("mpeg25-without-xing.mp3", encoded("mp3", "-b:a", "16k", "-write_xing", "0", of=source(0.4, 8000)))
heard("lame-without-tag.mp3", run("lame", "--quiet", "-t", "-V", "4", source(0.4, 44100), "-"))
heard("lame.mp3", run("lame", "--quiet", "-V", "4", source(0.4, 44100), "-"))
heard("layer2.mp2", encoded("mp2", "-b:a", "64k"))
heard("picture-and-tags.mp3", id3v2(title, picture) + plain + ape_item + ape_footer + id3v1, [(plain, "mp3")])
heard("picture-and-xing.mp3", id3v2(title, picture) + xing + id3v1, [(xing, "mp3")])
heard("zeros-first.mp3", bytes(5000) + plain, [(plain, "mp3")])
heard("junk-first.mp3", junk + plain, [(plain, "mp3")])
heard("junk-behind.mp3", plain + junk, [(plain, "mp3")])
heard("zeros-behind.mp3", xing + bytes(5000), [(xing, "mp3")])
heard("joined.mp3", xing + xing, [(xing, "mp3")] * 2)
heard("joined-with-tags.mp3", id3v2(title) + xing + id3v1 + id3v2(title, picture) + xing + id3v1, [(xing, "mp3")] * 2)
heard("joined-second-without-xing.mp3", xing + plain, [(xing, "mp3"), (plain, "mp3")])
refused("joined-at-other-rates.mp3", xing + encoded("mp3", of=source(0.4, 44100)), "audio_joined")
refused("joined-with-wav.mp3", xing + source().read_bytes(), "audio_joined")
refused("cut-in-last-frame.mp3", plain[:-50], "audio_truncated")
refused("cut-after-xing.mp3", xing[: len(xing) * 2 // 3], "audio_truncated")
refused("hole.mp3", plain[:600] + junk + plain[1100:], "audio_undecodable")

# Ogg.
flac_tool = scratch / "flac.oga"
run("flac", "--silent", "--ogg", "--force", "--serial-number=7", "-o", flac_tool, source())
ogg_flac = flac_tool.read_bytes()
opus = encoded("opus", "-c:a", "libopus", "-b:a", "16k", of=source(0.4, 48000))
stereo_opus = encoded("opus", "-c:a", "libopus", "-b:a", "16k", of=source(0.4, 48000, 2))
vorbis = encoded("ogg", "-c:a", "libvorbis", "-q:a", "0")
heard("flac.oga", ogg_flac)
heard("flac-by-ffmpeg.oga", encoded("oga", "-c:a", "flac", of=source(0.3, 22050, 2)))
heard("chain-opus.ogg", opus + opus, [(opus, "opus")] * 2)
heard("chain-vorbis.ogg", vorbis + vorbis, [(vorbis, "ogg")] * 2)
heard("chain-flac.oga", ogg_flac + ogg_flac, [(ogg_flac, "oga")] * 2)
refused("chain-of-channels.ogg", opus + stereo_opus, "audio_joined")
refused("chain-of-rates.ogg", opus + vorbis, "audio_joined")
refused("joined-with-wav.ogg", opus + source().read_bytes(), "audio_undecodable")
refused("cut.oga", ogg_flac[: len(ogg_flac) * 2 // 3], "audio_truncated")

# WAV, from writers that cannot seek, and with sizes that are wrong.
x = tones(0.1, 16000)
list_chunk = b"LIST" + struct.pack("<I", 18) + b"INFOINAM" + struct.pack("<I", 6) + b"tones\0"
good = [(wave(x, 16000), "wav")]
for name, size in (("zero", 0), ("ones", 0xFFFFFFFF), ("largest", 0x7FFFFFFF), ("streamed", 0x7FFFF000)):
    heard(f"size-{name}.wav", wave(x, 16000, size=size, riff=size), good)
heard("size-zero-plausible-riff.wav", wave(x, 16000, size=0, riff=36), good)
heard("size-zero-list-behind.wav", wave(x, 16000, size=0, riff=0, tail=list_chunk), good)
heard("size-ones-list-behind.wav", wave(x, 16000, size=0xFFFFFFFF, riff=0xFFFFFFFF, tail=list_chunk), good)
heard("list-behind.wav", wave(x, 16000, tail=list_chunk), good)
heard("tag-behind.wav", wave(x, 16000) + id3v1, good)
heard("odd-chunk.wav", wave(x, 16000, fmt_extra=b"JUNK" + struct.pack("<I", 3) + b"abc\0"), good)
heard("odd-chunk-without-padding.wav", wave(x, 16000, fmt_extra=b"JUNK" + struct.pack("<I", 3) + b"abc"), good)
refused("empty-list-behind.wav", wave(x[:0], 16000, tail=list_chunk), "audio_no_samples")
refused("size-too-small.wav", wave(x, 16000, size=640), "audio_unexplained_bytes")
refused("joined.wav", wave(x, 16000) * 2, "audio_joined")
refused("joined-of-unknown-size.wav", wave(x, 16000, size=0, riff=0) * 2, "audio_joined")
refused("joined-with-flac.wav", wave(x, 16000) + encoded("flac"), "audio_joined")
refused("behind-id3.wav", id3v2(title) + wave(x, 16000), "audio_not_recognized")


def rf64(size, name=b"RF64", tail=b""):
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, (size + 72) % 2**64, size, 0, 0)
    return name + b"\xff" * 4 + b"WAVE" + ds64 + fmt + b"data" + b"\xff" * 4 + x.tobytes() + tail


heard("rf64.wav", rf64(3200), good)
heard("bw64.wav", rf64(3200, b"BW64"), good)
heard("rf64-size-zero.wav", rf64(0), good)
heard("rf64-size-ones.wav", rf64(2**64 - 1), good)
heard("rf64-size-32-ones.wav", rf64(2**32 - 1), good)
heard("rf64-list-behind.wav", rf64(3200, tail=list_chunk), good)
refused("rf64-size-too-small.wav", rf64(320), "audio_unexplained_bytes")
refused("rf64-size-too-large.wav", rf64(2**48 - 1), "audio_truncated")
refused("rf64-joined.wav", rf64(3200) * 2, "audio_joined")

# FLAC and AIFF.
flac = encoded("flac", of=source(0.3, 22050))
unknown = bytearray(flac)
unknown[21] &= 0xF0
unknown[22:26] = bytes(4)
heard("behind-id3.flac", id3v2(title, picture) + flac, [(flac, "flac")])
heard("length-unknown.flac", bytes(unknown), [(flac, "flac")])
refused("length-unknown-cut.flac", bytes(unknown[:-100]), "audio_undecodable")
refused("joined.flac", flac + flac, "audio_joined")
refused("joined-with-wav.flac", flac + source().read_bytes(), "audio_joined")
aiff = encoded("aiff")
heard("plain.aiff", aiff)
heard("size-unknown.aiff", ffmpeg("-i", source(), "-f", "aiff", "-"), [(aiff, "aiff")])
refused("joined.aiff", aiff + aiff, "audio_joined")
refused("joined-with-wav.aiff", aiff + source().read_bytes(), "audio_joined")

# What browsers and phones record.
speech = source(0.4, 48000)
live = ffmpeg("-i", speech, "-c:a", "libopus", "-b:a", "16k", "-f", "webm", "-live", "1", "-")
webm = encoded("webm", "-c:a", "libopus", "-b:a", "16k", of=speech)
heard("live.webm", live)
heard("seekable.webm", webm)
heard("vorbis.webm", encoded("webm", "-c:a", "libvorbis", "-q:a", "0"))
heard("pcm.mka", encoded("mka", "-c:a", "pcm_f32le"))
heard("picture-behind.webm", ffmpeg("-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=0.4", "-i", speech, "-map", "0", "-map", "1", "-c:v",
      "libvpx", "-c:a", "libopus", "-b:a", "16k", "-f", "webm", "-live", "1", "-"))
refused("cut.webm", live[:-20], "audio_truncated")
refused("seekable-cut.webm", webm[: len(webm) // 2], "audio_truncated")
refused("joined.webm", live + live, "audio_joined")

m4a = encoded("m4a", "-c:a", "aac", "-b:a", "24k")
first = encoded("m4a", "-c:a", "aac", "-b:a", "24k", "-movflags", "+faststart")
fragmented = ffmpeg("-i", source(), "-c:a", "aac", "-b:a", "24k", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof",
                    "-frag_duration", "100000", "-")
heard("moov-at-end.m4a", m4a)
heard("moov-first.m4a", first)
heard("fragmented.mp4", fragmented)
heard("stereo.m4a", encoded("m4a", "-c:a", "aac", "-b:a", "32k", of=source(0.3, 44100, 2)))
heard("alac.m4a", encoded("m4a", "-c:a", "alac"))
heard("opus.mp4", encoded("mp4", "-c:a", "libopus", "-b:a", "16k", of=speech))
heard("mp3.mp4", encoded("mp4", "-c:a", "libmp3lame", "-b:a", "32k"))
heard("video.mp4", ffmpeg("-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=0.4", "-i", source(), "-map", "0", "-map", "1", "-c:v", "mpeg4",
      "-c:a", "aac", "-b:a", "24k", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "-"))
heard("quicktime.mov", encoded("mov", "-c:a", "pcm_s16be"))
refused("moov-first-cut.m4a", first[:-100], "audio_truncated")
refused("moov-at-end-cut.m4a", m4a[:-100], "audio_truncated")
refused("fragmented-cut.mp4", fragmented[:-100], "audio_truncated")
refused("joined.m4a", m4a + m4a, "audio_joined")
refused("only-video.mp4", ffmpeg("-f", "lavfi", "-i", "color=size=16x16:rate=5:duration=0.4", "-c:v", "mpeg4", "-f", "mp4", "-movflags",
        "frag_keyframe+empty_moov", "-"), "audio_undecodable")

adts = encoded("aac", "-c:a", "aac", "-b:a", "24k")
heard("raw.aac", adts)
heard("raw-behind-id3.aac", id3v2(title) + adts)
heard("raw-joined.aac", adts + adts)
refused("raw-cut.aac", adts[:-20], "audio_truncated")
refused("raw-of-two-rates.aac", adts + encoded("aac", "-c:a", "aac", of=source(0.3, 44100)), "audio_joined")

for codec, name in (("alac", "alac"), ("pcm_s16be", "pcm"), ("aac", "aac")):
    try:
        heard(f"{name}.caf", encoded("caf", "-c:a", codec))
    except subprocess.CalledProcessError:
        print("no CAF of", codec)
caf = encoded("caf", "-c:a", "pcm_s16le")
refused("cut.caf", caf[:-50], "audio_truncated")
refused("joined.caf", caf + caf, "audio_joined")

amr_file = scratch / "speech.amr-nb"
run("sox", source(0.4, 8000), amr_file)
amr = amr_file.read_bytes()
heard("narrow.amr", amr)
(scratch / "tones.amr").write_bytes(amr)
heard("narrow.3gp", encoded("3gp", "-c:a", "copy", of=scratch / "tones.amr"))
heard("aac.3gp", encoded("3gp", "-c:a", "aac", "-b:a", "24k"))
refused("cut.amr", amr[:-5], "audio_truncated")
refused("joined.amr", amr + amr, "audio_joined")

w64 = encoded("w64", "-c:a", "pcm_s16le", of=source(0.1))
heard("plain.w64", w64)
refused("cut.w64", w64[:-500], "audio_truncated")
heard("plain.au", encoded("au", "-c:a", "pcm_mulaw"))
refused("behind-id3.au", id3v2(title) + encoded("au", "-c:a", "pcm_mulaw"), "audio_not_recognized")

# From writers that cannot seek, and codecs that libsndfile does not read, or not to the last sample.
au = bytearray(encoded("au", "-c:a", "pcm_s16be"))
au[8:12] = bytes(4)
heard("size-zero.au", bytes(au), [(encoded("au", "-c:a", "pcm_s16be"), "au")])
streamed = bytearray(encoded("caf", "-c:a", "pcm_s16be", of=source(0.11)))
at = streamed.index(b"data")
streamed[at + 4:at + 12] = b"\xff" * 8
heard("size-unknown.caf", bytes(streamed), [(encoded("caf", "-c:a", "pcm_s16be", of=source(0.11)), "caf")])
mp3_wave = encoded("wav", "-c:a", "libmp3lame", "-b:a", "48k")
heard("mp3.wav", mp3_wave)
heard("g722.wav", encoded("wav", "-c:a", "g722"))
refused("mp3-cut.wav", mp3_wave[:-100], "audio_truncated")
speex = encoded("ogg", "-c:a", "libspeex")
heard("speex.spx", speex)
refused("speex-cut.spx", speex[: len(speex) * 2 // 3], "audio_truncated")

(here / "containers.json").write_text(json.dumps(expected, separators=(",", ":"), indent=None).replace('},"', '},\n"') + "\n")
print(len(expected), "files,", sum(p.stat().st_size for p in folder.iterdir()), "bytes")
