#!/usr/bin/env bash
# Measures what of lib/ the fuzz corpora, the properties, the units and the programs under the preload libraries reach, each and
# together: ci/coverage.sh [--html DIR]. Prints a table and writes a page of HTML for each to DIR (default build/coverage/html).
# Fails where what all together reach is under the bars below. docs/coverage.md says what is not reached, and why.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
# Percent of lib/, as they were last reached, without what comes behind the point, and 97 and 92 at most.
bar_lines=97
bar_branches=92

build=$PWD/build/coverage
html=$build/html
if [ $# -gt 0 ]; then
  [ "$1" = --html ] && [ $# -eq 2 ] || { echo "ci/coverage.sh: usage: ci/coverage.sh [--html DIR]" >&2 && exit 2; }
  html=$(realpath -m -- "$2")
fi
ci/setup.sh test >&2
ci/build.sh coverage fuzz_targets installed_tests edge_programs >&2

profiles=$build/profiles
rm -rf "$profiles"
mkdir -p "$profiles"

. ci/shared/cases.sh
# tell WHY FILE: as JUnit has it; nothing is why where all is well.
tell() {
  add_case coverage "lines $bar_lines %, branches $bar_branches %" "$SECONDS" "$1" < <(tail -n 50 "$2")
  write_cases coverage
}
fail() {
  tail -n 50 "$build/last.log" >&2
  tell "$1 failed" "$build/last.log"
  echo "ci/coverage.sh: $1 failed" >&2
  exit 1
}

# run GROUP PROGRAM ARGS...: the program's counts go to its group, and with them (%m) its children's, however these end: they
# count in a file that is mapped (%c). Its failure is another job's to tell, and yet none here that would count what was not
# reached.
objects=()
run() {
  local group=$1 program=$2
  shift 2
  objects+=("$program")
  LLVM_PROFILE_FILE=$profiles/$group/$(basename "$program")-%m%c.profraw "$program" "$@" </dev/null >"$build/last.log" 2>&1 ||
    fail "$program"
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
# They abort, fork and exec, and are held to what they say. The matrix is hundreds of processes for each of its programs, of
# which few reach what no other does.
ctest --test-dir "$build" -L '^edge$' -E '^matrix\.' -j "$(nproc)" --output-on-failure >"$build/last.log" 2>&1 ||
  fail "ctest -L edge"
for library in "$build"/lib/libtrestle{,-fast,-debug}.so; do objects+=("$library"); done

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
merged programs programs
merged together corpora properties units programs

binaries=("${objects[0]}")
for object in "${objects[@]:1}"; do binaries+=(-object "$object"); done
rm -rf "$html"/{corpora,properties,units,programs,together}  # and nothing else that may lie there
printf '%-12s%12s%12s%12s%12s\n' 'of lib/' functions lines regions branches
below=0
for name in corpora properties units programs together; do
  what=("${binaries[@]}" -instr-profile "$profiles/$name.profdata" -sources lib)
  # Templates differ between programs by what they were given, which is no fault of the counts: hence no warnings.
  llvm-cov-19 show -format=html -show-branches=count -output-dir="$html/$name" "${what[@]}" 2>"$build/last.log" ||
    fail llvm-cov-19
  bars=()
  [ "$name" != together ] || bars=("lines=$bar_lines" "branches=$bar_branches")
  llvm-cov-19 export -summary-only "${what[@]}" 2>"$build/last.log" |
    ci/coverage_row.py "$name" "${bars[@]}" 2>"$build/missed.log" || below=1
  cat "$build/missed.log" >&2
done
tell "$(head -1 "$build/missed.log")" "$build/missed.log"
echo "pages: $html/{corpora,properties,units,programs,together}/index.html"
exit $below
