#!/usr/bin/env python3
"""Conversations with tools and their ids by mistral-common, over published/tekken.json: writes tools.json.

    python make_tools.py        needs mistral-common
"""

import json
from importlib.metadata import version
from pathlib import Path

from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, ToolMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.tool_calls import Function, FunctionCall, Tool, ToolCall
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

HERE = Path(__file__).resolve().parent / "published"
ADD = {"name": "add", "description": "Adds \"two\" numbers, größer.", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}}
NOW = {"name": "now", "parameters": {"type": "object", "properties": {}}}
CALL = {"id": "abcdefghi", "name": "add", "arguments": {"a": 1, "b": 2}}
OTHER = {"id": "123456789", "name": "now", "arguments": {}}
CASES = {
    "offered": [("user", "What is 1 plus 2?")],
    "after a turn": [("system", "Be brief."), ("user", "Hello."), ("assistant", "Hi!"), ("user", "What is 1 plus 2?")],
    "called": [("user", "What is 1 plus 2?"), ("assistant", "", [CALL]), ("tool", '{"sum": 3}', "abcdefghi")],
    "called twice": [("user", "Sum and time?"), ("assistant", "", [CALL, OTHER]), ("tool", "3", "abcdefghi"), ("tool", "12:00 é", "123456789"),
                     ("assistant", "3, at noon."), ("user", "Thanks.")],
}


def message(role, text, more=None):
    if role == "assistant":
        calls = [ToolCall(id=call["id"], function=FunctionCall(name=call["name"], arguments=json.dumps(call["arguments"]))) for call in more or []]
        return AssistantMessage(content=text or None, tool_calls=calls or None)
    if role == "tool":
        return ToolMessage(content=text, tool_call_id=more)
    return dict(user=UserMessage, system=SystemMessage)[role](content=text)


def main():
    tokenizer = MistralTokenizer.from_file(str(HERE / "tekken.json"))
    tools = [ADD, NOW]
    rows = []
    for name, turns in CASES.items():
        request = ChatCompletionRequest(messages=[message(*turn) for turn in turns], tools=[Tool(function=Function(**tool)) for tool in tools])
        rows.append({"name": name, "input_ids": tokenizer.encode_chat_completion(request).tokens, "messages": [
            {"role": turn[0], "text": turn[1], "calls": turn[2] if turn[0] == "assistant" and len(turn) > 2 else [],
             "call_id": turn[2] if turn[0] == "tool" else ""} for turn in turns]})
    (HERE.parent / "tools.json").write_text(json.dumps({
        "mistral_common": version("mistral-common"), "tools": [{"type": "function", "function": tool} for tool in tools], "chats": rows},
        ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
