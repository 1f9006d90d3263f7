#!/usr/bin/env bash
# Runs clang-tidy over the sources as clang builds them: ci/tidy.sh [REGEX]; the regex chooses files.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
regex=${1-$PWD/(lib|fuzz|props|tools|bench|trace)/}
ci/setup.sh test
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
  run-clang-tidy-19 -quiet -p "build/$1" -j "$(nproc)" -warnings-as-errors='*' "${files[@]}" || status=1
}
tidy tidy
tidy tidy-release tidy
[ $count -gt 0 ] || {
  echo "ci/tidy.sh: no source matches $regex" >&2
  exit 2
}
exit $status
