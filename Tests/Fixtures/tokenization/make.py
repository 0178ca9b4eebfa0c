"""Writes the fixtures of TokenizationTests beside this file: pipelines.json (ids of texts by several tokenizers) and
templates.json (renderings of chat templates by transformers). Run with tokenizers, transformers and dashscope installed.
"""

import json
import pathlib
import random

from transformers.utils.chat_template_utils import render_jinja_template

import chats
import texts
import tokenizers_under_test as under_test

here = pathlib.Path(__file__).parent


def write(name, value):
    (here / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


vocabulary, merges = under_test.model(1500)
samples = texts.texts("fixtures", 260)
tokenizers = {}
for name, pipeline in under_test.pipelines().items():
    document = under_test.document(pipeline, vocabulary, merges)
    tokenizer = under_test.load(document)
    rng = random.Random(name)
    parsed, plain, decoded = [], [], []
    for sample in samples:
        tokenizer.encode_special_tokens = False
        parsed.append(tokenizer.encode(sample, add_special_tokens=False).ids)
        tokenizer.encode_special_tokens = True
        plain.append(tokenizer.encode(sample, add_special_tokens=False).ids)
    for _ in range(20):
        ids = [rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(12))]
        decoded.append({"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False),
                        "skipping": tokenizer.decode(ids, skip_special_tokens=True)})
    tokenizer.encode_special_tokens = False
    # Ids as one string for each text: JSON of numbers would be twice the size.
    tokenizers[name] = {
        "file": document | {"model": {k: v for k, v in document["model"].items() if k not in ("vocab", "merges")}},
        "parsed": [" ".join(map(str, ids)) for ids in parsed],
        "plain": {str(i): " ".join(map(str, p)) for i, p in enumerate(plain) if p != parsed[i]},
        "affixed": tokenizer.encode("hi").ids, "decoded": decoded}
write("pipelines.json", {"vocab": vocabulary, "merges": merges, "texts": samples, "tokenizers": tokenizers})

cases = []
for name, template in [*chats.MODELS.items(), *((f"construct {i}", t) for i, t in enumerate(chats.CONSTRUCTS))]:
    for number, conversation in enumerate(chats.CONVERSATIONS):
        if name.startswith("construct") and number != 1:
            continue
        options = dict(conversation)
        messages, tools = options.pop("messages"), options.pop("tools", None)
        try:
            rendered, _ = render_jinja_template([messages], chat_template=template, tools=tools, **options, **chats.CONSTANTS)
            result = {"text": rendered[0]}
        except Exception as error:
            result = {"error": type(error).__name__}
        cases.append({"name": name, "conversation": number, **result})
write("templates.json", {"templates": {**chats.MODELS, **{f"construct {i}": t for i, t in enumerate(chats.CONSTRUCTS)}},
                         "conversations": chats.CONVERSATIONS, "constants": chats.CONSTANTS, "cases": cases})
