#!/usr/bin/env python3
"""Runs the checks of the console in real browsers: every file beside this one that has some, or those named.

    python3 Tests/Browser/run.py [FILE …] [--cord PROGRAM] [--screenshots FOLDER] [--only WORDS] [--again]

Needs Chromium and Firefox, and from PyPI what requirements.txt names; run.sh installs both and calls this.
"""

import argparse
import contextlib
import importlib
import os
import pathlib
import sys
import time
import traceback

import browser

HERE = pathlib.Path(__file__).resolve().parent
FORGIVEN = 3
SHARED = {"browser", "firefox", "made", "run", "walk"}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("files", nargs="*", help="files of checks, by their names without .py; all when none is given")
parser.add_argument("--cord", type=pathlib.Path, default=browser.ROOT / ".build/release/cord", help="the program that serves")
parser.add_argument("--screenshots", type=pathlib.Path, help="a folder that keeps what the pages look like")
parser.add_argument("--only", default="", help="runs the checks whose names have these words")
parser.add_argument("--again", action="store_true",
                    help=f"runs what failed once more, and forgives what then holds: a starved machine loses sound; more than {FORGIVEN} are none of its doing")


def main():
    arguments = parser.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    for name in arguments.files or sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED):
        importlib.import_module(name)
    chosen = [check for check in browser.checks if arguments.only.replace(" ", "_") in check.__name__]
    if not chosen:
        sys.exit("There is no such check.")
    # A microphone plays in real time: what would come late is lost. Where that is allowed, others wait.
    with contextlib.suppress(PermissionError):
        os.nice(-10)
    with browser.Server(arguments.cord) as server, browser.chromium() as chromium:
        failed = [check for check in chosen if not holds(check, browser.Console(server, chromium, arguments.screenshots))]
        if arguments.again and 0 < len(failed) <= FORGIVEN:
            print(f"again   {len(failed)} of them", flush=True)
            failed = [check for check in failed if not holds(check, browser.Console(server, chromium, arguments.screenshots))]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} checks hold.")
    sys.exit(1 if failed else 0)


def holds(check, console):
    """Runs a check, and says whether it holds; what its pages looked like when it failed is kept."""
    name, begun = check.__name__.replace("_", " "), time.monotonic()
    try:
        try:
            check(console)
        except BaseException:
            for place, context in enumerate(console.contexts):
                for page in context.pages:
                    console.shot(page, f"failed-{check.__name__}-{place}")
            raise
        finally:
            console.close()
    except Exception as error:
        print(f"failed  {name} ({time.monotonic() - begun:.1f} s)\n{told(error)}", flush=True)
        return False
    print(f"ok      {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return True


def told(error):
    """What went wrong, and where in the checks."""
    places = [f"  {pathlib.Path(frame.filename).name}:{frame.lineno}: {frame.line}" for frame in traceback.extract_tb(error.__traceback__)
              if pathlib.Path(frame.filename).parent == HERE]
    return "\n".join([*places, f"  {type(error).__name__}: {str(error).strip()}"])


if __name__ == "__main__":
    main()
