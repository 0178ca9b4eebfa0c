"""Words, letters and digits in no order that means anything, to be spoken and written down again: hearing without guessing.

    python3 words.py QUESTIONS… > words.jsonl
"""

import collections
import json
import random
import re
import sys

rng = random.Random(3)
counts = collections.Counter()
for path in sys.argv[1:]:
    for line in list(open(path))[:4000]:
        counts.update(re.findall(r"\b[a-z]{2,}\b", json.loads(line)["text"].lower()))
# What stands once or twice is a typing error.
words = sorted(word for word, count in counts.items() if count > 8)
# Debian's wamerican-small: speech that questions never have.
common = [w for w in open("/usr/share/dict/american-english-small").read().split() if re.fullmatch("[a-z]{2,9}", w)]
for number in range(9000):
    kind = rng.random()
    if kind < 0.45:
        text = " ".join(rng.choice(words if rng.random() < 0.6 else common) for _ in range(rng.randint(1, 7)))
    elif kind < 0.7:
        text = " ".join(str(rng.randint(0, 10 ** rng.randint(1, 3))) for _ in range(rng.randint(1, 6)))
    elif kind < 0.85:
        text = " ".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(rng.randint(1, 5)))
    else:
        text = " ".join(rng.choice([rng.choice(words), str(rng.randint(0, 99))]) for _ in range(rng.randint(2, 8)))
    print(json.dumps({"id": f"words-{number}", "text": text[0].upper() + text[1:] + ".", "category": "words", "task": "phrase", "depth": 99,
                      "answer": "", "solution": ""}))
