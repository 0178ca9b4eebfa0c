#!/usr/bin/env bash
# The checks of the console in Chromium and Firefox, both headless and from the distribution: installs what is missing, and runs them.
#
# usage: Tests/Browser/run.sh [FILE …] [--cord PROGRAM] [--screenshots FOLDER] [--only WORDS] [--again]     as run.py
#        Tests/Browser/run.sh walk [--cord PROGRAM]                                                           as walk.py
#
# Exits with 77 where the browsers cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$here/../../.build/browser/bin/python

"$here/../../.ci/setup" browsers || { echo "browsers: the distribution's packages cannot be had here" >&2; exit 77; }
for program in chromium firefox-esr; do
    command -v "$program" >/dev/null || { echo "browsers: $program cannot be had here" >&2; exit 77; }
done
if ! cmp -s "$here/requirements.txt" "${python%/*}/../requirements.txt"; then
    python3 -m venv "${python%/bin/*}" && "$python" -m pip install -q -r "$here/requirements.txt" ||
        { echo "browsers: what requirements.txt names cannot be had here" >&2; exit 77; }
    cp "$here/requirements.txt" "${python%/*}/../"
fi
script=run.py
if [ "${1-}" = walk ]; then script=walk.py; shift; fi
exec env PYTHONDONTWRITEBYTECODE=1 "$python" "$here/$script" "$@"
