#!/usr/bin/env bash
# Measures what of lib/ the fuzz corpora, the properties and the units reach, each and together: ci/coverage.sh [--html DIR]
# Prints a table and writes a page of HTML for each to DIR (default build/coverage/html).
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
build=$PWD/build/coverage
html=$build/html
if [ $# -gt 0 ]; then
  [ "$1" = --html ] && [ $# -eq 2 ] || { echo "ci/coverage.sh: usage: ci/coverage.sh [--html DIR]" >&2 && exit 2; }
  html=$(realpath -m -- "$2")
fi
ci/setup.sh test >&2
ci/build.sh coverage fuzz_targets installed_tests >&2

profiles=$build/profiles
rm -rf "$profiles"
mkdir -p "$profiles"

# run GROUP PROGRAM ARGS...: the program's counts, to which its children add theirs (%m), go to its group. Its failure is
# another job's to tell, and yet none here that would count what was not reached.
objects=()
run() {
  local group=$1 program=$2
  shift 2
  objects+=("$program")
  LLVM_PROFILE_FILE=$profiles/$group/$(basename "$program")-%m.profraw "$program" "$@" </dev/null >"$build/last.log" 2>&1 || {
    tail -n 50 "$build/last.log" >&2
    echo "ci/coverage.sh: $program failed" >&2
    exit 1
  }
}

while IFS=$'\t' read -r target _; do
  inputs=()
  for kind in corpus regressions; do
    [ ! -d "fuzz/$kind/$target" ] || inputs+=("fuzz/$kind/$target")
  done
  [ ${#inputs[@]} -eq 0 ] || run corpora "$build/fuzz/$target" "${inputs[@]}"
done <"$build/fuzz/targets.txt"
run properties "$build/props/trestle_props"
for units in "$build"/props/{trestle_units_*,trestle_edge_units,include_units_{fast,hardened,debug}}; do
  run units "$units"
done

# merged NAME GROUP...
merged() {
  local name=$1 group
  shift
  for group in "$@"; do find "$profiles/$group" -name '*.profraw'; done >"$profiles/$name.list"
  llvm-profdata-19 merge -sparse -f "$profiles/$name.list" -o "$profiles/$name.profdata"
}
merged corpora corpora
merged properties properties
merged units units
merged together corpora properties units

programs=("${objects[0]}")
for object in "${objects[@]:1}"; do programs+=(-object "$object"); done
rm -rf "$html"/{corpora,properties,units,together}  # and nothing else that may lie there
printf '%-12s%12s%12s%12s%12s\n' 'of lib/' functions lines regions branches
for name in corpora properties units together; do
  what=("${programs[@]}" -instr-profile "$profiles/$name.profdata" -sources lib)
  # Templates differ between programs by what they were given, which is no fault of the counts: hence no warnings.
  llvm-cov-19 show -format=html -show-branches=count -output-dir="$html/$name" "${what[@]}" 2>"$build/last.log" || {
    cat "$build/last.log" >&2
    exit 1
  }
  llvm-cov-19 export -summary-only "${what[@]}" 2>"$build/last.log" | /usr/bin/python3 -c '
import json, sys
totals = json.load(sys.stdin)["data"][0]["totals"]
parts = [totals[kind]["percent"] for kind in ("functions", "lines", "regions", "branches")]
print(f"{sys.argv[1]:12}" + "".join(f"{part:11.1f}%" for part in parts))' "$name"
done
echo "pages: $html/{corpora,properties,units,together}/index.html"
