#!/usr/bin/env bash
# Runs clang-tidy over the sources of a preset built with clang: ci/tidy.sh [REGEX]; the regex chooses files.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
ci/setup.sh test
# A tree of its own: what it is configured with is no build's.
cmake --preset asan -B build/tidy -DTRESTLE_BUILD_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
run-clang-tidy-19 -quiet -p build/tidy -j "$(nproc)" -warnings-as-errors='*' "${1-$PWD/(lib|fuzz|props|tools|bench)/}"
