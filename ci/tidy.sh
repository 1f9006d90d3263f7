#!/usr/bin/env bash
# Runs clang-tidy over the sources as clang builds them: ci/tidy.sh [REGEX]; the regex chooses files.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
regex=${1-$PWD/(lib|fuzz|props|tools|bench|trace|conform)/}
ci/setup.sh test
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Under a sanitizer malloc is not ours to take: the shim, and what runs on it, is in the other tree only. The trees are their
# own: what they are configured with is no build's.
for tree in tidy=asan tidy-release=clang-release; do
  cmake --preset "${tree#*=}" -B "build/${tree%=*}" -DTRESTLE_BUILD_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
done

# new_files TREE OTHER...: the sources that the regex chooses in TREE and that are in no OTHER, as regexes.
new_files() {
  /usr/bin/python3 - "$regex" "$@" <<'PROGRAM'
import json, re, sys
pattern, *trees = sys.argv[1:]
tree, *others = ({entry["file"] for entry in json.load(open(f"build/{name}/compile_commands.json"))} for name in trees)
for file in sorted(tree.difference(*others)):
    if re.search(pattern, file):
        print(f"^{re.escape(file)}$")
PROGRAM
}

status=0 count=0
# tidy TREE OTHER...
tidy() {
  local list files
  list=$(new_files "$@")
  mapfile -t files < <(printf '%s' "$list")
  [ ${#files[@]} -gt 0 ] || return 0
  count=$((count + ${#files[@]}))
  run-clang-tidy-19 -quiet -p "build/$1" -j "$(nproc)" -warnings-as-errors='*' "${files[@]}" 2>&1 | tee -a "$log" || status=1
}
# One for each source, and each header, of which something is said.
tell() {
  local file why=
  while IFS= read -r file; do
    why="see the others"
    add_case tidy "${file#"$PWD/"}" 0 "it is not tidy" < <(grep -F "$file:" "$log")
  done < <(sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: (warning|error): .*/\1/p' "$log" | sort -u)
  [ $status -eq 0 ] || why=${why:-"run-clang-tidy-19 failed"}
  add_case tidy "$count sources" "$SECONDS" "$why" <"$log"
  write_cases tidy
}
tidy tidy
tidy tidy-release tidy
[ $count -gt 0 ] || {
  echo "ci/tidy.sh: no source matches $regex" >&2
  exit 2
}
. ci/shared/cases.sh
tell
exit $status
