"""Lets an agent of the `pydantic-ai` package, unchanged, call a function and give its output as a typed value, by a running server.

    cord serve & python pydantic_tools.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import sys
from typing import Literal

import openai
from pydantic import BaseModel
from pydantic_ai import Agent, ModelSettings, NativeOutput, Tool, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
name = openai.OpenAI(base_url=base_url, api_key="none").models.list().data[0].id
model = OpenAIChatModel(name, provider=OpenAIProvider(base_url=base_url, api_key="none"))
settings = ModelSettings(temperature=0, max_tokens=300)


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


class Answer(BaseModel):
    kind: Literal["sum", "other"]
    certain: bool


# Its own way of typed outputs: a function that has to be called.
by_tool = Agent(model, output_type=ToolOutput(Answer), model_settings=settings).run_sync("What is the sum of 7 and 9?")
check("output by a tool", isinstance(by_tool.output, Answer), by_tool)
by_format = Agent(model, output_type=NativeOutput(Answer), model_settings=settings).run_sync("What is the sum of 7 and 9?")
check("output by a format", isinstance(by_format.output, Answer), by_format)

async def once(context, definition):
    return definition if context.run_step <= 1 else None


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


# A model this small would call the function for ever: it is offered once.
agent = Agent(
    model, output_type=ToolOutput(Answer), tools=[Tool(add, prepare=once)], model_settings=settings | {"parallel_tool_calls": False})


with_tool = agent.run_sync("What is the sum of 7 and 9?")
check("output beside a function", isinstance(with_tool.output, Answer), with_tool)
