"""What the clients share: the server's address, the spoken questions of the tests, and expectations that end a script where they do not hold."""

import base64
import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"
base_url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"


def recording(name):
    """A spoken question of the tests: "What is the sum of 17, 9 and 28?" is `sum`."""
    return FIXTURES / f"spoken/{name}.wav"


def clip(name):
    """The same in base64."""
    return base64.b64encode(recording(name).read_bytes()).decode()


def spoken(name):
    """The messages of a chat that asks it."""
    return [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": clip(name), "format": "wav"}}]}]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")
