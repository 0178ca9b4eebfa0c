#!/usr/bin/env python3
"""What a form costs cord's engine: eight answers at once over 150,000 byte-level tokens, with and without a JSON schema.

The model is cord-nano with a random embedding of mistral-common's vocabulary (`structured.py`): its answers say nothing, its arithmetic is that of a
model of this size whose vocabulary is real. Answers are drawn (temperature 1) and have as many tokens in both cases. `new` schemas were never asked
before (another description each time), so every mask that they need is computed; `kept` ones were. The form has so many texts to fill that few answers
end before the others.

Needs: `swift build -c release`; pip install mistral-common tiktoken safetensors torch
Usage: python structured_engine.py .build/release/cord [--n 9] [--tokens 128]
"""
import argparse
import json
import pathlib
import shutil
import statistics
import sys
import tempfile

import safetensors.torch
import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from serving import ROOT, Server
from structured import TEKKEN
from structured_cases import item

NANO = ROOT / "Sources/Model/CordNano/Checkpoint"


def wide(folder):
    """cord-nano with a vocabulary of its control tokens and those of the tekken file."""
    for file in NANO.iterdir():
        if file.name not in ("tokenizer.json", "model.safetensors"):
            shutil.copy(file, folder)
    controls = sorted(json.loads((NANO / "tokenizer.json").read_text())["added_tokens"], key=lambda token: token["id"])
    assert [token["id"] for token in controls] == list(range(len(controls)))
    read = json.loads(TEKKEN.read_text())
    size = len(read["vocab"]) + len(controls)
    read["config"] |= {"default_vocab_size": size, "default_num_special_tokens": len(controls)}
    read["special_tokens"] = [{"rank": token["id"], "token_str": token["content"], "is_control": True} for token in controls]
    (folder / "tekken.json").write_text(json.dumps(read))
    config = json.loads((NANO / "config.json").read_text())
    config["text_config"]["vocab_size"] = size
    (folder / "config.json").write_text(json.dumps(config))
    weights = safetensors.torch.load_file(NANO / "model.safetensors")
    torch.manual_seed(1)
    # The embedding and the head, which are one matrix.
    names = [name for name in weights if name.endswith(("embed_tokens.weight", "lm_head.weight"))]
    drawn = torch.randn(size, weights[names[0]].shape[1]) * weights[names[0]].float().std()
    for name in names:
        weights[name] = drawn.to(weights[name].dtype).clone()
    safetensors.torch.save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cord")
    parser.add_argument("--n", type=int, default=9)
    parser.add_argument("--tokens", type=int, default=128)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = wide(pathlib.Path(folder))
        with Server(arguments.cord, model=folder) as server:
            # A text of its own in each turn: no prefix is found in the cache.
            def ask(turn, schema):
                body = {"messages": [{"role": "user", "content": f"Question {turn}"}], "max_tokens": arguments.tokens, "temperature": 1, "n": 8,
                        "min_tokens": arguments.tokens, "ignore_eos": True, "seed": turn}
                if schema:
                    body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
                answer = server.call("POST", "/v1/chat/completions", body)
                count = answer["usage"]["completion_tokens"]
                return answer["cord"]["timings"]["decode"] / (count / 8), count

            plain, new, kept, counts = [], [], [], []
            for turn in range(-1, arguments.n):
                schema = item({"turn": {"description": str(turn), "type": "integer"}, "kind": {"enum": ["statement", "question", "order"]},
                               "tags": {"type": "array", "items": {"type": "string"}}} | {f"text{place}": {"type": "string"} for place in range(16)})
                rows = [ask(turn + 10, None), ask(turn + 10, schema), ask(turn + 10, schema)]
                if turn < 0:
                    continue
                for values, (seconds, _) in zip((plain, new, kept), rows):
                    values.append(1e6 * seconds)
                counts += [count for _, count in rows]
            print("what,microseconds a step of 8 tokens,runs")
            for name, values in (("without a form", plain), ("a new form", new), ("a form asked before", kept)):
                print(f"{name},{statistics.median(values):.0f},{len(values)}")
            for name, values in (("a new form", new), ("a form asked before", kept)):
                ratios = [value / base for value, base in zip(values, plain)]
                print(f"# {name}: {100 * (statistics.median(ratios) - 1):+.1f} % of a step (pairs {100 * (min(ratios) - 1):+.1f} to "
                      f"{100 * (max(ratios) - 1):+.1f}); {size} tokens in the vocabulary, eight answers of {min(counts)} to {max(counts)} tokens together")


if __name__ == "__main__":
    main()
