#!/bin/sh
# Writes llama.cpp's files of a checkpoint, in bfloat16: DIRECTORY-decoder.gguf and DIRECTORY-mmproj.gguf.
#
# Needs: what `peers.sh` fetched. Usage: benchmarks/speed/convert.sh DIRECTORY
set -eu
peers="${CORD_PEERS:-$HOME/.cache/cord-peers}"
model="${1:?usage: convert.sh DIRECTORY}"
export PYTHONPATH="$peers/llama.cpp/gguf-py:$peers/converter"
convert="$peers/llama.cpp/convert_hf_to_gguf.py"
"$peers/python/bin/python" "$convert" "$model" --outtype bf16 --outfile "$model-decoder.gguf"
"$peers/python/bin/python" "$convert" "$model" --mmproj --outtype bf16 --outfile "$model-mmproj.gguf"
