#!/usr/bin/env bash
# Runs every fuzz target for so long, one after the other: ci/fuzz.sh [SECONDS]
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
seconds=${1-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || {
  echo "ci/fuzz.sh: not a number of seconds: '$seconds'; usage: ci/fuzz.sh [SECONDS]" >&2
  exit 2
}
failed=()
# The list first: a pipe would hide its failure.
list=$(./trestle fuzz --list)
while read -r target _; do
  ./trestle fuzz "$target" --seconds "$seconds" </dev/null || failed+=("$target")
done <<<"$list"
[ ${#failed[@]} -eq 0 ] || {
  echo "ci/fuzz.sh: these failed: ${failed[*]}; their inputs are in ${TRESTLE_CORPUS:-build/fuzz/found}" >&2
  exit 1
}
