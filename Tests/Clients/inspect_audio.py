"""Evaluates a running server on spoken questions by the `inspect-ai` package, unchanged.

    cord serve & python inspect_audio.py [http://127.0.0.1:8080/v1]
"""

import os
import tempfile

import openai
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ContentAudio
from inspect_ai.scorer import includes
from inspect_ai.solver import generate
from shared import base_url, check, question, recording

name = openai.OpenAI(base_url=base_url, api_key="none").models.list().data[0].id
os.environ |= {"CORD_BASE_URL": base_url, "CORD_API_KEY": "none", "INSPECT_DISPLAY": "none"}
samples = [
    Sample(input=[ChatMessageUser(content=[ContentAudio(audio=str(recording("sum")), format="wav")])], target="The answer is 54"),
    Sample(input=question, target="The answer is"),
]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())
with tempfile.TemporaryDirectory() as folder:
    log = eval(task, model=f"openai-api/cord/{name}", log_dir=folder, temperature=0, max_tokens=128)[0]
    check("ran", log.status == "success", log.error)
    check("accuracy", log.results.scores[0].metrics["accuracy"].value == 1, [s.output.completion for s in log.samples])
    check("usage", all(u.input_tokens > 0 for u in log.stats.model_usage.values()), log.stats)
