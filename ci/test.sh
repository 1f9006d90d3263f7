#!/usr/bin/env bash
# Sets up, builds and runs the tests: ci/test.sh [--preset NAME]... [-R REGEX] [-E REGEX] [-j N]
# All presets' tests run in one ctest, so that its closing line speaks for everything: ci/merge_tests.py makes a test tree
# out of theirs, in which the tests of every preset but release have its name before their own.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
default_presets=(release asan fuzz)

usage() {
  echo "ci/test.sh: $1; usage: ci/test.sh [--preset NAME]... [-R REGEX] [-E REGEX] [-j N]" >&2
  exit 2
}

presets=() choice=() jobs=$(nproc)
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage "'$1' is no option or lacks its value"
  case $1 in
    --preset) presets+=("$2") ;;
    -R | -E) choice+=("$1" "$2") ;;
    -j) jobs=$2 ;;
    *) usage "unknown option '$1'" ;;
  esac
  shift 2
done
[ ${#presets[@]} -gt 0 ] || presets=("${default_presets[@]}")

ci/setup.sh test
trees=()
for preset in "${presets[@]}"; do
  ci/build.sh "$preset"
  trees+=("$preset=build/$preset")
done
tests=build/tests/$(IFS=- && echo "${presets[*]}")  # two jobs side by side have two
/usr/bin/python3 ci/merge_tests.py "$tests" "${trees[@]}"
# JUnit's form, for those who show results: build/junit/PRESET-PRESET.xml.
junit=$PWD/build/junit/$(IFS=- && echo "${presets[*]}").xml
mkdir -p "${junit%/*}"
exec ctest --test-dir "$tests" --output-junit "$junit" --output-on-failure --no-tests=error --no-label-summary -j "$jobs" \
  "${choice[@]}"
