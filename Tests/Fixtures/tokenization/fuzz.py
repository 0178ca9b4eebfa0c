"""Writes a large comparison against the `tokenizers` package into a directory, for the test `everyTokenizerAgreesOnTheFuzz`:

    python fuzz.py DIR [count]
    CORD_TOKENIZER_FUZZ=DIR swift test -c release --filter TokenizationTests

One folder for each tokenizer: tokenizer.json, and cases.jsonl with a text, its ids with special tokens found (`p`) and
not (`n`), the decoded text with (`d`) and without (`s`) special tokens of ids drawn at random (`i`). Beside them
prose.txt, for the test of speed.
"""

import json
import pathlib
import pydoc_data.topics
import random
import re
import sys

import texts
import tokenizers_under_test as under_test

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
full, small = under_test.model(10**9), under_test.model(3000)
for name, pipeline in under_test.pipelines().items():
    for size, (vocabulary, merges) in {"full": full, "small": small}.items():
        if size == "full" and name not in ("qwen2", "llama3", "gpt2"):
            continue
        document = under_test.document(pipeline, vocabulary, merges)
        tokenizer = under_test.load(document)
        place = folder / f"{name}-{size}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False))
        rng = random.Random(name)
        number = count if size == "full" else count // 5
        with open(place / "cases.jsonl", "w") as out:
            for text in texts.texts(f"{name}-{size}", number):
                tokenizer.encode_special_tokens = False
                parsed = tokenizer.encode(text, add_special_tokens=False).ids
                tokenizer.encode_special_tokens = True
                plain = tokenizer.encode(text, add_special_tokens=False).ids
                ids = [rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(12))]
                case = {"t": text, "p": parsed, "n": plain, "i": ids, "d": tokenizer.decode(ids, skip_special_tokens=False),
                        "s": tokenizer.decode(ids, skip_special_tokens=True)}
                out.write(json.dumps(case, ensure_ascii=False) + "\n")
        print(place, number)

# English prose for the measure of speed: the chapters of Python's own manual.
prose = "\n\n".join(re.sub(r"\s+", " ", chapter).strip() for chapter in pydoc_data.topics.topics.values())
(folder / "prose.txt").write_text(prose)
