#!/usr/bin/env bash
# What `trestle conform` promises, seen from outside: conform_test.sh TRESTLE, whose build tree holds the cases, WITHOUT_A_BUG,
# WITH_A_BUG, two libraries of props/broken: none and calloc_overflow.
set -uo pipefail
trestle=${1:?usage: conform_test.sh TRESTLE WITHOUT_A_BUG WITH_A_BUG}
sound=${2:?} broken=${3:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS
. "$(dirname -- "$0")/../expect.sh"
echo 'int nothing;' | cc -shared -fPIC -x c -o "$work/none.so" -
echo 'int malloc(void) { __builtin_trap(); }' | cc -shared -fPIC -w -x c -o "$work/trap.so" -
conform=("$trestle" conform --as-built)

expect "list" 0 '^misuse +double_free\.small +double free: 48 bytes, at once$' "" "${conform[@]}" --list
expect "no library" 2 "" 'conform: no library is named' "${conform[@]}"
expect "no such file" 2 "" 'conform: no file /no/such\.so$' "${conform[@]}" /no/such.so
expect "no library at all" 2 "" 'conform: not a 64-bit shared library: /etc/passwd' "${conform[@]}" /etc/passwd
expect "no name" 2 "" "conform: no name before '=': =$sound" "${conform[@]}" "=$sound"
expect "a name twice" 2 "" 'conform: two libraries are called a;' "${conform[@]}" "a=$sound" "a=$broken"
expect "a library without a malloc" 2 "" "conform: none\.so \($work/none\.so\) is not at work: malloc is that of .*libc" \
  "${conform[@]}" "$work/none.so"
expect "a library that lets nothing run" 2 "" "trap\.so \($work/trap\.so\) lets no program run" "${conform[@]}" "$work/trap.so"
expect "no such case" 2 "" "no case's name matches nope; --list names them" "${conform[@]}" "$sound" --case nope
expect "no regular expression" 2 "" 'not a regular expression: \(' "${conform[@]}" "$sound" --case '('
expect "no limit" 2 "" '--limit' "${conform[@]}" "$sound" --limit 0
expect "a file that cannot be written" 125 "" "^trestle: cannot write to $work/no/a.html\$" \
  "${conform[@]}" "$sound" --case malloc.zero --html "$work/no/a.html"
expect "nothing after --" 2 "" 'conform takes nothing after --' "${conform[@]}" -- x

expect "a library without a bug" 0 '^sound +3/3 ' "3 cases on sound" "${conform[@]}" "sound=$sound" --case '^calloc\.[fuo]'
expect "a bug" 1 '^  broken: calloc\.overflow: .*that does not fit, gave 0x' "wrote $work/a.sarif" "${conform[@]}" \
  "sound=$sound" "broken=$broken" --case '^calloc|free_sized|malloc\.zero|double_free.small' \
  --json "$work/a.json" --html "$work/a.html" --junit "$work/a.xml" --sarif "$work/a.sarif"
grep -qE '^  malloc\(0\): sound a block, broken a block$' "$work/out" || complain "a bug" "tells no choice: $(cat "$work/out")"
xmllint --noout "$work/a.html" || complain "the page" "is not well-formed"
xmllint --noout "$work/a.xml" || complain "the JUnit file" "is not well-formed"
! grep -q '<script' "$work/a.html" || complain "the page" "has a script"
/usr/bin/python3 - "$work" <<'PROGRAM' || complain "the files" "do not hold what they should"
import json, sys, xml.etree.ElementTree as tree
work = sys.argv[1]
libraries = {one["name"]: one for one in json.load(open(work + "/a.json"))["libraries"]}
verdicts = {result["case"]: result["verdict"] for result in libraries["broken"]["results"]}
assert verdicts["calloc.overflow"] == "violated" and verdicts["calloc.fresh"] == "passed", verdicts
assert libraries["sound"]["score"] > libraries["broken"]["score"]
suites = {suite.get("name"): suite for suite in tree.parse(work + "/a.xml").getroot()}
assert suites["sound"].get("failures") == "0" and suites["broken"].get("failures") == "1"
assert suites["broken"].get("skipped") == "1" and suites["broken"].get("tests") == str(len(verdicts))
failed = [test for test in suites["broken"] if test.find("failure") is not None]
assert [test.get("name") for test in failed] == ["calloc.overflow"]
run = json.load(open(work + "/a.sarif"))["runs"][0]
assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["calloc.overflow"]
assert len(run["results"]) == 1 and run["results"][0]["properties"]["library"] == "broken"
assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
PROGRAM
end
