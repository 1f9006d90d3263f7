#!/usr/bin/env bash
# Refuses C and C++ files that are not laid out as .clang-format says; with --fix, lays them out: ci/format.sh [--fix]
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
case ${1-} in
  --fix) how=(-i) ;;
  '') how=(--dry-run -Werror) ;;
  *)
    echo "ci/format.sh: unknown option '$1': --fix" >&2
    exit 2
    ;;
esac
command -v clang-format-19 >/dev/null || ci/setup.sh test
git -c safe.directory='*' ls-files -z -- '*.cpp' '*.hpp' '*.c' '*.h' | xargs -0 clang-format-19 "${how[@]}"
