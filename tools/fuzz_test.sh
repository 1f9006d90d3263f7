#!/usr/bin/env bash
# What `trestle fuzz` makes of several inputs that fail, in fork mode and at a merge, seen from outside: fuzz_test.sh TRESTLE
# LIBRARY_FROM_TOOL. The target is a script that finds, and fails on, what it is told to: libFuzzer's part is not the tool's.
set -uo pipefail
trestle=${1:?usage: fuzz_test.sh TRESTLE LIBRARY_FROM_TOOL}
here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TRESTLE_CORPUS
. "$here/expect.sh"

mkdir -p "$work/bin"
kit=$work/bin/${2:?}/trestle
mkdir -p "$kit/fuzz"
cp "$trestle" "$work/bin/trestle"
trestle=$work/bin/trestle
cd "$work" || exit 1

program() { cat >"$1" && chmod +x "$1"; }
printf 'heap_ops\tops\tthe whole heap\noptions\tbytes\tan option string\n' >"$kit/fuzz/targets.txt"
# Finds the inputs of $FOUND, NAME=CONTENTS each. On an input alone it reports its contents' failure: KIND.FUNCTION.
program "$kit/fuzz/heap_ops" <<'END'
#!/bin/sh
for word; do
  case $word in
    -artifact_prefix=*) prefix=${word#*=} ;;
    -merge=1) merge=yes ;;
  esac
  before=$last last=$word
done
echo "$*" >>"$SAID"
if [ "${merge-}" ]; then
  cp "$last/a" "$before/half"
  [ "$MERGE" != killed ] || kill -KILL $$
  [ "$MERGE" != nothing ] || rm "$before/half"
  [ "$MERGE" != fails ] || exit 1
  exit 0
fi
if [ -f "$last" ]; then
  said=$(cat "$last")
  [ "$said" != sound ] || exit 0
  echo "ERROR: ${said%.*} (at 0x$$)" >&2
  printf '    #0 0x1 in __abort /x\n    #1 0x%s in %s /y.cpp:%s\n' $$ "${said#*.}" $$ >&2
  exit 77
fi
for found in $FOUND; do echo "${found#*=}" >"$prefix${found%=*}"; done
exit "${STATUS-0}"
END
cp "$kit/fuzz/heap_ops" "$kit/fuzz/options"
program "$kit/fuzz/ops" <<'END'
#!/bin/sh
echo "$1 of $2: $(cat "$3")"
[ "$1" != shrink ] || [ "$SHRINKS" != no ] || exit 1
[ "${4-}" != -o ] || echo "small $(cat "$3")" >"$5"
END
export SAID=$work/words SHRINKS=yes MERGE=works
# with VARIABLE=VALUE... WORDS...: fuzz, in a corpus of its own.
with() {
  local settings=()
  while [[ ${1-} == *=* ]]; do settings+=("$1") && shift; done
  rm -rf c c-crashes kept "$SAID"
  mkdir c && echo 1 >c/a && echo 2 >c/b
  env "${settings[@]}" "$trestle" fuzz "${target-heap_ops}" --corpus c "$@"
}
# is NAME FILE CONTENTS
is() { [ "$(cat "$2" 2>&1)" = "$3" ] || complain "$1" "$2 is '$(cat "$2" 2>&1)', not '$3'"; }
err_has() { grep -qE -- "$2" "$work/err" || complain "$1" "stderr is not '$2': $(cat "$work/err")"; }

expect "fork mode" 0 "" "" with --fork --jobs 3
grep -q ' -fork=3 -ignore_crashes=1 ' "$SAID" && ! grep -q -- '-jobs' "$SAID" || complain "fork mode" "is: $(cat "$SAID")"
expect "fork mode of one" 0 "" "" with --fork
grep -q ' -fork=1 -ignore_crashes=1 ' "$SAID" || complain "fork mode of one" "is: $(cat "$SAID")"
expect "fork mode and a space" 2 "" '--fork cannot be used with this' "$trestle" fuzz heap_ops --corpus "c d" --fork
expect "a crash in fork mode" 77 "" 'input that fails' with FOUND=crash-1=tail.f --fork
expect "a status of fork mode's own" 71 "" 'input that fails' with FOUND=oom-1=tail.f STATUS=71 --fork

many="crash-1=tail.f crash-2=tail.g crash-3=tail.f crash-4=head.f crash-5=sound crash-6=sound timeout-7=x timeout-8=y"
expect "many crashes" 77 "" "^trestle: fails alike: $work/c-crashes/crash-3\$" with "FOUND=$many" --fork
[ "$(grep -c 'the input that fails: ' "$work/err")" -eq 6 ] || complain "many crashes" "groups are: $(cat "$work/err")"
err_has "many crashes" '^trestle: tail in f$'
err_has "many crashes" '^trestle: tail in g$'
err_has "many crashes" '^trestle: head in f$'
err_has "many crashes" "^trestle: fails alike: $work/c-crashes/timeout-8\$"
[ "$(grep -c 'it does not fail again' "$work/err")" -eq 2 ] || complain "many crashes" "sound ones are taken for one"
is "many crashes" c-crashes/crash-1.min.txt "shrink of heap_ops: tail.f"
[ ! -e c-crashes/crash-3.txt ] || complain "many crashes" "describes two that fail alike"
[ ! -e c-crashes/timeout-7.min.txt ] || complain "many crashes" "shrinks a hang"
[ "$(grep -c "c-crashes/crash-1\$" "$SAID")" -eq 1 ] || complain "many crashes" "are not run once: $(cat "$SAID")"

expect "regressions" 77 "" "^trestle: kept as $work/kept/heap_ops/tail-beef1234\$" \
  with "FOUND=crash-beef123456=tail.f crash-feed=tail.f timeout-7=x" --fork --regressions kept
is "regressions" kept/heap_ops/tail-beef1234 "small tail.f"
is "regressions" kept/heap_ops/timeout-7 x
[ "$(ls kept/heap_ops)" = "$(printf 'tail-beef1234\ntimeout-7')" ] || complain "regressions" "are: $(ls -a kept/heap_ops)"
expect "a regression that does not shrink" 77 "" 'ops shrink .* failed' \
  with FOUND=crash-1=tail.f SHRINKS=no --fork --regressions kept
is "a regression that does not shrink" kept/heap_ops/tail-1 tail.f
target=options
expect "a regression of no ops" 77 "" '^trestle: kept as ' with FOUND=crash-1=tail.f --fork --regressions kept
is "a regression of no ops" kept/options/tail-1 tail.f
unset target
expect "regressions that cannot be kept" 125 "" '^trestle: cannot make /etc/passwd/kept: ' with --regressions /etc/passwd/kept
[ ! -e "$SAID" ] || complain "regressions that cannot be kept" "are told after the run"

expect "a merge" 0 "" "^trestle: $work/c: 2 inputs before the merge, 1 after it\$" with --merge
grep -qE -- "-max_len=512 .* -merge=1 $work/c.merging-[^ ]+ $work/c\$" "$SAID" || complain "a merge" "is: $(cat "$SAID")"
[ "$(ls c)" = half ] || complain "a merge" "leaves: $(ls c)"
expect "a merge after a crash" 77 "" '1 after it$' with FOUND=crash-1=tail.f STATUS=77 --merge
for how in "fails the merge failed" "nothing the merge kept nothing" "killed the merge failed"; do
  expect "a merge: $how" 125 "" "^trestle: ${how#* }; $work/c is as it was\$" with MERGE=${how%% *} --merge
  [ "$(ls c | tr '\n' ' ')" = "a b " ] || complain "a merge: $how" "leaves: $(ls c)"
  [ -z "$(ls -d c.merging-* 2>/dev/null)" ] || complain "a merge: $how" "leaves its directory"
done
expect "a merge and a space" 2 "" '--merge cannot be used with this' "$trestle" fuzz heap_ops --corpus "c d" --merge
# The tool itself killed half way: what was there still is.
rm -rf c && mkdir c && echo 1 >c/a && echo 2 >c/b
sed -i 's/^  \[ "\$MERGE" != killed \].*/  [ "$MERGE" != killed ] || kill -KILL $PPID/' "$kit/fuzz/heap_ops"
(MERGE=killed "$trestle" fuzz heap_ops --corpus c --merge; true) >/dev/null 2>&1
[ "$(ls c | tr '\n' ' ')" = "a b " ] || complain "a tool that is killed" "leaves: $(ls c)"
end
