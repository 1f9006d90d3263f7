#!/usr/bin/env bash
# What `trestle report` promises, seen from outside, on reports that a library really wrote: report_test.sh TRESTLE LIBRARY CC
set -uo pipefail
trestle=${1:?usage: report_test.sh TRESTLE LIBRARY CC}
library=${2:?}
compiler=${3:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TRESTLE_OPTIONS
. "$(dirname -- "$0")/expect.sh"
cd "$work" || exit 1

cat >twice.c <<'END'
#include <stdlib.h>
void *volatile kept;
int main(void) {
  kept = malloc(20);
  free(kept);
  free(kept);
}
END
"$compiler" -g -O1 -fno-builtin twice.c -o twice || exit 1
for run in 1 2; do
  (ulimit -c 0; TRESTLE_OPTIONS=report=json:$work/reports LD_PRELOAD=$library ./twice 2>"printed.$run")
done 2>/dev/null  # where the shell says that it aborted
[ "$(wc -l <reports)" = 2 ] || complain "two processes" "they left $(wc -l <reports) reports"

expect "text" 0 '^==[0-9]+==ERROR: trestle: double free in free\(0x[0-9a-f]+\)$' "" "$trestle" report reports
expect "line" 0 "^    #0 0x[0-9a-f]+ in main .*/twice.c:6 \\($work/twice\\+0x[0-9a-f]+\\)$" "" "$trestle" report reports
# But for the bytes, and the program's path, it is what was printed.
told=$("$trestle" report reports | sed 's/, program .*//')
printed=$(cat printed.1 printed.2 | grep -v -e '^    0x' -e '^  bytes around')
[ "$told" = "$printed" ] || complain "as printed" "$(diff <(echo "$told") <(echo "$printed"))"

"$trestle" report --sarif reports >sarif || complain "sarif" "exit status $?"
python3 -I -S - sarif "$work" <<'END' || complain "sarif" "it is another"
import json, sys
sarif = json.load(open(sys.argv[1]))
results = sarif["runs"][0]["results"]
assert sarif["version"] == "2.1.0" and len(results) == 2, sarif
place = results[0]["locations"][0]["physicalLocation"]
assert place == {"artifactLocation": {"uri": f"file://{sys.argv[2]}/twice.c"}, "region": {"startLine": 6}}, place
END

expect "stdin" 0 "^==[0-9]+==ERROR: trestle: double free" "" sh -c "\"\$0\" report - <reports" "$trestle"
expect "several files" 0 '"ruleId": "double-free"' "" "$trestle" report --sarif reports reports
: >none
expect "no reports" 0 "" "" "$trestle" report none
expect "no reports as sarif" 0 '"results": \[\]' "" "$trestle" report --sarif none
head -c 300 reports >cut
expect "cut off" 1 "" '^trestle: cut:1: no report: \{"severity"' "$trestle" report cut
cat reports cut >both
expect "a whole one and a part" 1 "" '^trestle: both:3: no report: ' "$trestle" report both
expect "no such file" 1 "" '^trestle: cannot open nowhere$' "$trestle" report nowhere
expect "a folder" 1 "" '^trestle: cannot read \.$' "$trestle" report .
expect "no file named" 2 "" 'FILE is required' "$trestle" report
expect "unknown option" 2 "" '--sarf' "$trestle" report --sarf reports
expect "after the dashes" 2 "" '^trestle: report takes nothing after --: x$' "$trestle" report reports -- x
expect "full disk" 125 "" 'cannot write to stdout' sh -c '"$0" report reports >/dev/full' "$trestle"
end
