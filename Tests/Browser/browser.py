"""What the checks of the console share: a server of their own, a browser over it, and what every page must hold.

A file of checks beside this one has functions marked with `@check`, each given a `Console`:

    from browser import check

    @check
    def weights_are_listed(console):
        page = console.page("weights.html", width=390)
        page.get_by_role("table").wait_for()
        console.holds(page, "weights-390")      # axe, the width, and a screenshot of that name

`run.py` finds the file, runs its checks in order against one server, and fails a check in whose pages a script erred.
"""

import contextlib
import importlib.resources
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
import wave

from playwright.sync_api import Error, Page, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPOKEN = ROOT / "Tests/Fixtures/spoken/sum.wav"  # "What is the sum of 17, 9 and 28?"
WIDTHS = (1280, 390)
AXE = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()

checks = []


def check(function):
    """Marks a function as a check; its name, with spaces, is what is told."""
    checks.append(function)
    return function


def program(*names):
    """The first of these programs that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        raise SystemExit(f"None of {', '.join(names)} is installed.")
    return found


class Server:
    """`cord serve` on a port and a data folder of its own, until the `with` block ends."""

    def __init__(self, cord, *options):
        self.command = [str(cord), "serve", "--port", "0", "--public-folder", os.environ.get("CORD_PAGES", str(ROOT / "Public")), *options]

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="cord-browser-")
        log = pathlib.Path(self.folder.name) / "log"
        with open(log, "w") as output:
            self.process = subprocess.Popen([*self.command, "--data", f"{self.folder.name}/data"], stderr=output, cwd=ROOT)
        self.url = wait(lambda: self.ready(log), 120, "the server is ready")
        return self

    def ready(self, log):
        if self.process.poll() is not None:
            raise SystemExit(f"The server did not start:\n{log.read_text()}")
        found = re.search(r"ready on (http\S*)", log.read_text())
        return found and found[1]

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.folder.cleanup()

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/{path}") as response:
            return response.read().decode()


def wait(condition, seconds, what):
    """The first true value of a condition; an error that names what was waited for when none comes."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"Within {seconds} s not so: {what}.")
        time.sleep(0.1)


class Console:
    """A Chromium that hears `sum.wav` once from its microphone, and the pages that one check opens in it."""

    def __init__(self, server, browser, screenshots):
        self.server, self.url, self.browser, self.screenshots = server, server.url, browser, screenshots
        self.contexts, self.errors, self.forgiven = [], [], []

    def page(self, path="", width=1280, height=800, scheme="light", url=None, **options) -> Page:
        """A page of the console in a profile of its own; `options` are those of playwright's `new_context`."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, permissions=["microphone", "clipboard-read", "clipboard-write"],
            accept_downloads=True, **options)
        context.set_default_timeout(120_000)  # Two busy cores are slow.
        self.contexts.append(context)
        return self.open(context.new_page(), f"{url or self.url}/{path}")

    def open(self, page, url):
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        return page

    def forgive(self, pattern):
        """Errors of scripts that this check brings about, by a regular expression: browsers tell each refused request as one."""
        self.forgiven.append(pattern)

    def holds(self, page, name):
        """What every page in every state must hold: nothing that axe finds, nothing wider than the window. Keeps a screenshot."""
        # What still moves is neither where it will be nor of its own colours.
        rested(page)
        self.shot(page, name)
        fits(page.evaluate, name)
        accessible(page.evaluate, name)

    def shot(self, page, name, **options):
        if self.screenshots:
            page.screenshot(path=self.screenshots / f"{name}.png", **options)

    def close(self):
        for context in self.contexts:
            context.close()
        unexpected = [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.forgiven)]
        assert not unexpected, "Scripts erred: " + "; ".join(unexpected)


def tab(page, name, most=80):
    """Presses Tab until the control of that name has the focus."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("""(() => { const node = document.activeElement;
            return (node.ariaLabel ?? node.labels?.[0]?.innerText.split("\\n")[0] ?? node.innerText).trim(); })()"""))
        if seen[-1] == name:
            return
    raise AssertionError(f"Tab does not come to {name}, but to {seen}.")


def fits(evaluate, name):
    """Nothing reaches beyond the window, but what scrolls inside a box of its own. `evaluate` runs a script in the page."""
    wide = evaluate("""() => {
        const width = document.documentElement.clientWidth;
        const inside = node => { for (let box = node.parentElement; box; box = box.parentElement)
            if (box !== document.body && box !== document.documentElement && getComputedStyle(box).overflowX !== "visible") return true;
            return false; };
        const out = [...document.body.querySelectorAll("*")].filter(node => {
            const box = node.getBoundingClientRect();
            return box.width > 0 && (box.right > width + 1 || box.left < -1) && !inside(node) && getComputedStyle(node).visibility !== "hidden";
        }).map(node => node.outerHTML.slice(0, 80));
        if (document.scrollingElement.scrollWidth > width) out.push(`the page is ${document.scrollingElement.scrollWidth} wide`);
        return out;
    }""")
    assert not wide, f"{name}: wider than the window: {wide[:5]}"


def accessible(evaluate, name):
    """axe finds nothing, by WCAG 2.2 AA and its own best practices. `evaluate` runs a script in the page and waits for promises."""
    if not evaluate("() => typeof axe === 'object'"):
        evaluate(f"() => {{ const module = undefined, define = undefined; {AXE} }}")
    found = evaluate("""async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
        .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 120) + " " + (node.any[0]?.message ?? "")).slice(0, 3).join(" | ")}`)""")
    assert not found, f"{name}: axe finds {found}"


def rested(page):
    """Waits until nothing moves any more but what never ends."""
    still = "document.getAnimations().every(one => one.playState !== 'running' || one.effect.getComputedTiming().endTime === Infinity)"
    wait(lambda: page.evaluate(still), 60, "nothing moves")


def padded(sound, folder):
    """A WAV file with a second of silence at both ends: a person does not speak the moment that a microphone opens."""
    path = pathlib.Path(folder) / "microphone.wav"
    with wave.open(str(sound)) as read, wave.open(str(path), "wb") as written:
        written.setparams(read.getparams())
        silence = bytes(read.getframerate() * read.getsampwidth() * read.getnchannels())
        written.writeframes(silence + read.readframes(read.getnframes()) + silence)
    return path


@contextlib.contextmanager
def chromium(sound=SPOKEN):
    """A headless Chromium whose microphone plays a WAV file once from when it is opened."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        sound = padded(sound, folder)
        browser = playwright.chromium.launch(
            executable_path=program("chromium", "chromium-browser", "google-chrome"), headless=True,
            args=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={sound}%noloop",
                  "--autoplay-policy=no-user-gesture-required", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
