"""What conformance.py changes in generated bodies: an address on the network, and a clip of no bytes, become a real clip; ids of pairs and names of
tools differ, and tools answer calls that were made.

No schema can say which addresses an operator allows, that text in base64 stands for at least one byte, that a text is JSON, nor what the
members of a request say of one another.
"""

import base64
from pathlib import Path

import schemathesis

CLIP = base64.b64encode((Path(__file__).resolve().parents[1] / "Fixtures/spoken/sum.wav").read_bytes()).decode()


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """What the members of a request say of one another stands in the document where generators of clients do not look."""
    def told(part):
        for member in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            told(member)
        if isinstance(part, dict) and "x-conditions" in part:
            part["allOf"] = part.get("allOf", []) + part.pop("x-conditions")

    told(raw_schema)


def ids(value):
    """Ids of tokens as the embedded model has them."""
    are_ids = isinstance(value, list) and value and all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in value)
    return [int(abs(number)) % 500 for number in value] if are_ids else value


KEYWORDS = {"type", "properties", "required", "items", "enum", "const", "minimum", "maximum", "minLength", "maxLength", "additionalProperties"}


# No schema says what an expression or a grammar is.
FORMS = {"regex": "[0-9]{1,3}", "grammar": 'root ::= "yes" | "no"'}


def formed(schema):
    """A schema for an answer, or one of words that are known where some are not: those are refused by name."""
    return schema if not isinstance(schema, dict) or set(schema) <= KEYWORDS else {"type": "object", "properties": {}}


def heard(value, name=None):
    if name in ("schema", "json") and isinstance(value, dict):
        return formed(value)
    if name in FORMS and isinstance(value, str):
        return FORMS[name]
    if name in ("prompt", "continuations") and isinstance(value, list):
        return ids([ids(element) for element in value])
    if isinstance(value, dict):
        # An answer of a group has a text or tokens, and log-probabilities of as many.
        if isinstance(value.get("logprobs"), list) and len(value["logprobs"]) != len(value.get("tokens") or []):
            value = {key: member for key, member in value.items() if key != "logprobs"}
        if "advantage" in value and not value.get("text") and not value.get("tokens"):
            value["text"] = "The answer is 13."
        # An operator's callback for rewards has no place beside a judge, nor where an objective has no rewards, which depends on its coefficients.
        return {key: heard(member, key) for key, member in value.items() if key != "reward"}
    if isinstance(value, list):
        elements = [heard(element) for element in value]
        for place, element in enumerate(elements if name == "pairs" else []):
            if isinstance(element, dict) and "id" in element:
                element["id"] = f"pair-{place}"
        return elements
    # A question of blanks is none; what a blank is, expressions do not agree on.
    if name == "text" and isinstance(value, str) and value and not value.strip():
        return "What is 8 plus 5?"
    if name in ("url", "audio_url") and isinstance(value, str) and value.startswith(("http", "data:")):
        return "data:audio/wav;base64," + CLIP
    if name in ("data", "audio") and isinstance(value, str) and (not value or value.endswith("base64,")):
        return CLIP
    return value


def called(body):
    """The body with tools that can be called, by any JSON object, and turns of tools behind the calls that they answer."""
    tools = body.get("tools")
    for place, tool in enumerate(tools if isinstance(tools, list) else []):
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        if isinstance(function, dict):
            if isinstance(function.get("name"), str):
                function["name"] = f"f{place}"
            if isinstance(function.get("parameters"), dict):
                function["parameters"] = {"type": "object", "properties": {}}
    if isinstance(body.get("tool_choice"), dict) or (body.get("tool_choice") == "required" and not tools):
        body["tool_choice"] = "auto"
    # An answer has one form.
    form = body.get("response_format")
    if body.get("structured_outputs") and (tools or isinstance(form, dict) and form.get("type") != "text"):
        del body["structured_outputs"]
    turns = []
    for turn in body["messages"] if isinstance(body.get("messages"), list) else []:
        if isinstance(turn, dict) and turn.get("role") == "tool" and isinstance(turn.get("tool_call_id"), str):
            call = {"id": turn["tool_call_id"], "function": {"name": "f", "arguments": "{}"}}
            turns.append({"role": "assistant", "tool_calls": [call]})
        if isinstance(turn, dict) and isinstance(turn.get("tool_calls"), list):
            for place, call in enumerate(turn["tool_calls"]):
                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    call["id"] = f"call-{place}"
                if isinstance(call, dict) and isinstance(call.get("function"), dict) and isinstance(call["function"].get("arguments"), str):
                    call["function"]["arguments"] = "{}"
        turns.append(turn)
    items = []
    for place, item in enumerate(body["input"] if isinstance(body.get("input"), list) else []):
        if isinstance(item, dict) and item.get("type") in ("function_call", "function_call_output") and isinstance(item.get("call_id"), str):
            item["call_id"] = f"call-{place}"
            if item["type"] == "function_call_output":
                items.append({"type": "function_call", "call_id": item["call_id"], "name": "f", "arguments": "{}"})
            elif isinstance(item.get("arguments"), str):
                item["arguments"] = "{}"
        items.append(item)
    return body | ({"messages": turns} if turns else {}) | ({"input": items} if items else {})


@schemathesis.hook
def map_body(context, body):
    return called(heard(body)) if isinstance(body, dict) else heard(body)


@schemathesis.hook
def filter_query(context, query):
    """A form's empty field, as `?marked=`, is absent, whatever its type, a zero byte is never decoded, and what is no scalar goes out under
    other names, which nobody reads; no schema says so. Addresses of thousands of bytes are libmicrohttpd's to refuse, by 414, 431 or by hanging up."""
    return not isinstance(query, dict) or not any(
        value == "" or "\0" in str(value) or len(str(value).encode(errors="replace")) > 2000 or isinstance(value, (dict, list))
        for value in query.values())


@schemathesis.hook
def before_call(context, case, **kwargs):
    """`map_body` does not see every body that should be accepted; and no small context holds 128 tools."""
    if isinstance(case.body, dict) and case.meta is not None and case.meta.generation.mode == schemathesis.GenerationMode.POSITIVE:
        case.body = called(heard(case.body))
        if isinstance(case.body.get("tools"), list):
            del case.body["tools"][4:]
        few(case.body.get("messages"), 8)
        few(case.body.get("input"), 8)


def few(turns, most):
    """No more turns, and parts of one, than a conversation may have clips."""
    if isinstance(turns, list):
        del turns[most:]
        for turn in turns:
            if isinstance(turn, dict) and isinstance(turn.get("content"), list):
                del turn["content"][4:]
