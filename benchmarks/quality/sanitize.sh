#!/usr/bin/env bash
# The C kernels under AddressSanitizer and UndefinedBehaviorSanitizer, over their own tests and those of the tensors above them, once
# for each variant that this CPU runs. Builds apart, in .build/sanitize; anything that a sanitizer finds ends a run.
set -euo pipefail
cd "$(dirname "$0")/../.."

export CORD_ONLY=CKernelsTests,TensorsTests
# Swift knows no UndefinedBehaviorSanitizer on Linux; the C does, and its runtime is part of AddressSanitizer's. GNU's gold, the
# default linker, fails on instrumented objects.
options=(--scratch-path .build/sanitize --sanitize address -Xcc -fsanitize=undefined -Xswiftc -use-ld=lld)
swift build --build-tests "${options[@]}" >&2

export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
variants=(reference avx2)
if grep -qw avx512f /proc/cpuinfo; then variants+=(avx512); fi
if grep -qw avx512_vnni /proc/cpuinfo; then variants+=(avx512_vnni); fi
for variant in "${variants[@]}"; do
    echo "== $variant"
    CORD_KERNELS=$variant swift test --skip-build "${options[@]}" --no-parallel 2>&1 |
        grep -E 'runtime error|ERROR|SUMMARY|✘|Test run with|Executed' || { echo "sanitize: no result of $variant" >&2; exit 1; }
done
