"""Runs an agent of the official `openai-agents` package, unchanged, over `/v1/responses` of a running server: whole, streamed, two turns, sound.

    cord serve & python agents_sdk.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import asyncio
import base64
import sys
from pathlib import Path

from agents import Agent, ModelSettings, Runner, set_default_openai_client, set_tracing_disabled
from openai import AsyncOpenAI

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
set_default_openai_client(client)
set_tracing_disabled(True)
question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"
clip = base64.b64encode((Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav").read_bytes()).decode()
spoken = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]}]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


async def main():
    model = (await client.models.list()).data[0].id
    agent = Agent(name="Counter", instructions="Be exact.", model=model, model_settings=ModelSettings(temperature=0, max_tokens=64))
    whole = await Runner.run(agent, question)
    check("text", whole.final_output.split(".")[-2].startswith(" The answer is "), whole.final_output)
    check("usage", whole.context_wrapper.usage.output_tokens > 0, whole.context_wrapper.usage)

    streamed = Runner.run_streamed(agent, question)
    deltas = [e.data.delta async for e in streamed.stream_events() if getattr(getattr(e, "data", None), "type", "") == "response.output_text.delta"]
    check("stream", "".join(deltas) == streamed.final_output == whole.final_output, deltas)

    next = await Runner.run(agent, whole.to_input_list() + [{"role": "user", "content": "And if he buys 2 more?"}])
    check("second turn", next.final_output, next)

    heard = await Runner.run(Agent(name="Listener", model=model), spoken)
    check("sound", heard.final_output.endswith("The answer is 54."), heard.final_output)


asyncio.run(main())
