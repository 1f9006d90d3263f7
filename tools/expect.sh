# What the tests of the tool's promises share; sourced, after $work is an empty directory.
failures=0

# expect NAME STATUS OUT-PATTERN ERR-PATTERN COMMAND...: patterns are extended regular expressions; "" is for nothing at all.
expect() {
  local name=$1 status=$2 out=$3 err=$4 got
  shift 4
  "$@" >"$work/out" 2>"$work/err" </dev/null
  got=$?
  [ $got -eq "$status" ] || complain "$name" "exit status $got, not $status"
  matches "$work/out" "$out" || complain "$name" "stdout is not '$out': $(cat "$work/out")"
  matches "$work/err" "$err" || complain "$name" "stderr is not '$err': $(cat "$work/err")"
}
matches() { if [ -z "$2" ]; then [ ! -s "$1" ]; else grep -qE -- "$2" "$1"; fi; }
# says FILE XPATH WANTED: what a file of XML says.
says() {
  local found
  found=$(xmllint --xpath "$2" "$1" 2>&1)
  [ "$found" = "$3" ] || complain "${1##*/}" "$2 is '$found', not '$3'"
}
complain() {
  echo "$1: $2"
  failures=$((failures + 1))
}
end() {
  [ $failures -eq 0 ] && echo "all as promised"
  exit $((failures > 0))
}
