"""A headless Firefox over WebDriver BiDi: playwright drives only builds of its own, Debian's speaks the standard.

It has no microphone: where a machine has no sound device, its audio graph stands still, and nothing is recorded.

    ws://127.0.0.1:PORT/session   {id, method, params} ⇄ {id, result}; one connection, one command at a time
"""

import base64
import json
import pathlib
import re
import subprocess
import tempfile

from websockets.sync.client import connect

from browser import program, wait

PREFERENCES = {
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.startup.page": 0,
    "ui.systemUsesDarkTheme": 0,
}
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " "}


class Firefox:
    """One window; `evaluate`, `goto`, `click`, `type`, `press` and `screenshot` do as playwright's do."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="cord-firefox-")
        folder = pathlib.Path(self.profile.name)
        (folder / "user.js").write_text("".join(f'user_pref("{key}", {json.dumps(value)});\n' for key, value in PREFERENCES.items()))
        log = folder / "log"
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                [program("firefox-esr", "firefox"), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0",
                 "about:blank"], stdout=output, stderr=output)
        address = wait(lambda: re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text()), 120, "Firefox listens")[1]
        self.socket = connect(f"{address}/session", max_size=None, open_timeout=60)
        self.count = 0
        self.send("session.new", capabilities={})
        self.context = self.send("browsingContext.getTree")["contexts"][0]["context"]
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)
        self.profile.cleanup()

    def send(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=120))
            if message.get("id") == self.count:
                assert message["type"] == "success", f"{method}: {message['message']}"
                return message["result"]

    def resize(self, width, height):
        self.send("browsingContext.setViewport", context=self.context, viewport={"width": width, "height": height})

    def goto(self, url):
        self.send("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, function):
        """The value of a function without arguments, as JSON carries it; promises are waited for."""
        result = self.send(
            "script.callFunction", functionDeclaration=f"async () => JSON.stringify((await ({function})()) ?? null)", awaitPromise=True,
            target={"context": self.context})
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        return json.loads(result["result"]["value"])

    def wait_for(self, function, seconds=120):
        return wait(lambda: self.evaluate(function), seconds, function)

    def click(self, selector):
        box = self.evaluate(f"""() => {{ const node = document.querySelector({json.dumps(selector)}); node.scrollIntoView({{ block: "nearest" }});
            const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }}""")
        self.perform("pointer", [{"type": "pointerMove", "x": round(box[0]), "y": round(box[1])}, {"type": "pointerDown", "button": 0},
                                 {"type": "pointerUp", "button": 0}])

    def type(self, text):
        self.perform("key", [{"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")])

    def press(self, key):
        self.type(KEYS[key])

    def choose(self, selector, path):
        """Gives a file input a file."""
        [node] = self.send("browsingContext.locateNodes", context=self.context, locator={"type": "css", "value": selector})["nodes"]
        self.send("input.setFiles", context=self.context, element={"sharedId": node["sharedId"]}, files=[str(path)])

    def perform(self, kind, actions):
        self.send("input.performActions", context=self.context, actions=[{"type": kind, "id": kind, "actions": actions}])

    def screenshot(self, path):
        data = self.send("browsingContext.captureScreenshot", context=self.context)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
