#!/usr/bin/env python3
"""Masks of JSON schemas over 150,000 byte-level tokens: cord beside llguidance and xgrammar, on the same schemas and tokens.

Of each schema: the time to the first mask (the schema understood, one mask made), then, token by token of a valid answer, the time of the mask and of
going on behind the token; the same answer again, when what can be kept was. Texts are drawn among what the masks allow and judged by jsonschema.
The vocabulary is that of a tekken file of mistral-common, without its special tokens; sorting it is done once per model and told apart.

Needs: `swift build -c release --product structure-bench`; pip install mistral-common tiktoken llguidance xgrammar jsonschema
Usage: python structured.py .build/release/structure-bench [--csv FILE]
"""
import argparse
import base64
import csv
import importlib.metadata
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import jsonschema
import mistral_common
import numpy
import tiktoken

from structured_cases import cases

TEKKEN = pathlib.Path(mistral_common.__file__).parent / "data/tekken_240911.json"


def spellings():
    """The bytes of each token, and the encoding."""
    read = json.loads(TEKKEN.read_text())
    ranks = {base64.b64decode(token["token_bytes"]): token["rank"] for token in read["vocab"]}
    encoding = tiktoken.Encoding("tekken", pat_str=read["config"]["pattern"], mergeable_ranks=ranks, special_tokens={})
    return [spelling for spelling, _ in sorted(ranks.items(), key=lambda pair: pair[1])], encoding


class LLGuidance:
    """Its Rust core by its own Python binding."""

    def __init__(self, tokens, end):
        import llguidance
        import llguidance.numpy
        self.module, self.arrays = llguidance, llguidance.numpy

        class Tokens:
            eos_token_id, bos_token_id, special_token_ids = end, None, [end]

            def __init__(self):
                self.tokens = tokens + [b"<|end|>"]

            def __call__(self, text):
                return list(text)

        self.tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Tokens()), n_vocab=end + 1)

    def made(self, schema):
        matcher = self.module.LLMatcher(self.tokenizer, self.module.LLMatcher.grammar_from_json_schema(json.dumps(schema)))
        if matcher.get_error():
            raise ValueError(matcher.get_error())
        return matcher

    def again(self, compiled):
        return compiled.deep_copy()

    def place(self, end):
        return self.arrays.allocate_token_bitmask(1, end + 1)

    def fill(self, matcher, bits):
        self.arrays.fill_next_token_bitmask(matcher, bits, 0)

    def take(self, matcher, token):
        return matcher.consume_token(token)


class XGrammar:
    """Its C++ core by its own Python binding."""

    def __init__(self, tokens, end):
        import xgrammar
        self.module = xgrammar
        self.compiler = xgrammar.GrammarCompiler(
            xgrammar.TokenizerInfo(tokens + [b"<|end|>"], xgrammar.VocabType.RAW, stop_token_ids=[end]), cache_enabled=False)

    def made(self, schema):
        return self.compiler.compile_json_schema(json.dumps(schema))

    def again(self, compiled):
        return self.module.GrammarMatcher(compiled)

    def place(self, end):
        return self.module.allocate_token_bitmask(1, end + 1)

    def fill(self, matcher, bits):
        matcher.fill_next_token_bitmask(bits, 0)

    def take(self, matcher, token):
        return matcher.accept_token(token)


def allowed(bits, count):
    words = numpy.asarray(bits).reshape(-1).view(numpy.uint32)
    return numpy.nonzero(numpy.unpackbits(words.view(numpy.uint8), bitorder="little")[:count])[0]


def drawn(peer, compiled, tokens, end, seed, most=400):
    """Text drawn among what masks allow; None for one that did not end."""
    dice, matcher, bits, text = random.Random(seed), peer.again(compiled), peer.place(end), b""
    for count in range(most):
        peer.fill(matcher, bits)
        choice = allowed(bits, end + 1)
        if end in choice and (count > most / 2 or len(choice) == 1 or dice.random() < 0.2):
            return text.decode(errors="replace")
        choice = choice[choice != end].tolist()
        if not choice:
            return None
        closing = [token for token in dice.sample(choice, min(len(choice), 2000)) if any(byte in b"\"}]" for byte in tokens[token])]
        token = dice.choice(closing) if closing and dice.random() < 0.4 else dice.choice(choice)
        text += tokens[token]
        if not peer.take(matcher, token):
            return None
    return None


def measured(peer, case, tokens, end):
    row = {"name": case["name"]}
    try:
        start = time.perf_counter()
        compiled = peer.made(case["schema"])
        row["made"] = time.perf_counter() - start
        start = time.perf_counter()
        matcher, bits = peer.again(compiled), peer.place(end)
        peer.fill(matcher, bits)
        row["first"] = time.perf_counter() - start
        row["turns"], row["accepted"] = [], True
        for _ in range(2):
            matcher, spent = peer.again(compiled), []
            for token in case["tokens"]:
                start = time.perf_counter()
                peer.fill(matcher, bits)
                taken = peer.take(matcher, token)
                spent.append(time.perf_counter() - start)
                if not taken:
                    row["accepted"] = False
                    break
            row["turns"].append(spent)
        row["texts"] = [text for seed in range(4) if (text := drawn(peer, compiled, tokens, end, seed)) is not None]
    except Exception as error:
        row["error"] = str(error)
    return row


def judged(text, schema):
    try:
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(json.loads(text))
        return True
    except (ValueError, jsonschema.ValidationError):
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--csv")
    parser.add_argument("--peers", default="llguidance,xgrammar")
    arguments = parser.parse_args()
    tokens, encoding = spellings()
    end = len(tokens)
    listed = [{"name": name, "schema": schema, "tokens": encoding.encode_ordinary(json.dumps(value, ensure_ascii=False))}
              for name, schema, value in cases()]
    for (name, schema, value) in cases():
        jsonschema.Draft202012Validator(schema).validate(value)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "vocabulary").write_bytes(b"".join(len(token).to_bytes(2) + token for token in tokens + [b"<|end|>"]))
        (folder / "cases").write_text(json.dumps(listed))
        lines = subprocess.run([arguments.program, folder / "vocabulary", folder / "cases"], check=True, capture_output=True, text=True).stdout.splitlines()
    print(f"# cord: the vocabulary's {end} tokens in order after {float(lines[0]):.3f} s")
    results["cord"] = [json.loads(line) for line in lines[1:]]
    for name in filter(None, arguments.peers.split(",")):
        kind = {"llguidance": LLGuidance, "xgrammar": XGrammar}[name]
        start = time.perf_counter()
        peer = kind(tokens, end)
        print(f"# {name} {importlib.metadata.version(name)}: ready after {time.perf_counter() - start:.3f} s")
        results[name] = [measured(peer, case, tokens, end) for case in listed]

    out = csv.writer(open(arguments.csv, "w") if arguments.csv else sys.stdout)
    out.writerow(["schema", "program", "tokens", "first mask, ms", "mean mask, us", "worst mask, us", "mean again, us", "accepted", "drawn", "valid", "error"])
    sums = {}
    for place, case in enumerate(listed):
        for name, rows in results.items():
            row = rows[place]
            if "error" in row:
                out.writerow([case["name"], name, len(case["tokens"])] + [""] * 7 + [row["error"][:120]])
                continue
            first, again = row["turns"]
            valid = [judged(text, case["schema"]) for text in row["texts"]]
            out.writerow([case["name"], name, len(case["tokens"]), f"{1e3 * (row['made'] + row['first']):.2f}", f"{1e6 * statistics.mean(first):.1f}",
                          f"{1e6 * max(first):.0f}", f"{1e6 * statistics.mean(again):.1f}", row["accepted"], len(valid), sum(valid), ""])
            total = sums.setdefault(name, {"first": [], "masks": [], "again": [], "accepted": 0, "drawn": 0, "valid": 0})
            total["first"].append(row["made"] + row["first"])
            total["masks"] += first
            total["again"] += again
            total["accepted"] += row["accepted"]
            total["drawn"] += len(valid)
            total["valid"] += sum(valid)
    for name, total in sums.items():
        masks = sorted(total["masks"])
        print(f"# {name}: first mask median {1e3 * statistics.median(total['first']):.2f} ms, most {1e3 * max(total['first']):.1f} ms; "
              f"{len(masks)} masks, mean {1e6 * statistics.mean(masks):.1f} us, median {1e6 * statistics.median(masks):.1f}, 99th of a hundred "
              f"{1e6 * masks[len(masks) * 99 // 100]:.0f}, most {1e6 * masks[-1]:.0f}; again {1e6 * statistics.mean(total['again']):.2f} us; "
              f"accepted {total['accepted']} of {len(total['first'])}; drawn {total['drawn']}, valid {total['valid']}")


if __name__ == "__main__":
    main()
