"""What the checks make over HTTP unless it is there already, so that any of them runs alone."""

import base64
import json
import urllib.request

from browser import SPOKEN, wait


def call(console, method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{console.url}/{path}", content, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())


def ended(console, path, seconds=240):
    return wait(lambda: (found := call(console, "GET", path))["status"] in ("succeeded", "failed", "cancelled") and found, seconds, f"{path} has ended")


def report(console, model, limit=12):
    """The id of a report of that model on the first items of the built-in set."""
    version = next(entry["weight_version"] for entry in call(console, "GET", "v1/models")["data"] if entry["id"] == model)
    for known in call(console, "GET", "v1/gap/reports?limit=100")["data"]:
        if known["weight_version"] == version and known["n"] == limit:
            return known["id"]
    run = call(console, "POST", "v1/gap/runs", {"model": model, "benchmark": "cord-bench-1", "limit": limit})
    return ended(console, f"v1/gap/runs/{run['id']}")["report_id"]


def rows(count=6):
    sound = base64.b64encode(SPOKEN.read_bytes()).decode()
    pairs = [{"id": f"pair-{place}", "audio": {"data": sound}, "text": "What is the sum of 17, 9 and 28?", "answer": "54"} for place in range(count)]
    return "\n".join(map(json.dumps, pairs)).encode()


def upload(console, name, content):
    boundary = "cord-boundary"
    parts = f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--{boundary}\r\n' \
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    request = urllib.request.Request(f"{console.url}/v1/files", parts.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
                                     {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())["id"]


def confirm(page, action):
    """Says yes in the dialog that is open."""
    page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()
