"""Scrapes a running server by a real Prometheus under load, asks it every query of the dashboard, and draws the panels.

    cord serve --port 8080 --data $(mktemp -d) & python dashboard.py http://127.0.0.1:8080 [dashboard.svg]

Needs `prometheus` and `promtool` in PATH; Python's standard library is all else. promtool's one complaint that is let pass is the colon in vLLM's names.
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from html import escape
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from serving import ROOT, Client, clip, free_port, lines, pair

SECONDS = 40
COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"]


def check(what, holds, found=None):
    print("ok" if holds else "FAILED", what)
    if not holds:
        sys.exit(f"{what}: found {found!r}")


def load(port, until):
    """Spoken and typed questions, a training and a small measurement, so that every panel has something to show."""
    client = Client(port)
    file = client.upload(lines([pair("sum", answer="24"), pair("pens", answer="24")]), "pairs.jsonl")["id"]
    client.call("POST", "/v1/fine_tuning/jobs", {
        "model": "cord-nano", "training_file": file, "method": {"type": "cord", "cord": {"hyperparameters": {"steps": 40}}}})
    client.call("POST", "/v1/gap/runs", {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 8})

    def ask(model):
        own, turn = Client(port), 0
        while time.monotonic() < until:
            turn += 1
            sound = {"type": "input_audio", "input_audio": {"data": clip("sum"), "format": "wav"}}
            content = [sound] if turn % 2 else f"What is {turn % 9} plus {turn % 7}?"
            own.call("POST", "/v1/chat/completions", {"model": model, "max_tokens": 48, "messages": [{"role": "user", "content": content}]})
            time.sleep(0.1)

    threads = [threading.Thread(target=ask, args=(model,)) for model in ("cord-nano", "cord-nano-cord", "cord-nano")]
    for thread in threads:
        thread.start()
    return threads


def queried(port, expression, start, end):
    query = urllib.parse.urlencode({"query": expression, "start": start, "end": end, "step": 1})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query_range?{query}") as answer:
        return json.load(answer)["data"]["result"]


def named(legend, labels):
    """A series' name by the dashboard's form, such as `{{route}} {{status}}`, or by its labels."""
    if not legend:
        return " ".join(value for name, value in labels.items() if name not in ("instance", "job", "model_name"))
    return re.sub(r"{{ *(\w+) *}}", lambda found: labels.get(found[1], ""), legend)


def drawn(panel, series, start, end):
    """A panel as SVG: the lines of its series over time, with the largest value at the left."""
    width, height = 560, 240
    values = [float(value) for one in series for _, value in one["values"] if value not in ("NaN", "+Inf", "-Inf")]
    top = max(values, default=0) or 1
    parts = [f'<rect width="{width}" height="{height}" fill="white" stroke="#ccc"/>',
             f'<text x="10" y="20" font-weight="bold">{escape(panel["title"])}</text>',
             f'<text x="10" y="42" fill="#666">{top:.4g} {escape(panel["fieldConfig"]["defaults"].get("unit", ""))}</text>']
    for place, one in enumerate(series):
        points = [(60 + 480 * (moment - start) / (end - start), 170 - 120 * float(value) / top)
                  for moment, value in one["values"] if value not in ("NaN", "+Inf", "-Inf")]
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        if place < 6:
            place = f'x="{20 + 270 * (place % 2)}" y="{192 + 16 * (place // 2)}"'
            parts.append(f'<text {place} fill="{colour}" font-size="10">{escape(one["name"][:48])}</text>')
    return "".join(parts)


def main():
    base = sys.argv[1].removesuffix("/").removesuffix("/v1")
    server = urllib.parse.urlsplit(base)
    with urllib.request.urlopen(base + "/metrics") as answer:
        page = answer.read()
    lint = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)
    told = [line for line in lint.stderr.decode().splitlines() if not (line.startswith("vllm:") and "should not contain ':'" in line)]
    check("promtool check metrics", not told, told)
    panels = json.loads((ROOT / "Sources/Service/Packaging/grafana.json").read_text())["panels"]
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        configuration = Path(folder) / "prometheus.yml"
        configuration.write_text(
            f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: cord, static_configs: [{{targets: ['{server.netloc}']}}]}}]\n")
        check("promtool check config", subprocess.run(["promtool", "check", "config", configuration], capture_output=True).returncode == 0)
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stderr=subprocess.DEVNULL)
        try:
            start = time.time()
            for thread in load(server.port, time.monotonic() + SECONDS):
                thread.join()
            time.sleep(2)
            end, rows, empty = time.time(), [], []
            for panel in panels:
                series = []
                for target in panel["targets"]:
                    expression = target["expr"].replace("$instance", ".*").replace("$__rate_interval", "10s")
                    found = queried(port, expression, start, end)
                    if not found:
                        empty.append(f"{panel['title']}: {target['expr']}")
                    series += [one | {"name": named(target.get("legendFormat"), one["metric"])} for one in found]
                rows.append((panel, series))
            check(f"{len(rows)} panels have what they ask for", not empty, empty)
        finally:
            prometheus.terminate()
            prometheus.wait()
    if len(sys.argv) > 2:
        cells = [f'<g transform="translate({580 * (place % 2)},{260 * (place // 2)})">{drawn(panel, series, start, end)}</g>'
                 for place, (panel, series) in enumerate(rows)]
        height = 260 * ((len(rows) + 1) // 2)
        Path(sys.argv[2]).write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="1160" height="{height}" font-family="sans-serif" font-size="13">{"".join(cells)}</svg>\n')


main()
