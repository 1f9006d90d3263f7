#!/usr/bin/env bash
# That `trestle conform` finds the bug of each small broken allocator, by all cases that its second line names, and by no other,
# but for those that a third line says the damage may reach; and nothing in the one without a bug:
# broken_test.sh TRESTLE SOURCES LIBRARIES
set -uo pipefail
trestle=${1:?usage: broken_test.sh TRESTLE SOURCES LIBRARIES}
sources=${2:?} libraries=${3:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname -- "$0")/../expect.sh"

# A lock that stays taken is only seen by the deadline, which is short where it is waited for.
examine() {
  local how=(--limit 60)
  [[ $1 != */fork_lock.so ]] || how=(--limit 15 --case '^fork')
  "$trestle" conform --as-built "$1" "${how[@]}" --area conformance --area ops --area robustness --json "$work/out.json" \
    >"$work/out" 2>"$work/err"
}
violated() {
  /usr/bin/python3 - "$work/out.json" <<'PROGRAM'
import json, sys
for result in json.load(open(sys.argv[1]))["libraries"][0]["results"]:
    if result["verdict"] == "violated":
        print(result["case"])
PROGRAM
}
# program_of CASE: what it found, as C.
program_of() {
  /usr/bin/python3 - "$work/out.json" "$1" <<'PROGRAM'
import json, sys
for result in json.load(open(sys.argv[1]))["libraries"][0]["results"]:
    if result["case"] == sys.argv[2]:
        print(result["program"])
PROGRAM
}

count=0
for source in "$sources"/*.c; do
  name=$(basename "$source" .c)
  wanted=$(sed -n '2s|^/[*] finds: \(.*\) [*]/$|\1|p' "$source")
  [ -n "$wanted" ] || complain "$name" "its second line does not say which cases find its bug"
  [ "$wanted" != nothing ] || wanted=
  examine "$libraries/$name.so"
  status=$?
  [ $status -eq $([ -z "$wanted" ] && echo 0 || echo 1) ] || complain "$name" "exit status $status: $(cat "$work/err")"
  found=$(violated | xargs)
  may=$(sed -n '3s|^/[*] may: \(.*\) [*]/$|\1|p' "$source")
  for case in $wanted; do
    [[ " $found " == *" $case "* ]] || complain "$name" "not found by $case: $(cat "$work/out")"
  done
  for case in $found; do
    [[ " $wanted $may " == *" $case "* ]] || complain "$name" "found by $case too: $(cat "$work/out")"
  done
  count=$((count + 1))

  # What the op programs found is a C program each: it fails on this library, and not on one without the bug.
  for case in ops.programs ops.threads; do
    [[ " $wanted " == *" $case "* ]] || continue
    program_of "$case" >"$work/$name.c"
    cc -fno-builtin -pthread -w -o "$work/$name" "$work/$name.c" || complain "$name" "its program of $case does not compile"
    env LD_PRELOAD="$libraries/$name.so" "$work/$name" >"$work/said" 2>&1
    [[ $? =~ ^(1|134|139)$ ]] || complain "$name" "its program of $case shows nothing: $(cat "$work/said")"
    expect "$name: its program of $case on a malloc without the bug" 0 '^nothing is wrong$' "" \
      env LD_PRELOAD="$libraries/none.so" "$work/$name"
    [[ $case = ops.programs ]] || [[ " $wanted " == *" ops.programs "* ]] || grep -q 'pthread_create' "$work/$name.c" ||
      complain "$name" "only several threads find it, and its program has one"
  done
done
[ $count -ge 14 ] || complain "broken allocators" "only $count"
end
