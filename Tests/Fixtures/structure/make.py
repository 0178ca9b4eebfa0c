#!/usr/bin/env python3
"""Schemas with instances, judged by the Python package jsonschema; expressions with texts, judged by re.

    python make.py        writes cases.json beside it; needs jsonschema 4

An instance is written with its members in the schema's order, once without blanks and once as json.dumps does.
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

import jsonschema

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 130}},
          "required": ["name", "age"], "additionalProperties": False}
OPTIONAL = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "null"}}, "required": ["b"],
            "additionalProperties": False}
SCHEMAS = [
    (PERSON, [{"name": "Ada", "age": 36}, {"name": "\"\\\n\u00e9\U0001F600", "age": 0}, {"name": "", "age": 130}, {"name": "Ada"},
              {"name": "Ada", "age": 131}, {"name": "Ada", "age": -1}, {"name": 5, "age": 1}, {"name": "Ada", "age": 1.5},
              {"name": "Ada", "age": 1, "more": 2}, [], None, "Ada"]),
    (OPTIONAL, [{"b": True}, {"a": 1, "b": False}, {"b": True, "c": None}, {"a": -7, "b": True, "c": None}, {}, {"a": 1}, {"a": 1, "c": None}]),
    ({"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}, [{}, {"x": 1}, {"x": 1, "y": -2}, {"x": "1"}]),
    ({"type": "object", "properties": {"in": {"type": "string"}, "int": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}},
     [{}, {"in": "a"}, {"in": "a", "int": 1}, {"i": True}, {"int": 4, "inte": False}, {"other": True, "x": False}, {"other": 1}, {"int": True}]),
    ({"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
     [[1], [1.5, -2e10], [0, 0.25, 3], [], [1, 2, 3, 4], ["1"], [True]]),
    ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}, [[], ["a"], ["a", 1], ["a", 1, 2], [1]]),
    ({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}, "minItems": 2}, [["a"], ["a", 1], ["a", 1, 2, 3], ["a", "b"]]),
    ({"type": "array", "items": {"type": "array", "items": {"enum": ["x", 1, None, True, {"k": [1, 2]}]}}},
     [[], [[]], [["x", 1], [None, True]], [[{"k": [1, 2]}]], [["y"]], [[2]]]),
    ({"type": "integer", "minimum": -120, "maximum": 45}, [-121, -120, -119, -100, -99, -10, -9, -1, 0, 1, 9, 10, 45, 46, 100, 1.5]),
    ({"type": "integer", "exclusiveMinimum": 7, "exclusiveMaximum": 1000}, [7, 8, 9, 10, 99, 100, 999, 1000, -8]),
    ({"type": "integer", "minimum": 305}, [304, 305, 306, 399, 400, 1000, 99999, 30, -305]),
    ({"type": "number", "minimum": 0}, [0, 1.25, 1e-7, -1, -0.5, "0"]),
    ({"type": ["string", "null"], "maxLength": 2}, [None, "", "a", "\u00e9\U0001F600", "abc", 1]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["a", "ab", "abc", "abcd", "\"\\", "\u00e9\u00e9\u00e9\u00e9"]),
    ({"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}, ["AB-123", "AB-12", "ab-123", "AB-1234", "xAB-123"]),
    ({"type": "string", "pattern": "\\d"}, ["1", "a1b", "ab", "", "\"7\""]),
    ({"type": "string", "pattern": "^a|b$"}, ["a", "axx", "xxb", "b", "xax", "ba"]),
    ({"type": "string", "pattern": "^\"[^\"]*\"$"}, ["\"\"", "\"x y\"", "x", "\""]),
    ({"const": {"kind": "point", "at": [1, 2.5]}}, [{"kind": "point", "at": [1, 2.5]}, {"kind": "point"}, 1]),
    ({"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"v": {"type": "string"}}, "required": ["v"], "additionalProperties": False}]},
     [3, {"v": "x"}, {"v": 1}, "x"]),
    ({"oneOf": [{"type": "object", "properties": {"t": {"const": "a"}, "x": {"type": "integer"}}, "required": ["t", "x"], "additionalProperties": False},
                {"type": "object", "properties": {"t": {"const": "b"}, "y": {"type": "string"}}, "required": ["t", "y"], "additionalProperties": False}]},
     [{"t": "a", "x": 1}, {"t": "b", "y": "z"}, {"t": "a", "y": "z"}, {"t": "c"}]),
    ({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
        "value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["value", "children"],
        "additionalProperties": False}}},
     [{"value": 1, "children": []}, {"value": 1, "children": [{"value": 2, "children": [{"value": 3, "children": []}]}]},
      {"value": 1, "children": [{"value": 2}]}, {"value": 1}]),
    ({"type": "object", "properties": {"any": True}, "required": ["any"], "additionalProperties": False},
     [{"any": [1, {"x": None}, "\u4e2d"]}, {"any": {}}, {"any": -0.5}, {}]),
    ({"type": "object"}, [{}, {"a": [1, 2, {"b": "c"}]}, []]),
    ({"type": "boolean"}, [True, False, 1, "true"]),
]
EXPRESSIONS = [
    (r"(yes|no)", ["yes", "no", "yesno", "", "y"]),
    (r"[a-c]{2,3}x?", ["ab", "abcx", "a", "abcdx", "ccx"]),
    (r"\d+(\.\d{1,2})?", ["1", "12.5", "12.345", ".5", "7."]),
    (r"[^\W_]+", ["abc9", "a_b", ""]),
    (r"(?:(?P<year>\d{4})-)*end", ["end", "2024-end", "2024-2025-end", "20-end"]),
    (r"a*?b+?c{0}", ["b", "aab", "abc", "a"]),
    (r"[]x]|[^]x]y", ["]", "x", "ay", "]y"]),
    (r"\u00e9[\u0400-\u04ff]\.", ["\u00e9\u0416.", "\u00e9a.", "\u00e9\u0416x"]),
    (r".\s\S", ["a b", "\n b", "a\tb", "ab"]),
]


def ordered(value, schema, root):
    """The instance with its members in the schema's order."""
    while isinstance(schema, dict) and "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = root["$defs"][name]
    if isinstance(value, dict) and isinstance(schema, dict):
        properties = schema.get("properties", {})
        names = [name for name in properties if name in value] + [name for name in value if name not in properties]
        return {name: ordered(value[name], properties.get(name, {}), root) for name in names}
    if isinstance(value, list) and isinstance(schema, dict):
        return [ordered(item, schema.get("items", {}), root) for item in value]
    return value


def main():
    schemas = []
    for schema, instances in SCHEMAS:
        judge = jsonschema.Draft202012Validator(schema)
        rows = []
        for instance in instances:
            value = ordered(instance, schema, schema)
            texts = {json.dumps(value, ensure_ascii=False, separators=(",", ":")), json.dumps(value, ensure_ascii=False)}
            rows.append({"texts": sorted(texts), "valid": judge.is_valid(instance)})
        schemas.append({"schema": schema, "instances": rows})
    expressions = [{"expression": expression, "texts": [{"text": text, "matches": re.fullmatch(expression, text, re.ASCII) is not None} for text in texts]}
                   for expression, texts in EXPRESSIONS]
    Path(__file__).with_name("cases.json").write_text(
        json.dumps({"jsonschema": version("jsonschema"), "schemas": schemas, "expressions": expressions}, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
