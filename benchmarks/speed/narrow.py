#!/usr/bin/env python3
"""The same GGUF files in cord and in llama.cpp's server, width by width, in one run: prompts, spoken questions, decoding, memory, opening.

A decoder in bfloat16 is quantised by llama.cpp's own program where its narrow file is not there yet; the projector stays in bfloat16. Both servers stand
side by side and are asked in turn, each prompt and clip a new one. Drafts and caches of prompts are off.

  prompts   512 tokens typed, to the first token                    tokens a second
  spoken    a question of each length in --seconds, to the first token
  decode    one answer and eight at once; bytes of weights read, against the memory's bandwidth before and after
  memory    resident after all that, beside the files
  open      from the start of the process to an answer of /health, files in the page cache

Needs: `peers.sh`, `make_model.py` and `convert.sh`.
Usage: python narrow.py CORD [--model DIR] [--widths Q8_0,Q4_0,Q4_K_M] [--parts prompts,spoken,decode,memory] [--n 5] [--seconds 6.6,30]
       echo 1 >/proc/sys/kernel/sched_rr_timeslice_ms; chrt -r 10 python narrow.py CORD …     before all other work on the machine, as root
"""
import argparse
import itertools
import pathlib
import subprocess

from answer import PROMPT, TYPED, Spoken, together
from measuring import PEERS, Rows, audio_part, bandwidth, decode_rate, prompt_of, quietly, say, text_part
from question import fresh, question


def narrowed(model, width):
    """The decoder's file of a width."""
    path = pathlib.Path(f"{model}-{width}.gguf")
    if not path.exists():
        run = [PEERS / "llama.cpp-build/bin/llama-quantize", f"{model}-decoder.gguf", path, width]
        subprocess.run(run, check=True, capture_output=True)
    return path


def read_for_a_token(path):
    """Bytes of a decoder's tensors that one token reads: all but the looked-up embedding."""
    from gguf import GGUFReader
    tensors = {tensor.name: int(tensor.n_bytes) for tensor in GGUFReader(path).tensors}
    return sum(size for name, size in tensors.items() if name != "token_embd.weight" or "output.weight" not in tensors)


def compare(width, arguments, rows):
    decoder, projector = narrowed(arguments.model, width), f"{arguments.model}-mmproj.gguf"
    numbers, parts, pids = itertools.count(100), arguments.parts.split(","), []
    cord = Spoken("cord", [arguments.cord, "serve", "--model", decoder, "--mmproj", projector, "--port", "{port}", "--data", "{data}", "--draft", "off"],
                  {"ignore_eos": True})
    peer = Spoken("llama.cpp", [PEERS / "llama.cpp-build/bin/llama-server", "--model", decoder, "--mmproj", projector, "--port", "{port}", "--threads",
                                arguments.threads, "--parallel", 8, "--ctx-size", 8192], {"cache_prompt": False, "ignore_eos": True})

    def in_turn(measure, name, unit, faster=lambda ours, theirs: ours / theirs):
        """Both programs `n` times after one warm-up; prints their medians and the ratio."""
        figures, most = {cord: [], peer: []}, 0.0
        for turn in range(arguments.n + 1):
            for server in figures:
                value, others = quietly(lambda: measure(server), pids, arguments.quiet, arguments.patience)
                if turn:
                    figures[server].append(value)
                    most = max(most, others)
        ours, theirs = (rows.add(server.name, f"{width}, {name}", values, unit, most) for server, values in figures.items())
        ratios = sorted(faster(a, b) for a, b in zip(*figures.values()))
        say(f"{width}, {name}: {faster(ours, theirs):.2f} times as fast (pairs {ratios[0]:.2f} to {ratios[-1]:.2f})")
        return figures

    def slower(ours, theirs):
        return theirs / ours

    with cord, peer:
        pids += [cord.pid, peer.pid]
        rows.add("cord", f"{width}, open", [cord.start_seconds], "s")
        rows.add("llama.cpp", f"{width}, open", [peer.start_seconds], "s")
        if "prompts" in parts:
            def prompt(server):
                answer = server.ask(prompt_of(cord, 512, next(numbers))[0], 2)
                return answer["prompt"] / answer["first"]
            in_turn(prompt, "prompt of 512 tokens", "tokens/s")
        if "spoken" in parts:
            clips = itertools.count()
            for seconds in map(float, arguments.seconds.split(",")):
                samples = question(seconds)
                in_turn(lambda server: server.ask([audio_part(fresh(samples, next(clips))), text_part(PROMPT)], 2)["first"],
                        f"first token of {seconds:g} s of speech", "s", slower)
        if "decode" in parts:
            reached, per_token = [], read_for_a_token(decoder) / 1e9

            def decode(server):
                before = bandwidth(arguments.threads) if server is cord else 0
                rate = decode_rate(server.ask([text_part(TYPED.format(next(numbers)))], arguments.tokens))
                if server is cord:
                    reached.append(per_token * rate / ((before + bandwidth(arguments.threads)) / 2))
                return rate
            one = in_turn(decode, "decode of one", "tokens/s")[cord]
            say(f"{width}, decode of one: {sorted(reached)[len(reached) // 2]:.3f} of the memory's bandwidth ({min(reached):.3f} to {max(reached):.3f}), "
                f"{1000 * per_token:.0f} MB a token")
            eight = in_turn(lambda server: together(server, 8, numbers, arguments.tokens), "decode of eight", "tokens/s")[cord]
            say(f"{width}, eight at once: {sorted(eight)[len(eight) // 2] / sorted(one)[len(one) // 2]:.2f} times one")
        if "memory" in parts:
            files = sum(pathlib.Path(path).stat().st_size for path in (decoder, projector)) / 1e6
            for server in (cord, peer):
                resident = rows.add(server.name, f"{width}, resident", [server.memory()["rss"]], "MB")
                say(f"{width}, {server.name}: {resident - files:+.0f} MB beside the files' {files:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--model", type=pathlib.Path, default=PEERS / "audio-1.27b")
    parser.add_argument("--widths", default="Q8_0,Q4_0,Q4_K_M")
    parser.add_argument("--parts", default="prompts,spoken,decode,memory")
    parser.add_argument("--seconds", default="6.6,30")
    parser.add_argument("--n", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quiet", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=0)
    arguments = parser.parse_args()
    rows = Rows()
    for width in arguments.widths.split(","):
        compare(width, arguments, rows)


if __name__ == "__main__":
    main()
