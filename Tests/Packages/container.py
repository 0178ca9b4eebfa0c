#!/usr/bin/env python3
"""Runs the Dockerfile's steps in empty Debians, without a daemon, and then the container's own command and health check. Needs root, debootstrap,
a mirror, and Swift on this machine, which stands for the image that has it.

    Tests/Packages/container.py                      everything; the build takes a while
    Tests/Packages/container.py --installed FOLDER   with what `make install PREFIX=/usr DESTDIR=FOLDER` made in place of the build's last step

CACHE names a folder with an empty bookworm that debootstrap made (CACHE/bookworm), so that it is not made again. Exits with 1 at the first step that fails.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILE = REPOSITORY / "Sources/Service/Packaging/Dockerfile"
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
SYSTEM = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
SWIFT = Path(shutil.which("swift") or sys.exit("container: no swift in the path")).resolve().parents[2]
# What Swift's own image installs, so that its compiler links.
SWIFT_IMAGE = "binutils git gnupg2 libc6-dev libcurl4 libedit2 libgcc-12-dev libpython3.11 libsqlite3-0 libstdc++-12-dev libxml2 libz3-dev pkg-config tzdata zlib1g-dev"
IMAGES = {"swift:6.3-bookworm": "bookworm", "debian:bookworm-slim": "bookworm"}


def say(*words):
    print("container:", *words, file=sys.stderr, flush=True)


def steps():
    """The Dockerfile's instructions, each with the rest of its lines."""
    text = re.sub(r"(?m)^#.*\n", "", DOCKERFILE.read_text())
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip():
            yield line.split(None, 1)


class Stage:
    """A folder with a Debian in it."""

    def __init__(self, holder, image, name):
        self.root = holder / name
        self.shell, self.directory, self.user, self.entry, self.health = ["/bin/sh", "-c"], "/", None, None, None
        suite = IMAGES.get(image) or sys.exit(f"container: FROM {image}: none of {', '.join(IMAGES)}")
        kept = Path(os.environ.get("CACHE", "/nonexistent")) / suite
        if kept.is_dir():
            subprocess.run(["cp", "-a", kept, self.root], check=True)
        else:
            subprocess.run(["debootstrap", "--variant=minbase", suite, self.root, MIRROR], check=True, stdout=subprocess.DEVNULL)
        self.root.chmod(0o755)
        self.mounts = []
        self.mount(["-t", "proc", "proc"], "proc")
        self.environment = dict(SYSTEM)
        if image.startswith("swift:"):
            self.run(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {SWIFT_IMAGE}")
            self.mount(["--bind", "-o", "ro", SWIFT], str(SWIFT).lstrip("/"))
            self.environment["PATH"] = f"{SWIFT}/usr/bin:{SYSTEM['PATH']}"

    def mount(self, what, place):
        (self.root / place).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", *what, self.root / place], check=True)
        self.mounts.append(self.root / place)

    def end(self):
        for place in reversed(self.mounts):
            subprocess.run(["umount", "-l", place], check=False)

    def command(self, words):
        user = [f"--userspec={self.user}:{self.user}"] if self.user else []
        inside = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        return ["chroot", *user, self.root, "/usr/bin/env", "-i", "/bin/sh", "-c",
                f"cd {shlex.quote(self.directory)} && exec env {inside} {shlex.join(map(str, words))}"]

    def run(self, line):
        done = subprocess.run(self.command([*self.shell, line]), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"container: RUN {line}: status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")

    def place(self, path):
        return self.root / (path if path.startswith("/") else f"{self.directory}/{path}").lstrip("/")


def copy_tracked(what, target):
    """What git knows below `what`, as a context without the build's own folder has it."""
    names = subprocess.run(["git", "ls-files", "-z", what], cwd=REPOSITORY, capture_output=True, check=True).stdout
    base = what.rstrip("/") if what != "." else ""
    for name in filter(None, names.decode().split("\0")):
        place = target / (name[len(base):].lstrip("/") if base else name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, place, follow_symlinks=False)


def walk(stages, installed, holder):
    """Performs every step; the last stage, with what it says of its command."""
    stage = None
    for word, rest in steps():
        say(word, rest[:100])
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stage = stages.setdefault(name or "final", Stage(holder, image, name or "final"))
        elif word == "SHELL":
            stage.shell = json.loads(rest)
        elif word == "WORKDIR":
            stage.directory = rest
            stage.place(".").mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = rest
        elif word == "RUN":
            if installed and "DESTDIR=/installed" in rest:
                shutil.copytree(installed, stage.root / "installed", symlinks=True)
            else:
                stage.run(rest)
        elif word == "COPY" and (found := re.match(r"--from=(\w+) (\S+) (\S+)", rest)):
            subprocess.run(["cp", "-a", f"{stages[found[1]].place(found[2])}/.", stage.place(found[3])], check=True)
        elif word == "COPY":
            what, target = rest.split()
            if not (installed and what == "."):
                copy_tracked(what, stage.place(target))
        elif word == "ENTRYPOINT":
            stage.entry = json.loads(rest)
        elif word == "HEALTHCHECK":
            stage.health = json.loads(rest[rest.index("CMD") + 3:])
        elif word not in ("VOLUME", "EXPOSE"):
            sys.exit(f"container: {word} is an instruction that this script does not know")
    return stage


def main():
    installed = Path(sys.argv[2]).resolve() if sys.argv[1:2] == ["--installed"] else None
    if "CORD_CONTAINER" not in os.environ:
        # Mounts of its own, which go with the process.
        os.execvpe("unshare", ["unshare", "--mount", sys.executable, *sys.argv], os.environ | {"CORD_CONTAINER": "1"})
    stages = {}
    holder = Path(tempfile.mkdtemp(prefix="cord-container-"))
    holder.chmod(0o755)
    try:
        answers(walk(stages, installed, holder))
    finally:
        for stage in stages.values():
            stage.end()
        shutil.rmtree(holder, ignore_errors=True)


def answers(stage):
    """Starts the container's command, with a key, in a network of its own; its health check, an answer and the console."""
    stage.environment |= {"CORD_API_KEY": "SECRET"}
    sound = REPOSITORY / "Tests/Fixtures/spoken/sum.wav"
    script = check(stage, sound)
    done = subprocess.run(["unshare", "--net", "bash", "-c", script], text=True)
    if done.returncode:
        sys.exit(1)
    say("it starts as its user, is healthy, asks for a key, and answers")


def check(stage, sound):
    """The server's life as a script."""
    start, health = shlex.join(map(str, stage.command(stage.entry))), shlex.join(map(str, stage.command(stage.health)))
    return f"""
        set -euo pipefail
        fail() {{ echo "container: $*" >&2; kill $server 2>/dev/null || true; exit 1; }}
        ip link set lo up
        {start} 2>{stage.root}/log & server=$!
        for _ in $(seq 150); do grep -q 'ready on' {stage.root}/log && break; kill -0 $server 2>/dev/null || fail "$(cat {stage.root}/log)"; sleep 0.2; done
        {health} || fail "the health check fails"
        [ "$(stat -c %u /proc/$server)" = {stage.user} ] || fail "it runs as $(stat -c %U /proc/$server)"
        curl -s -o /dev/null -w '%{{http_code}}' --data-binary @{sound} -H 'Content-Type: audio/wav' http://127.0.0.1:8080/v1/answers | grep -q 401 || fail "no key was asked for"
        curl -sS -H 'Authorization: Bearer SECRET' --data-binary @{sound} -H 'Content-Type: audio/wav' http://127.0.0.1:8080/v1/answers | grep '"answer":"54"' >/dev/null || fail "no answer"
        curl -sS http://127.0.0.1:8080/ | grep '<title>' >/dev/null || fail "no console"
        kill -TERM $server; wait $server || fail "SIGTERM did not end it well"
    """


main()
