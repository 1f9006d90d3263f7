#!/usr/bin/env bash
# bench/golden.py refuses a file with two other figures, each by its own line and with status 1: golden_test.sh BUILD OTHER
# OTHER is the file that is made for it. Status 77: this machine cannot count.
set -uo pipefail
here=$(cd -- "$(dirname -- "$0")" && pwd)
build=$1 other=$2
sed 's/^\(fast *malloc *16 *\)[0-9]*/\11/; s/^\(hardened *step *\)[0-9]*/\1400/' "$here/golden.txt" >"$other" || exit 2
/usr/bin/python3 "$here/golden.py" "$build" --golden "$other" >"$other.told"
status=$?
[ $status -ne 77 ] || exit 77
[ $status -eq 1 ] && grep -q '^-fast *malloc *16 *1 ' "$other.told" && grep -q '^-hardened *step *400$' "$other.told" &&
  ! grep -q '^[-+]fast *step' "$other.told"
