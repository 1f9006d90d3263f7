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

# As XML has it: no control characters, and nothing that is not UTF-8.
escaped() {
  iconv -c -f UTF-8 -t UTF-8 | LC_ALL=C tr -d '\000-\010\013-\037\177' |
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'
}

# testcase TARGET STATUS SECONDS: what failed is told by the lines that name inputs, or by the last ones where none does.
testcase() {
  local name
  name=$(escaped <<<"$1")
  echo "  <testcase classname=\"fuzz\" name=\"$name\" time=\"$3\">"
  if [ "$2" -ne 0 ]; then
    echo "    <failure message=\"exit status $2\">"
    { grep -a '^trestle: the input that fails: ' "$work/log" || tail -n 20 "$work/log"; } | escaped
    echo "    </failure>"
  fi
  echo "  </testcase>"
}

failed=() count=0
# The list first: a pipe would hide its failure.
list=$(./trestle fuzz --list)
while read -r target _; do
  started=$SECONDS status=0
  ./trestle fuzz "$target" --seconds "$seconds" </dev/null 2>&1 | tee "$work/log" || status=$?
  [ "$status" -eq 0 ] || failed+=("$target")
  count=$((count + 1))
  testcase "$target" "$status" $((SECONDS - started)) >>"$work/cases"
done <<<"$list"

mkdir -p build/junit
{
  echo '<?xml version="1.0" encoding="UTF-8"?>'
  echo "<testsuite name=\"fuzz\" tests=\"$count\" failures=\"${#failed[@]}\" time=\"$SECONDS\">"
  cat "$work/cases"
  echo '</testsuite>'
} >build/junit/fuzz.xml
[ ${#failed[@]} -eq 0 ] || {
  echo "ci/fuzz.sh: these failed: ${failed[*]}; their inputs are in ${TRESTLE_CORPUS:-build/fuzz/found}" >&2
  exit 1
}
