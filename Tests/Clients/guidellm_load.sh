#!/usr/bin/env bash
# Loads a running server by guidellm, unchanged, as it comes from PyPI: one request after the other, then four at once.
#
#     cord serve & guidellm_load.sh [http://127.0.0.1:8080/v1]        # guidellm stands in PATH
set -euo pipefail
target=${1:-http://127.0.0.1:8080/v1}
tokenizer=$(cd "$(dirname "$0")/../.." && pwd)/Sources/Model/CordNano/Checkpoint
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HF_HUB_OFFLINE=1
for profile in kind=synchronous kind=concurrent,streams=4; do
    guidellm run --backend "kind=openai_http,target=${target%/v1}" --profile "$profile" --constraint kind=max_requests,count=8 \
        --tokenizer "kind=huggingface_auto,model=$tokenizer" --data kind=synthetic_text,prompt_tokens=64,output_tokens=32 \
        --output "kind=json,path=$folder/report.json" --disable-console
    python3 - "$folder/report.json" "$profile" <<'P'
import json
import sys

totals = json.load(open(sys.argv[1]))["benchmarks"][0]["metrics"]["request_totals"]
holds = totals["successful"] == 8 and not totals["errored"]
print("ok" if holds else "FAILED", sys.argv[2], totals)
sys.exit(not holds)
P
done
