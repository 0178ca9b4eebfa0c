#!/usr/bin/env bash
# The checks of the console in Chromium and Firefox, both headless and from the distribution: installs what is missing, and runs them.
#
# usage: Tests/Browser/run.sh [FILE …] [--cord PROGRAM] [--screenshots FOLDER] [--only WORDS]     as run.py
#
# Exits with 77 where the browsers cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$here/../../.build/browser/bin/python

packages=()
command -v chromium >/dev/null || packages+=(chromium)
command -v firefox-esr >/dev/null || packages+=(firefox-esr)
python3 -m ensurepip --version >/dev/null 2>&1 || [ -x "$python" ] || packages+=(python3-venv)
if [ ${#packages[@]} -gt 0 ]; then
    echo "installing ${packages[*]}" >&2
    run=()
    [ "$(id -u)" -eq 0 ] || run=(sudo -n)
    "${run[@]}" apt-get update -qq && "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2 ||
        { echo "browsers: ${packages[*]} cannot be installed here" >&2; exit 77; }
fi
if ! cmp -s "$here/requirements.txt" "${python%/*}/../requirements.txt"; then
    python3 -m venv "${python%/bin/*}" && "$python" -m pip install -q -r "$here/requirements.txt" ||
        { echo "browsers: PyPI cannot be reached from here" >&2; exit 77; }
    cp "$here/requirements.txt" "${python%/*}/../"
fi
exec env PYTHONDONTWRITEBYTECODE=1 "$python" "$here/run.py" "$@"
