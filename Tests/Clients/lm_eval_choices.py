"""Scores multiple choice by log-likelihood with `lm-eval`, unchanged: its `local-completions` over `/v1/completions` with `echo` and `logprobs`.

    cord serve & python lm_eval_choices.py [http://127.0.0.1:8080/v1]

Needs, beside `lm-eval`, `transformers` for the model's tokenizer.
"""

import json
import tempfile
from pathlib import Path

import lm_eval
import openai
from lm_eval.tasks import TaskManager
from shared import FIXTURES, base_url, check

name = openai.OpenAI(base_url=base_url, api_key="none").models.list().data[0].id
tokenizer = FIXTURES.parents[1] / "Sources/Model/CordNano/Checkpoint"
rows = [
    {"question": "What is 2 plus 3?", "choices": ["5", "50"], "answer": 0},
    {"question": "Tom has 12 apples. He buys 7 more. How many apples are there now?", "choices": ["91", "19"], "answer": 1},
    {"question": "Which is larger, 31 or 8?", "choices": ["31", "8"], "answer": 0},
]
with tempfile.TemporaryDirectory() as folder:
    data = Path(folder, "rows.jsonl")
    data.write_text("\n".join(map(json.dumps, rows)))
    Path(folder, "cord_choices.yaml").write_text(f"""
task: cord_choices
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}} The answer is"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{{metric: acc}}]
""")
    found = lm_eval.simple_evaluate(
        model="local-completions", tasks=["cord_choices"], task_manager=TaskManager(include_path=folder), log_samples=True,
        model_args={"model": name, "base_url": base_url + "/completions", "tokenizer": str(tokenizer), "num_concurrent": 2, "max_length": 2048})
samples = found["samples"]["cord_choices"]
check("every choice has a log-probability", all(r[0] < 0 for s in samples for r in s["filtered_resps"]) and len(samples) == len(rows), samples)
accuracy = found["results"]["cord_choices"]["acc,none"]
check(f"accuracy {accuracy:.2f}", 0 <= accuracy <= 1, accuracy)
