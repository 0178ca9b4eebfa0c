"""Lets a running server call functions by the official `openai` package, unchanged: demanded and offered, whole and streamed, over a whole loop.

    cord serve & python tools.py [http://127.0.0.1:8080/v1]

Exits with 1 and names the first expectation that does not hold.
"""

import base64
import json
import sys
from pathlib import Path

import openai

base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
model = client.models.list().data[0].id
clip = base64.b64encode((Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav").read_bytes()).decode()
spoken = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]}
parameters = {
    "type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}, "b": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["a", "b"], "additionalProperties": False}
add = {"type": "function", "function": {"name": "add", "description": "Adds two numbers.", "parameters": parameters, "strict": True}}
now = {"type": "function", "function": {"name": "now", "description": "The time."}}
typed = {"role": "user", "content": "What is the sum of 7 and 9?"}
functions = {"add": lambda a, b: a + b, "now": lambda: "noon"}


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


def ask(messages, **members):
    return client.chat.completions.create(model=model, messages=messages, **{"tools": [add, now], "max_tokens": 300, "temperature": 0} | members)


def valid(call):
    arguments = json.loads(call.function.arguments)
    if call.function.name == "now":
        return arguments == {}
    return set(arguments) == {"a", "b"} and all(type(value) is int and 0 <= value <= 99 for value in arguments.values())


for what, messages in [("typed", [typed]), ("spoken", [spoken])]:
    named = ask(messages, tool_choice={"type": "function", "function": {"name": "add"}}).choices[0]
    calls = named.message.tool_calls
    check(f"{what}: named", named.finish_reason == "tool_calls" and len(calls) == 1 and calls[0].function.name == "add" and valid(calls[0]), named)

# A whole loop: call, result, answer.
turns = [spoken]
message = ask(turns, tool_choice="required", parallel_tool_calls=False).choices[0].message
check("required", message.content is None and len(message.tool_calls) == 1 and valid(message.tool_calls[0]), message)
turns.append(message)
for call in message.tool_calls:
    result = functions[call.function.name](**json.loads(call.function.arguments))
    turns.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})
answer = ask(turns, tool_choice="none").choices[0]
check("answer", answer.message.content and answer.message.tool_calls is None and answer.finish_reason == "stop", answer)
# What a model does with calls that it may but need not make is its own affair: the reason of its end must tell which it was.
offered = ask(turns).choices[0]
ends = ("tool_calls",) if offered.message.tool_calls else ("stop", "length")
check("offered", offered.finish_reason in ends and bool(offered.message.tool_calls or offered.message.content), offered.finish_reason)

hot = {"tool_choice": "required", "parallel_tool_calls": False, "temperature": 1.5, "seed": 3}
whole = ask([typed], **hot).choices[0].message.tool_calls[0]
pieces, ids, ends = {}, {}, []
for chunk in ask([typed], stream=True, **hot):
    for call in chunk.choices[0].delta.tool_calls or []:
        if call.id:
            ids[call.index] = (call.id, call.function.name, call.type)
        pieces[call.index] = pieces.get(call.index, "") + call.function.arguments
    ends.append(chunk.choices[0].finish_reason)
check("stream: one call", list(ids) == [0] and ids[0][1:] == (whole.function.name, "function"), ids)
check("stream: joins to the whole", pieces == {0: whole.function.arguments}, pieces)
check("stream: end", ends[-1] == "tool_calls" and not any(ends[:-1]), ends)

with client.chat.completions.stream(model=model, messages=[typed], tools=[add], max_tokens=300, tool_choice="required",
                                    parallel_tool_calls=False) as stream:
    for event in stream:
        pass
    helped = stream.get_final_completion().choices[0].message.tool_calls[0]
    check("stream helper", set(helped.function.parsed_arguments) == {"a", "b"}, helped)

call = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
odd = {"type": "function", "function": {"name": "odd", "strict": True, "parameters": {"type": "object", "not": {}}}}
for what, parameter, messages, members in [
    ("two of a name", "tools[1].function.name", [typed], dict(tools=[now, now])),
    ("bad name", "tools[0].function.name", [typed], dict(tools=[{"type": "function", "function": {"name": "a b"}}])),
    ("unknown choice", "tool_choice", [typed], dict(tool_choice="any")),
    ("unknown function", "tool_choice", [typed], dict(tool_choice={"type": "function", "function": {"name": "sub"}})),
    ("choice without tools", "tool_choice", [typed], dict(tools=[], tool_choice="required")),
    ("keyword", "tools[0].function.parameters", [typed], dict(tools=[odd])),
    ("id never called", "messages[2].tool_call_id", [typed, {"role": "assistant", "tool_calls": [call]},
                                                     {"role": "tool", "tool_call_id": "c2", "content": "noon"}], {}),
    ("broken arguments", "messages[1].tool_calls[0].function.arguments", [
        typed, {"role": "assistant", "tool_calls": [call | {"function": {"name": "now", "arguments": "{"}}]}], {}),
]:
    try:
        ask(messages, **members)
        check(what, False, "no error")
    except openai.BadRequestError as refusal:
        check(what, refusal.param == parameter and refusal.body["message"], refusal)

# The same by responses.
flat = [{"type": "function", **tool["function"]} for tool in (add, now)]
first = client.responses.create(model=model, input=[typed], tools=flat, tool_choice="required", parallel_tool_calls=False, max_output_tokens=300)
item = first.output[0]
check("responses: call", [i.type for i in first.output] == ["function_call"] and first.status == "completed", first)
result = {"type": "function_call_output", "call_id": item.call_id, "output": str(functions[item.name](**json.loads(item.arguments)))}
last = client.responses.create(model=model, input=[typed, item, result], tools=flat, tool_choice="none")
check("responses: answer", last.output_text and last.status == "completed", last)
with client.responses.stream(model=model, input=[typed], tools=flat, tool_choice={"type": "function", "name": "add"}, max_output_tokens=300) as stream:
    deltas = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
    final = stream.get_final_response().output[0]
    check("responses: stream", "".join(deltas) == final.arguments and final.name == "add", deltas)
