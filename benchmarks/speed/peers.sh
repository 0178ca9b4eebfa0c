#!/bin/sh
# Fetches and builds the peers that answers are compared with: llama.cpp's server, and PyTorch with transformers.
#
# Needs: python3 with venv, a C++ compiler, network access to PyPI; 3 GB of disk; half an hour of one core.
# Usage: benchmarks/speed/peers.sh [jobs]
#
# Peers live in $CORD_PEERS (default ~/.cache/cord-peers), never in the repository:
#   $CORD_PEERS/python             a virtual environment with torch (CPU), transformers and what the scripts here import
#   $CORD_PEERS/llama.cpp          llama.cpp's source, as the source package of llama-cpp-python carries it
#   $CORD_PEERS/llama.cpp-build    its server: bin/llama-server
# An environment that has the packages already can stand in: ln -s DIR $CORD_PEERS/python before the first run.
set -eu
peers="${CORD_PEERS:-$HOME/.cache/cord-peers}"
jobs="${1:-1}"
mkdir -p "$peers"
cd "$peers"

[ -x python/bin/python ] || {
    python3 -m venv python
    python/bin/pip install --quiet --extra-index-url https://download.pytorch.org/whl/cpu \
        torch transformers tokenizers safetensors dashscope numpy soundfile openai peft
}

[ -x tools/bin/cmake ] || {
    python3 -m venv tools
    tools/bin/pip install --quiet cmake ninja scikit-build-core
}

[ -d llama.cpp ] || {
    PATH="$peers/tools/bin:$PATH" tools/bin/pip download --quiet --no-deps --no-build-isolation \
        --no-binary llama-cpp-python llama-cpp-python
    tar xzf llama_cpp_python-*.tar.gz
    mv llama_cpp_python-*/vendor/llama.cpp llama.cpp
    ls llama_cpp_python-*.tar.gz >llama.cpp/SOURCE
    rm -r llama_cpp_python-*/
}

# What the converter of checkpoints imports beside torch and transformers.
[ -d converter ] || tools/bin/pip install --quiet --target converter --no-deps sentencepiece

tools/bin/cmake -S llama.cpp -B llama.cpp-build -G Ninja -DCMAKE_MAKE_PROGRAM="$peers/tools/bin/ninja" \
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON -DLLAMA_BUILD_TESTS=OFF \
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
    -DLLAMA_OPENSSL=OFF
tools/bin/cmake --build llama.cpp-build --parallel "$jobs" --target llama-server llama-quantize
