"""Draws the figures of FINDINGS.md from reports of `cord eval` and the token log of `cord train --token-log`.

    python3 findings.py --before base/report.json --after cord/report.json --manifest ../../Sources/Measuring/CordBench/cord-bench-2/manifest.jsonl \\
        --tokens run/tokens --output ../findings

Prints every figure's numbers as a table, too. Nothing but Python's own library is needed.
"""

import argparse
import collections
import json
import math
from pathlib import Path

COLOURS = {"before": "#7a8ca3", "after": "#1f6f54"}
ARMS = ["text", "transcript", "audio"]


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share, in percent."""
    if n == 0:
        return 0.0, 100.0
    z, p = 1.959964, right / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100 * (centre - half) / (1 + z * z / n), 100 * (centre + half) / (1 + z * z / n)


class Drawing:
    """An SVG of fixed size with axes in percent or in units of its own."""

    def __init__(self, width: int, height: int, top: float, label: str, left: int = 52, bottom: int = 46):
        self.width, self.height, self.top, self.left, self.bottom = width, height, top, left, bottom
        self.parts = []
        for k in range(5):
            value = top * k / 4
            self.line(left, self.y(value), width - 8, self.y(value), "#d9dee5")
            self.text(left - 6, self.y(value) + 4, f"{value:g}", "end")
        self.text(12, 14, label, "start")

    def y(self, value: float) -> float:
        return self.height - self.bottom - (self.height - self.bottom - 24) * value / self.top

    def line(self, x1, y1, x2, y2, colour, width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def text(self, x, y, words, anchor="middle", colour="#333"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>')

    def bar(self, x, width, value, colour, interval=None):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y(value):.1f}" width="{width:.1f}" height="{self.y(0) - self.y(value):.1f}" fill="{colour}"/>')
        if interval:
            middle = x + width / 2
            self.line(middle, self.y(interval[0]), middle, self.y(interval[1]), "#222")

    def path(self, points, colour):
        self.parts.append(f'<path d="M{" L".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def save(self, path: Path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/>{"".join(self.parts)}</svg>\n')


def grouped(groups, series, path: Path, label: str):
    """Bars with intervals: groups [(name, {series: (right, n)})]."""
    drawing = Drawing(640, 280, 100, label)
    room = (640 - 60) / len(groups)
    for place, (name, cells) in enumerate(groups):
        width = room * 0.8 / len(series)
        for number, kind in enumerate(series):
            right, n = cells[kind]
            share = 100 * right / n if n else 0
            drawing.bar(54 + place * room + room * 0.1 + number * width, width * 0.9, share, COLOURS[kind], wilson(right, n))
        drawing.text(54 + place * room + room / 2, 280 - 28, name)
    for number, kind in enumerate(series):
        drawing.text(430 + number * 100, 14, kind, "start", COLOURS[kind])
    drawing.save(path)


def by_depth(reports, depths, output: Path):
    print("\n| depth | n | " + " | ".join(f"{arm} {kind}" for arm in ARMS for kind in reports) + " |")
    print("|" + "---|" * (2 + len(ARMS) * len(reports)))
    counts = {}
    for kind, report in reports.items():
        for item in report["items"]:
            depth = depths.get(item["id"])
            for arm in ARMS:
                if depth and arm in item["arms"]:
                    cell = counts.setdefault((depth, arm, kind), [0, 0])
                    cell[0] += bool(item["arms"][arm]["correct"])
                    cell[1] += 1
    known = sorted({depth for depth, _, _ in counts})
    if not known:
        raise SystemExit("no item of the reports has a depth in the manifest: give the manifest of the set that was measured")
    for depth in known:
        cells = [counts[depth, arm, kind] for arm in ARMS for kind in reports if (depth, arm, kind) in counts]
        print(f"| {depth} | {cells[0][1]} | " + " | ".join(f"{100 * r / n:.1f}" for r, n in cells) + " |")
    for arm in ("text", "audio"):
        grouped([(f"{d} step{'s' if d > 1 else ''}", {k: counts[d, arm, k] for k in reports}) for d in known], list(reports),
                output / f"{arm}-by-depth.svg", f"% right, {'typed' if arm == 'text' else 'spoken'}, by steps of reasoning")


def abstention(reports):
    """How often what cannot be answered is refused (recall), and how often what is refused cannot be answered (precision)."""
    print("\n| refusals | arm | recall, % | n | precision, % | n |\n|---|---|---|---|---|---|")
    for kind, report in reports.items():
        for arm in ARMS:
            asked = [i for i in report["items"] if arm in i["arms"]]
            refused = [i for i in asked if "cannot answer" in (i["arms"][arm].get("text") or "").lower()]
            unanswerable = [i for i in asked if i["category"] == "unanswerable"]
            right = sum(i["category"] == "unanswerable" for i in refused)
            cells = []
            for n in (len(unanswerable), len(refused)):
                low, high = wilson(right, n)
                cells.append(f"{100 * right / n if n else 0:.1f} [{low:.1f}, {high:.1f}] | {n}")
            print(f"| {kind} | {arm} | {' | '.join(cells)} |")


def by_position(folder: Path, output: Path):
    """Mean divergence of a rollout's token by its position, in the first and in the last quarter of a training."""
    rows = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.open():
            rollout = json.loads(line)
            if rollout["role"] == "token":
                rows += [(rollout["step"], position, value) for position, value in enumerate(rollout.get("divergence") or [])]
    if not rows:
        raise SystemExit(f"no divergences in {folder}: expected the folder tokens of a run with --token-log")
    last = max(step for step, _, _ in rows)
    quarters = {"before": lambda s: s <= last / 4, "after": lambda s: s > 3 * last / 4}
    means = {}
    for kind, holds in quarters.items():
        sums = collections.defaultdict(lambda: [0.0, 0])
        for step, position, value in rows:
            if holds(step):
                cell = sums[position // 4]
                cell[0] += value
                cell[1] += 1
        means[kind] = {p: (s / n, n) for p, (s, n) in sums.items() if n >= 30}
    top = max(m for kind in means.values() for m, _ in kind.values()) * 1.1
    drawing = Drawing(640, 280, round(top, 2), "D_t, nats, by position in the rollout (means of four)")
    furthest = max(p for kind in means.values() for p in kind)
    print("\n| positions | first quarter, nats | n | last quarter, nats | n |\n|---|---|---|---|---|")
    for p in range(furthest + 1):
        cells = [means[k].get(p) for k in quarters]
        print(f"| {4 * p}–{4 * p + 3} | " + " | ".join(f"{c[0]:.3f} | {c[1]}" if c else "– | –" for c in cells) + " |")
    for kind, cells in means.items():
        drawing.path([(54 + 576 * p / max(1, furthest), drawing.y(m)) for p, (m, _) in sorted(cells.items())], COLOURS[kind])
    for p in range(0, furthest + 1, max(1, furthest // 8)):
        drawing.text(54 + 576 * p / max(1, furthest), 252, str(4 * p))
    drawing.text(430, 30, "first quarter", "start", COLOURS["before"])
    drawing.text(530, 30, "last quarter", "start", COLOURS["after"])
    drawing.save(output / "divergence-by-position.svg")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True, help="the question set's, which knows depths")
    parser.add_argument("--tokens", type=Path, help="a run's token log")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    reports = {kind: json.loads(path.read_text()) for kind, path in (("before", options.before), ("after", options.after))}
    depths = {row["id"]: row.get("depth") for row in map(json.loads, options.manifest.open())}
    by_depth(reports, depths, options.output)
    abstention(reports)
    if options.tokens:
        by_position(options.tokens, options.output)


if __name__ == "__main__":
    main()
