"""Asks a running server by the `langchain-openai` package, unchanged: invoke, stream, sound, tools, a typed output, by chat and by responses.

    cord serve & python langchain_chat.py [http://127.0.0.1:8080/v1]
"""

import openai
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from shared import base_url, check, clip, question

name = openai.OpenAI(base_url=base_url, api_key="none").models.list().data[0].id


class Answer(BaseModel):
    certain: bool


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


for responses in (False, True):
    by = "responses" if responses else "chat"
    model = ChatOpenAI(model=name, base_url=base_url, api_key="none", temperature=0, max_tokens=200, use_responses_api=responses)
    whole = model.invoke(question)
    check(f"{by}: invoke", "The answer is" in whole.text and whole.usage_metadata["output_tokens"] > 0, whole)
    check(f"{by}: stream", "".join(chunk.text for chunk in model.stream(question)) == whole.text)
    if not responses:  # where the package leaves sound out
        heard = HumanMessage(content=[{"type": "input_audio", "input_audio": {"data": clip("sum"), "format": "wav"}}])
        check("chat: sound", "The answer is 54" in model.invoke([heard]).text)
    called = model.bind_tools([add], tool_choice="add").invoke("What is the sum of 7 and 9?")
    check(f"{by}: tool", set(called.tool_calls[0]["args"]) == {"a", "b"}, called)
    check(f"{by}: typed output", isinstance(model.with_structured_output(Answer, method="json_schema").invoke(question), Answer))
