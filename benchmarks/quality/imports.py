#!/usr/bin/env python3
"""Holds the arrows of Package.swift against the imports of the code: what is imported and not declared, and what is declared and not imported.

    imports.py          prints a line for each difference; the exit code is 1 where there is one

A room that only stands beside another when it is built, or that a test only runs, is named in BESIDE.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"^\s*(?:@\w+\s+)*(?:(?:package|public|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func)\s+)?(\w+)", re.M)
BESIDE = {("cord", "cord-decode"), ("CommandLineTests", "cord")}


def main():
    described = subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    targets = json.loads(described)["targets"]
    declared = {target["name"]: {next(iter(dependency.values()))[0] for dependency in target["dependencies"]} for target in targets}
    known = set(declared).union(*declared.values())
    found = 0
    for target in targets:
        name = target["name"]
        folder = ROOT / (target.get("path") or f"Tests/{name}")
        sources = sorted(folder.rglob("*.swift"))
        if not sources:
            continue  # C: its libraries are linked, and not imported
        imported = {}
        for source in sources:
            for module in IMPORT.findall(source.read_text()):
                imported.setdefault(module, source.relative_to(ROOT))
        for module in sorted(set(imported) & known - declared[name] - {name}):
            print(f"{name} imports {module}, which it does not declare ({imported[module]})")
            found += 1
        for module in sorted(declared[name] - set(imported)):
            if (name, module) not in BESIDE:
                print(f"{name} declares {module}, which it does not import")
                found += 1
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
