#!/usr/bin/env python3
"""Walks once through what a person does with a new cord, and writes down what it looked like and how long it took:
Sources/Service/WALK.md with its pictures.

    Tests/Browser/run.sh walk [--cord PROGRAM]

Every picture is of what just happened: the commands are run, the microphone plays a spoken question, the figures are measured.
"""

import argparse
import base64
import html
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import browser
from made import call, confirm

PAGE = browser.ROOT / "Sources/Service/WALK.md"
PICTURES = browser.ROOT / "Sources/Service/walk"
LARGEST = 60_000
TERMINAL = """<!doctype html><style>body { margin: 0; padding: 18px 22px; background: #14171b; color: #e7eaee; font: 15px/1.45 monospace; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; } b { color: #58c4a3; }</style><pre>%s</pre>"""

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--cord", type=pathlib.Path, default=browser.ROOT / ".build/release/cord", help="the program that is installed")


class Walk:
    """The pictures so far, each with what it shows and when."""

    def __init__(self, chromium):
        self.begun, self.shown, self.chromium = time.monotonic(), [], chromium

    def picture(self, page, name, caption):
        """Keeps what the window shows."""
        browser.rested(page)
        session = page.context.new_cdp_session(page)
        for quality in (80, 60, 40):
            picture = base64.b64decode(session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})["data"])
            if len(picture) <= LARGEST:
                break
        assert len(picture) <= LARGEST, f"{name} takes {len(picture)} bytes"
        (PICTURES / f"{name}.webp").write_bytes(picture)
        self.shown.append((name, caption, time.monotonic() - self.begun))
        print(f"{self.clock()}  {caption}", flush=True)

    def clock(self):
        seconds = int(time.monotonic() - self.begun)
        return f"{seconds // 60}:{seconds % 60:02}"

    def terminal(self, name, caption, commands, **environment):
        """Runs commands in a shell, one after another, and shows them with what they said."""
        lines = []
        for command in commands:
            done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment})
            said = "\n".join(line.split("\r")[-1] for line in done.stdout.rstrip().split("\n"))
            assert done.returncode == 0, f"{command}:\n{said}"
            lines.append(f"<b>$</b> {html.escape(command)}\n{html.escape(said)}".rstrip())
        page = self.chromium.new_page(viewport={"width": 900, "height": 420})
        page.set_content(TERMINAL % "\n".join(lines))
        self.picture(page, name, caption)
        page.close()


def install(cord, prefix):
    """What `make install` puts where, of a program that is built already: the program with its parts, and a link to it."""
    home = prefix / "lib/cord"
    home.mkdir(parents=True)
    for part in (cord, cord.parent / "cord-decode"):
        shutil.copy(part, home)
    for room in ("CordBench", "CordNano", "Server"):
        shutil.copytree(cord.parent / f"cord_{room}.resources", home / f"cord_{room}.resources")
    shutil.copytree(browser.ROOT / "Public", home / "Public")
    (prefix / "bin").mkdir()
    (prefix / "bin/cord").symlink_to("../lib/cord/cord")


def ready(walk, page, selector, **options):
    page.locator(selector, **options).first.wait_for(timeout=300_000)


def go(walk, folder, url, console):
    page = console.page(width=1000, height=700)
    page.get_by_text("Ask by voice or in writing").wait_for()
    page.get_by_role("button", name="Record").click()
    browser.wait(lambda: page.locator("#timer").inner_text() >= "0:02", 60, "two seconds are recorded")
    walk.picture(page, "2-record", "Record a question, with its level, its length and its limit")
    browser.wait(lambda: page.locator("#timer").inner_text() >= "0:04", 60, "all is said")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".heard q", has_text="What is the sum of 17, 9 and 28?").wait_for()
    page.locator(".below .facts").wait_for()
    assert page.locator(".final").inner_text() == "54", page.locator(".final").inner_text()
    page.get_by_text("Reasoning", exact=True).click()
    walk.picture(page, "3-answer", "Ask: the answer, what led to it, and what was heard")

    page.goto(f"{url}/gap.html")
    page.locator("#benchmark option").first.wait_for(state="attached")
    page.select_option("#benchmark", "cord-bench-2")
    page.fill("#limit", "100")
    page.get_by_label("by its own transcript").check()
    page.get_by_role("button", name="Measure", exact=True).click()
    ready(walk, page, "#runs tbody tr", has_text=re.compile(r"[1-9]\d* of \d+ answers"))
    walk.picture(page, "4-measure", "Measure the gap: 100 built-in questions, typed, spoken and by their transcripts")
    ready(walk, page, "#reports tbody strong")
    page.locator("#reports").scroll_into_view_if_needed()
    walk.picture(page, "5-report", "The report: what hearing costs, with its interval")

    walk.terminal("6-speak", "Questions to train on, drawn and spoken", [
        "cord questions --family deep --depth 1-3 --count 160 > questions.jsonl", "cord speak questions.jsonl --output spoken | tail -2",
        f"cord files upload spoken --server {url}"], PATH=f"{folder}/bin:{os.environ['PATH']}")
    page.goto(f"{url}/training.html")
    page.locator("#job-file-known option", has_text="spoken").first.wait_for(state="attached")
    page.select_option("#job-file-known", page.locator("#job-file-known option", has_text="spoken").first.get_attribute("value"))
    page.fill("#job-batch", "8")
    page.fill("#job-rate", "0.0001")
    page.fill("#job-suffix", "walk")
    page.get_by_role("button", name="Start", exact=True).click()
    curve = page.locator("figure.chart", has_text="Training loss").locator("polyline").last
    curve.wait_for(state="attached", timeout=300_000)
    browser.wait(lambda: len((curve.get_attribute("points") or "").split()) > 8, 400, "the curve has eight steps")
    page.locator("#jobs-title").scroll_into_view_if_needed()
    walk.picture(page, "7-train", "Train by CORD: 160 pairs, the curve as it moves, and the time that is left")
    job = call(console, "GET", "v1/fine_tuning/jobs")["data"][0]["id"]
    job = browser.wait(lambda: (found := call(console, "GET", f"v1/fine_tuning/jobs/{job}"))["status"] in ("succeeded", "failed") and found, 600, "the job has ended")
    assert job["status"] == "succeeded", job

    page.goto(f"{url}/gap.html")
    page.locator("#benchmark option").first.wait_for(state="attached")
    page.locator(f'#model option[value="{job["fine_tuned_model"]}"]').wait_for(state="attached")
    page.select_option("#model", job["fine_tuned_model"])
    page.select_option("#benchmark", "cord-bench-2")
    page.fill("#limit", "100")
    page.get_by_label("by its own transcript").check()
    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator("#reports tbody tr").nth(1).wait_for(timeout=300_000)
    for _ in range(2):
        page.locator("#reports").get_by_role("button", name="Compare the report", pressed=False).first.click()
    page.locator("#compared .tile").first.wait_for()
    page.get_by_role("button", name="Show", exact=True).click()
    walk.picture(page, "8-compare", "Compare: what the training closed of the gap, and what it cost")

    page.goto(f"{url}/weights.html")
    name = job["fine_tuned_model"]
    page.get_by_role("button", name=f"Promote {name}").click()
    walk.picture(page, "9-promote", "Promote the version")
    confirm(page, "Promote")
    page.locator("#current", has_text=name).wait_for()
    walk.picture(page, "10-versions", "It answers to the model's own name; versions stand under what they grew from")
    page.get_by_role("button", name="Roll back").click()
    confirm(page, "Roll back")
    page.locator("#current", has_text="the base weights").wait_for()
    walk.picture(page, "11-rolled-back", "Roll back, and undo that")


def main():
    arguments = parser.parse_args()
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="cord-walk-", dir="/tmp") as temporary, browser.chromium() as chromium:
        folder = pathlib.Path(temporary)
        walk = Walk(chromium)
        install(arguments.cord.resolve(), folder)
        os.chdir(folder)
        walk.terminal("1-install", "Installed: the machine is looked at", ["cord --version", "cord doctor"], PATH=f"{folder}/bin:{os.environ['PATH']}", HOME=str(folder))
        with browser.Server(folder / "bin/cord") as server:
            console = browser.Console(server, chromium, None)
            go(walk, folder, server.url, console)
            console.close()
        took = walk.shown[-1][2]
        assert took < 600, f"The walk took {took:.0f} s; ten minutes are what a person was promised."
    write(walk)


def write(walk):
    minutes = lambda seconds: f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    lines = [
        "# A walk through cord", "",
        "From an installed program to a version that hears better, and back: by [walk.py](../../Tests/Browser/walk.py), which does what a person does and keeps",
        f"what it sees. This one took {minutes(walk.shown[-1][2])} minutes on two cores, {time.strftime('%B %Y')}; `Tests/Browser/run.sh walk` makes it anew.", ""]
    for number, (name, caption, at) in enumerate(walk.shown, 1):
        lines += [f"## {number}. {caption}", "", f"After {minutes(at)}.", "", f"![{caption}](walk/{name}.webp)", ""]
    PAGE.write_text("\n".join(lines[:-1]) + "\n")


if __name__ == "__main__":
    main()
