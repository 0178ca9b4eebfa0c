"""What conformance.py changes in generated bodies: an address on the network, and a clip of no bytes, become a real clip, and ids of pairs differ.

No schema can say which addresses an operator allows, that text in base64 stands for at least one byte, nor that the
pairs of a step have different ids.
"""

import base64
from pathlib import Path

import schemathesis

CLIP = base64.b64encode((Path(__file__).resolve().parent / "spoken" / "sum.wav").read_bytes()).decode()


def heard(value, name=None):
    if isinstance(value, dict):
        return {key: heard(member, key) for key, member in value.items()}
    if isinstance(value, list):
        elements = [heard(element) for element in value]
        for place, element in enumerate(elements if name == "pairs" else []):
            if isinstance(element, dict) and "id" in element:
                element["id"] = f"pair-{place}"
        return elements
    if name in ("url", "audio_url") and isinstance(value, str) and (value.startswith("http") or value.endswith("base64,")):
        return "data:audio/wav;base64," + CLIP
    if name in ("data", "audio") and isinstance(value, str) and (not value or value.endswith("base64,")):
        return CLIP
    return value


@schemathesis.hook
def map_body(context, body):
    return heard(body)
