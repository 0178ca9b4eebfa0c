"""Lets agents of the official `openai-agents` package call a function, unchanged, over both interfaces of a running server: call, result, answer.

    cord serve & python agents_tools.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import asyncio
import sys

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI
from pydantic import BaseModel, Field

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
set_tracing_disabled(True)
called = []


class Answer(BaseModel):
    """The form of the last answer: it ends, whatever a small model makes of a function's result."""

    sum: int = Field(ge=0, le=99)


@function_tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    called.append((a, b))
    return a + b


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


async def main():
    model = (await client.models.list()).data[0].id
    settings = ModelSettings(temperature=0, max_tokens=300, tool_choice="required", parallel_tool_calls=False)
    for kind in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        agent = Agent(name="Adder", instructions="Add.", model=kind(model, client), model_settings=settings, tools=[add], output_type=Answer)
        called.clear()
        whole = await Runner.run(agent, "What is the sum of 7 and 9?")
        check(f"{kind.__name__}: called", len(called) == 1, called)
        check(f"{kind.__name__}: result", [i.output for i in whole.new_items if i.type == "tool_call_output_item"] == [sum(called[0])], whole.new_items)
        check(f"{kind.__name__}: answer", isinstance(whole.final_output, Answer), whole)
        called.clear()
        streamed = Runner.run_streamed(agent, "What is the sum of 7 and 9?")
        kinds = [event.name async for event in streamed.stream_events() if event.type == "run_item_stream_event"]
        check(f"{kind.__name__}: stream", len(called) == 1 and kinds[:2] == ["tool_called", "tool_output"], kinds)


asyncio.run(main())
