"""Usual JSON schemas, each with values that are valid by it: what people ask of answers. Written for this measurement.

`cases()` gives (name, schema, value).
"""
LINES = ("The quick brown fox jumps over the lazy dog near the river bank, and nobody there could say why it did so on a Tuesday. "
         "Later, \"experts\" disagreed about the colour of the fox: 3 said red, 2 said brown.\nThat is all we know today.")
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
FLAG = {"type": "boolean"}


def item(properties, required=None):
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required,
            "additionalProperties": False}


def several(items, **more):
    return {"type": "array", "items": items, **more}


def cases():
    person = item({"name": TEXT, "age": {"type": "integer", "minimum": 0, "maximum": 130}, "email": {"type": "string", "format": "email"}})
    address = item({"street": TEXT, "city": TEXT, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}, "country": {"enum": ["DE", "FR", "US", "JP"]}})
    step = item({"explanation": TEXT, "output": TEXT})
    yield "answer", item({"reasoning": TEXT, "answer": INTEGER}), {"reasoning": LINES, "answer": 42}
    yield "person", person, {"name": "Ada Lovelace", "age": 36, "email": "ada@example.com"}
    yield "address", address, {"street": "1 Long Street", "city": "Köln", "zip": "50667", "country": "DE"}
    yield "steps", item({"steps": several(step), "final_answer": TEXT}), {
        "steps": [{"explanation": LINES, "output": "8x = -30"}, {"explanation": "Divide by 8.", "output": "x = -3.75"}], "final_answer": "x = -3.75"}
    yield "event", item({"name": TEXT, "date": {"type": "string", "format": "date"}, "participants": several(TEXT)}), {
        "name": "Science Fair", "date": "2026-11-21", "participants": ["Alice", "Bob", "Carol Ann"]}
    yield "sentiment", item({"sentiment": {"enum": ["positive", "neutral", "negative"]}, "confidence": {"type": "number", "minimum": 0}}), {
        "sentiment": "neutral", "confidence": 0.75}
    yield "short text", item({"title": {"type": "string", "maxLength": 80}, "summary": {"type": "string", "minLength": 10, "maxLength": 400}}), {
        "title": "A fox jumps over a dog", "summary": LINES[:300]}
    yield "entities", item({"entities": several(item({"text": TEXT, "type": {"enum": ["PERSON", "PLACE", "DATE"]}, "start": INTEGER, "end": INTEGER}))}), {
        "entities": [{"text": "Paris", "type": "PLACE", "start": 5, "end": 10}, {"text": "Marie Curie", "type": "PERSON", "start": 20, "end": 31}]}
    yield "weather call", item({"location": TEXT, "unit": {"enum": ["celsius", "fahrenheit"]}, "days": {"type": "integer", "minimum": 1, "maximum": 14}},
                               ["location"]), {"location": "San Francisco, CA", "unit": "celsius", "days": 7}
    yield "choice by constant", item({"result": {"anyOf": [
        item({"kind": {"const": "ok"}, "value": NUMBER}), item({"kind": {"const": "error"}, "message": TEXT})]}}), {
            "result": {"kind": "error", "message": "the file was not found on the disk"}}
    yield "nullable", item({"first": TEXT, "middle": {"type": ["string", "null"]}, "last": TEXT}), {"first": "Grace", "middle": None, "last": "Hopper"}
    yield "order", item({"id": {"type": "string", "format": "uuid"}, "customer": person, "ship_to": address, "lines": several(
        item({"sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}, "count": {"type": "integer", "minimum": 1}, "price": NUMBER}))}), {
            "id": "123e4567-e89b-12d3-a456-426614174000", "customer": {"name": "Ada", "age": 36, "email": "ada@example.com"},
            "ship_to": {"street": "1 Long Street", "city": "Paris", "zip": "75001", "country": "FR"},
            "lines": [{"sku": "ABC-1234", "count": 2, "price": 19.99}, {"sku": "XYZ-0001", "count": 1, "price": 5}]}
    yield "tree", {"$ref": "#/$defs/node", "$defs": {"node": item({"label": TEXT, "children": several({"$ref": "#/$defs/node"})})}}, {
        "label": "root", "children": [{"label": "left", "children": []}, {"label": "right", "children": [{"label": "leaf", "children": []}]}]}
    yield "interface", {"$ref": "#/$defs/part", "$defs": {"part": item({
        "type": {"enum": ["div", "button", "header", "section", "field", "form"]}, "label": TEXT, "children": several({"$ref": "#/$defs/part"}),
        "attributes": several(item({"name": TEXT, "value": TEXT}))})}}, {
            "type": "form", "label": "Sign in", "children": [{"type": "button", "label": "Go", "children": [], "attributes": []}],
            "attributes": [{"name": "class", "value": "wide blue"}]}
    yield "map", {"type": "object", "additionalProperties": {"type": "integer"}}, {"apples": 3, "pears": 12, "plums and more": -4}
    yield "any object", {"type": "object"}, {"a": [1, 2.5, {"b": None}], "text": "what ever is said here", "deep": {"x": [[True, False]]}}
    yield "matrix", item({"rows": several(several(NUMBER), minItems=1)}), {"rows": [[1, 0, -2.5], [3.25, 1e-5, 7]]}
    yield "coordinates", several(item({"lat": NUMBER, "lon": NUMBER}), minItems=2, maxItems=5), [{"lat": 48.85, "lon": 2.35}, {"lat": -33.8, "lon": 151.2}]
    yield "quiz", several(item({"question": TEXT, "options": several(TEXT, minItems=4, maxItems=4), "correct": {"type": "integer", "minimum": 0,
                                                                                                          "maximum": 3}})), [
        {"question": "What is the capital of France?", "options": ["Lyon", "Paris", "Nice", "Lille"], "correct": 1}]
    yield "log line", item({"at": {"type": "string", "format": "date-time"}, "level": {"enum": ["debug", "info", "warn", "error"]}, "message": TEXT,
                            "address": {"type": "string", "format": "ipv4"}}), {
                                "at": "2026-11-27T15:30:00Z", "level": "warn", "message": "slow request", "address": "192.168.0.1"}
    yield "many members", item({f"field_{i}": TEXT if i % 3 else NUMBER for i in range(40)}, [f"field_{i}" for i in range(0, 40, 2)]), {
        f"field_{i}": "some text" if i % 3 else i * 1.5 for i in range(40)}
    yield "many choices", item({"code": {"enum": [f"code-{i:04d}" for i in range(500)]}}), {"code": "code-0321"}
    yield "medical", item({"patient": person, "symptoms": several(item({"name": TEXT, "severity": {"type": "integer", "minimum": 1, "maximum": 10},
                                                                         "since": {"type": "string", "format": "date"}})),
                           "notes": {"type": "string", "maxLength": 1000}, "urgent": FLAG}), {
        "patient": {"name": "Bob", "age": 51, "email": "bob@example.org"},
        "symptoms": [{"name": "cough", "severity": 4, "since": "2026-11-20"}], "notes": LINES, "urgent": False}
    yield "code", item({"language": {"enum": ["python", "swift", "c"]}, "code": TEXT}), {
        "language": "python", "code": "def add(a, b):\n    \"\"\"Adds.\"\"\"\n    return a + b\n\nprint(add(1, 2))\n"}
    yield "identifier", item({"name": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"}, "tags": several({"type": "string", "pattern": "^[a-z -]+$"})}), {
        "name": "a_rather_long_identifier_2", "tags": ["fast", "small and simple", "well-known"]}
