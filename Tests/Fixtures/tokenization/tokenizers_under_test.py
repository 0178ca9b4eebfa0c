"""Byte-level BPE tokenizers of several families, on the published Qwen ranks (dashscope's resources/qwen.tiktoken)."""

import base64
import json
import pathlib

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def alphabet():
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table, extra = {b: chr(b) for b in plain}, 0x100
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(extra)
            extra += 1
    return table


def ranks():
    import dashscope

    path = pathlib.Path(dashscope.__file__).parent / "resources" / "qwen.tiktoken"
    lines = path.read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}


def model(size):
    """Vocabulary and merges of the first `size` ranks: each token's merge is how lower ranks would spell it in two."""
    table = alphabet()
    known = {token: rank for token, rank in ranks().items() if rank < size}
    spell = lambda token: "".join(table[b] for b in token)
    merges = []
    for token, rank in sorted(known.items(), key=lambda item: item[1]):
        if len(token) == 1:
            continue
        parts = [token[i:i + 1] for i in range(len(token))]
        while len(parts) > 2:
            pairs = [(known.get(parts[i] + parts[i + 1], rank), i) for i in range(len(parts) - 1)]
            best, i = min(pairs)
            if best >= rank:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        if len(parts) == 2:
            merges.append([spell(parts[0]), spell(parts[1])])
    return {spell(token): rank for token, rank in known.items()}, merges


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def byte_level(prefix=False, regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": False, "use_regex": regex}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def token(content, special=True, **options):
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=not special, special=special)
    return {"content": content, **flags, **options}


SPECIAL = [token(t) for t in ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"]]
QWEN_ADDED = SPECIAL + [token("<think>", False, normalized=False), token("</think>", False, normalized=False)]
ODD_ADDED = SPECIAL + [token("<mark>", lstrip=True, rstrip=True), token("<word>", False, single_word=True),
                       token("<strip>", False, lstrip=True), token("caf\u00e9token", False), token("  \n", False)]
NFC = {"type": "NFC"}


def pipelines():
    """Name → everything but the vocabulary and merges."""
    result = {}

    def add(name, pre, normalizer=None, added=SPECIAL, post=None, **options):
        result[name] = {"added": added, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "options": options}

    def template(n):
        ids = {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [n], "tokens": ["<|endoftext|>"]},
               "<|im_end|>": {"id": "<|im_end|>", "ids": [n + 2], "tokens": ["<|im_end|>"]}}
        single = [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                  {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}]
        return {"type": "Sequence", "processors": [
            byte_level(), {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": ids}]}

    add("qwen2", sequence(split(QWEN2), byte_level()), NFC, QWEN_ADDED)
    add("gpt2", byte_level(regex=True), post=byte_level())
    add("gpt2-prefix", byte_level(prefix=True, regex=True), added=ODD_ADDED)
    add("llama3", sequence(split(LLAMA3), byte_level()), post=template, ignore_merges=True)
    add("odd-added", sequence(split(QWEN2), byte_level()), NFC, ODD_ADDED)
    add("digits", sequence({"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Contiguous"},
                           byte_level(regex=True)), {"type": "NFD"})
    add("digit-runs", sequence({"type": "Digits", "individual_digits": False}, {"type": "WhitespaceSplit"}, byte_level()),
        {"type": "NFKC"})
    for behavior in ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]:
        add("split-" + behavior, sequence(split(r"\s" if behavior == "Contiguous" else r"\s|e", behavior), byte_level()))
        add("invert-" + behavior, sequence(split(r"\w+", behavior, True), byte_level(prefix=behavior == "Removed")))
    add("literal", sequence(split(" ", "MergedWithNext", kind="String"), split("e", "Removed", kind="String"), byte_level()),
        {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "Lowercase"},
                                             {"type": "Replace", "pattern": {"String": "the"}, "content": "a b"},
                                             {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                                             {"type": "Strip", "strip_left": True, "strip_right": True},
                                             {"type": "Prepend", "prepend": "_"}]})
    return result


def document(pipeline, vocabulary, merges):
    """A whole tokenizer.json."""
    first = max(vocabulary.values()) + 1
    post = pipeline["post_processor"]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocabulary, "merges": merges}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": first + i, **t} for i, t in enumerate(pipeline["added"])],
            "normalizer": pipeline["normalizer"], "pre_tokenizer": pipeline["pre_tokenizer"],
            "post_processor": post(first) if callable(post) else post, "decoder": byte_level(), "model": model | pipeline["options"]}


def load(doc):
    from tokenizers import Tokenizer

    return Tokenizer.from_str(json.dumps(doc, ensure_ascii=False))
