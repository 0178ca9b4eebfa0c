"""answer_styles.py CORD [ANSWERS.jsonl]: how many labelled answer styles a build of cord reads as a person reads them, by kind.

The program evaluates an endpoint of this script's own, which gives each labelled response to its question. A whole number must be equal to
the last digit, a quotient or a decimal to nine digits; where no answer is to be found, the failure's name must be the label's. Prints what is
read otherwise, then a table. Needs Python 3 and nothing else.
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
# References that are valid for each type, where a person reads no answer.
PLACEHOLDERS = {"number": "1", "choice": "A", "yes_no": "yes", "day": "Monday", "month": "May"}


def endpoint(styles):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def reply(self, value):
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.reply({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]})

        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            style = styles[int(re.search(r"STYLE(\d+)\b", asked).group(1))]
            message = {"role": "assistant", "content": style["response"]}
            self.reply({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def readings(cord, styles, server):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/manifest.jsonl", "w") as manifest:
            for place, style in enumerate(styles):
                answer = style.get("expected") or PLACEHOLDERS.get(style["type"], "something")
                row = {"id": f"i{place}", "text": f"STYLE{place} question", "answer": answer, "type": style["type"]}
                if "choices" in style:
                    row["choices"] = style["choices"]
                manifest.write(json.dumps(row) + "\n")
        run = subprocess.run(
            [cord, "eval", "--benchmark", folder, "--endpoint", f"http://127.0.0.1:{server.server_address[1]}/v1", "--model-name", "m",
             "--arms", "text", "--output", f"{folder}/out"], capture_output=True, text=True)
        if run.returncode:
            sys.exit(run.stderr)
        found = {}
        for line in open(f"{folder}/out/items.jsonl"):
            item = json.loads(line)
            found[int(item["id"][1:])] = item["arms"]["text"]
        return found


def is_right(style, answer):
    read, expected = answer.get("extracted"), style.get("expected")
    if expected is None or read is None:
        return read is None and answer.get("failure") == style.get("failure")
    if read == expected or style["type"] != "number":
        return read == expected
    try:
        x, y = Fraction(read), Fraction(expected)
    except ValueError:
        return False
    return x == y if x.denominator == y.denominator == 1 else abs(x - y) <= Fraction(1, 10**9) * max(1, abs(y))


def main():
    cord = sys.argv[1]
    path = sys.argv[2] if len(sys.argv) > 2 else HERE.parent.parent / "Tests/Fixtures/judging/answers.jsonl"
    styles = [json.loads(line) for line in open(path)]
    server = endpoint(styles)
    found = readings(cord, styles, server)
    server.shutdown()
    total, right, invented = Counter(), Counter(), 0
    for place, style in enumerate(styles):
        answer = found[place]
        total[style["kind"]] += 1
        if is_right(style, answer):
            right[style["kind"]] += 1
            continue
        invented += answer.get("extracted") is not None
        print(f"{style['kind']}: {style['response']!r} is read as {answer.get('extracted') or answer.get('failure')!r},"
              f" not {style.get('expected') or style.get('failure')!r}")
    for kind in sorted(total):
        print(f"{kind:16} {right[kind]:5} of {total[kind]:5}")
    print(f"{'all':16} {sum(right.values()):5} of {sum(total.values()):5}; {invented} read as another answer")
    sys.exit(sum(right.values()) < sum(total.values()))


if __name__ == "__main__":
    main()
