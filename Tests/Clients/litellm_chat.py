"""Asks a running server by the `litellm` package, unchanged: text, sound, streams, tools, a schema, text completion.

    cord serve & python litellm_chat.py [http://127.0.0.1:8080/v1]
"""

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # nothing is fetched
import litellm
import openai
from pydantic import BaseModel
from shared import base_url, check, question, spoken

name = openai.OpenAI(base_url=base_url, api_key="none").models.list().data[0].id


def ask(messages=None, **members):
    return litellm.completion(
        model="openai/" + name, api_base=base_url, api_key="none", temperature=0, messages=messages or [{"role": "user", "content": question}],
        **members)


whole = ask().choices[0].message.content
check("text", "The answer is" in whole, whole)
check("stream", "".join(c.choices[0].delta.content or "" for c in ask(stream=True)) == whole)
check("sound", "The answer is 54" in ask(spoken("sum")).choices[0].message.content)
tool = {"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}}}
call = ask(tools=[tool], tool_choice="required", max_tokens=200).choices[0].message.tool_calls[0]
check("tool", call.function.name == "add" and isinstance(json.loads(call.function.arguments)["a"], int), call)


class Answer(BaseModel):
    certain: bool


check("schema", Answer.model_validate_json(ask(response_format=Answer).choices[0].message.content))
text = litellm.text_completion(model="text-completion-openai/" + name, api_base=base_url, api_key="none", prompt="2 plus 3 is", max_tokens=4)
check("completion", text.choices[0].text, text)
with open(__file__.replace("Clients/litellm_chat.py", "Fixtures/spoken/sum.wav"), "rb") as file:
    heard = litellm.transcription(model="openai/" + name, file=file, api_base=base_url, api_key="none")
check("transcription", "sum of" in heard.text, heard)
