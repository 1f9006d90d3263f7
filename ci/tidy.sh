#!/usr/bin/env bash
# Runs clang-tidy over the sources of a preset built with clang: ci/tidy.sh [REGEX]; the regex chooses files.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
ci/setup.sh test
cmake --preset asan -DTRESTLE_BUILD_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
run-clang-tidy-19 -quiet -p build/asan -j "$(nproc)" -warnings-as-errors='*' "${1-$PWD/(lib|fuzz|props|tools|bench)/}"
cmake --preset asan -DCMAKE_DISABLE_PRECOMPILE_HEADERS=OFF >/dev/null
