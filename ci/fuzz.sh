#!/usr/bin/env bash
# Runs every fuzz target for so long, one after the other: ci/fuzz.sh [SECONDS]
# Writes JUnit's form of it to build/junit/fuzz.xml: a test for each target, of a failed one the inputs on which it failed.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
seconds=${1-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || {
  echo "ci/fuzz.sh: not a number of seconds: '$seconds'; usage: ci/fuzz.sh [SECONDS]" >&2
  exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. ci/shared/cases.sh
# What failed is told by the lines that name inputs, or by the last ones where none does.
reasons() { grep -a '^trestle: the input that fails: ' "$work/log" || tail -n 20 "$work/log"; }

failed=()
# The list first: a pipe would hide its failure.
list=$(./trestle fuzz --list)
while read -r target _; do
  started=$SECONDS status=0
  ./trestle fuzz "$target" --seconds "$seconds" </dev/null 2>&1 | tee "$work/log" || status=$?
  if [ "$status" -eq 0 ]; then
    add_case fuzz "$target" $((SECONDS - started)) ""
  else
    failed+=("$target")
    add_case fuzz "$target" $((SECONDS - started)) "exit status $status" < <(reasons)
  fi
done <<<"$list"
write_cases fuzz
[ ${#failed[@]} -eq 0 ] || {
  echo "ci/fuzz.sh: these failed: ${failed[*]}; their inputs are in ${TRESTLE_CORPUS:-build/fuzz/found}" >&2
  exit 1
}
