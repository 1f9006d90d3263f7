#!/usr/bin/env bash
# What `trestle fuzz`, `ops`, `props`, `bench` and `test` promise of harnesses that are installed, seen from outside:
# harness_test.sh TRESTLE LIBRARY_FROM_TOOL BUILT_BENCH. The harnesses are scripts here, which do as they are told: what they
# would find is not the tool's. Only a workload is a built one, since it has to say which malloc it runs on.
set -uo pipefail
trestle=${1:?usage: harness_test.sh TRESTLE LIBRARY_FROM_TOOL BUILT_BENCH}
built=${3:?}
here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset TRESTLE_CORPUS RC_PARAMS
. "$(dirname -- "$0")/expect.sh"

mkdir -p "$work/bin"
kit=$work/bin/${2:?}/trestle
mkdir -p "$kit/fuzz/corpus/heap_ops" "$kit/fuzz/regressions/heap_ops" "$kit/props"
kit=$(cd "$kit" && pwd)
cp "$trestle" "$work/bin/trestle"
trestle=$work/bin/trestle
cd "$work" || exit 1

program() { cat >"$1" && chmod +x "$1"; }
printf 'heap_ops\tops\tthe whole heap\noptions\tbytes\tan option string\n' >"$kit/fuzz/targets.txt"
# A target that prints its words and, asked by -seed=N, fails with status N as libFuzzer does.
program "$kit/fuzz/heap_ops" <<'END'
#!/bin/sh
echo "words: $*"
echo "in $PWD"
status=0
for word; do
  case $word in
    -artifact_prefix=*) prefix=${word#*=} ;;
    -seed=*) status=${word#*=} ;;
    */stored) cat "$word"/* >&2 ;;
  esac
done
[ $status -lt 2 ] || { echo input >"${prefix}crash-1"; echo "words: $*" >&2; }
echo "stat::number_of_executed_units: 1000" >&2
exit $((status == 1 ? 0 : status))
END
cp "$kit/fuzz/heap_ops" "$kit/fuzz/options"
program "$kit/fuzz/ops" <<'END'
#!/bin/sh
[ "$1" != fail ] || { echo "bad input" >&2; exit 3; }
echo "$1 of $2: $(cat "$3")"
END
program "$kit/props/trestle_props" <<'END'
#!/bin/sh
case $* in
  *--gtest_list_tests*) printf 'Heap.\n  IsSound\nBins.\n  Fit\n' ;;
  *) echo "[$RC_PARAMS] $*" ;;
esac
case " $RC_PARAMS " in
  *" seed=12 "*) exit 1 ;;
esac
END

expect "list" 0 '^heap_ops +the whole heap$' "" "$trestle" fuzz --list
expect "no target" 2 "" 'fuzz: no target given' "$trestle" fuzz
expect "unknown target" 2 "" "^trestle: fuzz: unknown target 'heap'; there are: heap_ops options\$" "$trestle" fuzz heap
for option in "--seconds 0" "--seconds -1" "--seconds x" "--seconds 1.5" "--jobs 0" "--jobs x" "--second 5"; do
  expect "fuzz $option" 2 "" "${option%% *}" "$trestle" fuzz heap_ops $option
done
expect "its words" 0 "^words: -print_final_stats=1 -timeout=20 -len_control=0 -max_len=512 -entropic=0 -artifact_prefix=$work/c-crashes/ \
-max_total_time=9 -runs=5 $work/c $kit/fuzz/corpus/heap_ops $kit/fuzz/regressions/heap_ops\$" 'number_of_executed' \
  "$trestle" fuzz heap_ops --corpus c --seconds 9 -- -runs=5
expect "the words of a target that takes no ops" 0 "^words: -print_final_stats=1 -timeout=20 -artifact_prefix=$work/found/options-crashes/ $work/found/options\$" . \
  "$trestle" fuzz options
expect "the environment's corpus" 0 "$work/mine/heap_ops-crashes/" . env "TRESTLE_CORPUS=$work/mine" "$trestle" fuzz heap_ops
[ -d "$work/mine/heap_ops" ] || complain "the environment's corpus" "no directory was made"
expect "jobs write their logs beside the crashes" 0 "^in $work/c-crashes\$" . "$trestle" fuzz heap_ops --corpus c --jobs 2
expect "jobs" 0 ' -jobs=2 -workers=2 ' . "$trestle" fuzz heap_ops --corpus c --jobs 2
expect "jobs and a space" 2 "" 'which a shell would change: .*/c d' "$trestle" fuzz heap_ops --corpus "c d" --jobs 2
expect "a corpus below a file" 125 "" '^trestle: cannot make /etc/passwd/c: Not a directory' \
  "$trestle" fuzz heap_ops --corpus /etc/passwd/c
expect "a corpus that takes no files" 125 "" '^trestle: cannot write to /proc/self: ' \
  "$trestle" fuzz heap_ops --corpus /proc/self
expect "artifacts that take no files" 125 "" '^trestle: cannot write to /proc/self: ' \
  "$trestle" fuzz heap_ops --artifacts /proc/self

expect "a crash" 77 "" "" sh -c '"$1" fuzz heap_ops --corpus c -- -seed=77 >/dev/null 2>"$2"' - "$trestle" "$work/said"
grep -q "input that fails: $work/c-crashes/crash-1\$" "$work/said" || complain "a crash" "is not told: $(cat "$work/said")"
for pair in .txt=show .min.txt=shrink; do
  [ "$(cat "c-crashes/crash-1${pair%=*}")" = "${pair#*=} of heap_ops: input" ] || complain "a crash" "no text in ${pair%=*}"
done
expect "an old crash is not told again" 0 . . "$trestle" fuzz heap_ops --corpus c
! grep -q 'input that fails' "$work/err" || complain "an old crash" "was told again"
expect "a crash of no ops" 77 . "input that fails: $work/c-crashes/crash-1\$" "$trestle" fuzz options --corpus c -- -seed=77
sed -i 's/^\[ "$1" != fail/[ "$1" = fail/' "$kit/fuzz/ops"
expect "ops fails" 77 . 'ops shrink .*crash-1 failed: bad input' "$trestle" fuzz heap_ops --corpus c -- -seed=77
sed -i 's/^\[ "$1" = fail/[ "$1" != fail/' "$kit/fuzz/ops"

expect "ops" 0 '^show of heap_ops: input$' "" "$trestle" ops show heap_ops c-crashes/crash-1
expect "status of ops" 3 "" '^bad input$' "$trestle" ops fail
mv "$kit/fuzz/ops" "$work/ops"
expect "no ops program" 127 "" "cannot run $kit/fuzz/ops: No such file" "$trestle" ops show
mv "$work/ops" "$kit/fuzz/ops"

expect "one round" 0 '^\[seed=5\] --gtest_brief=1$' 'round 1, seed 5' "$trestle" props --seed 5
expect "a round's parameters" 0 '^\[max_success=9 seed=5\]' . env RC_PARAMS="seed=1 max_success=9" "$trestle" props --seed 5
expect "chosen properties" 0 '^\[seed=5\] .*--gtest_filter=Heap\.IsSound:$' . "$trestle" props --seed 5 -R '^Heap'
expect "a failure" 1 . "^trestle: failed; the same again: trestle props --seed 12 -R '\.'\$" \
  "$trestle" props --seed 11 --minutes 5 -R .
grep -q 'round 2, seed 12' "$work/err" || complain "a failure" "is not the second round's: $(cat "$work/err")"
expect "a failure of the caller's parameters" 1 . \
  "^trestle: failed; the same again: RC_PARAMS='max_success=9' trestle props --seed 12\$" \
  env RC_PARAMS="max_success=9 seed=1" "$trestle" props --seed 12
expect "no such property" 2 "" "no test's name matches Slab" "$trestle" props -R Slab
expect "words for nobody" 2 "" 'props takes nothing after --: -R' "$trestle" props -- -R Heap
expect "no pattern" 2 "" 'not a regular expression: \(' "$trestle" props -R '('
for option in "--minutes 0" "--minutes -1" "--minutes x" "--seed x" "--seed -1"; do
  expect "props $option" 2 "" "${option% *}" "$trestle" props $option
done

expect "bench" 0 '^heap_ops fuzzing +[0-9]+ +[0-9]+ +[0-9]+$' 'round 2 of 2' "$trestle" bench harness --rounds 2
! grep -q '^heap_ops stored' "$work/out" || complain "bench" "measures what is not stored"
! grep -q '^options' "$work/out" || complain "bench" "measures a target that takes no ops"
for option in "--rounds 0" "--runs x"; do expect "bench $option" 2 "" "${option% *}" "$trestle" bench harness $option; done
echo seed >"$kit/fuzz/corpus/heap_ops/seed"
expect "bench of what is stored" 0 '^heap_ops stored +[0-9]+ +[0-9]+ +[0-9]+$' . "$trestle" bench harness --rounds 1 --runs 30
cp "$kit/fuzz/heap_ops" "$work/heap_ops"
sed -i 's/^    -seed=/    -runs=0) status=8 ;;\n    -seed=/' "$kit/fuzz/heap_ops"
expect "bench of a stored crash" 125 "" 'heap_ops failed with status 8' "$trestle" bench harness --rounds 1 --runs 3
[ "$(grep -c '^seed$' "$work/err")" = 3 ] || complain "bench of a stored crash" "does not run it thrice: $(cat "$work/err")"
mv "$work/heap_ops" "$kit/fuzz/heap_ops"
sed -i 's/^status=0/status=9/; s/-seed=\*) .*/-seed=*) ;;/' "$kit/fuzz/heap_ops"
expect "bench of a crash" 125 "" 'heap_ops failed with status 9' "$trestle" bench harness --rounds 1
grep -q '^words: .* -seed_inputs=@' "$work/err" || complain "bench" "does not start from the seeds: $(cat "$work/err")"
expect "bench from nothing" 125 "" '^words: .* -seed=1$' "$trestle" bench harness --rounds 1 --from-nothing
! grep -q -e -seed_inputs "$work/err" || complain "bench from nothing" "starts from the seeds: $(cat "$work/err")"

expect "installed tests" 1 '^FAILED fuzz.heap_ops$' "" "$trestle" test
grep -q "^words: -runs=0 .*-timeout=20 .*$kit/fuzz/corpus/heap_ops " "$work/out" ||
  complain "installed tests" "run a target otherwise: $(cat "$work/out")"
grep -q "^the input that fails: $work/found/heap_ops-crashes/crash-1\$" "$work/out" && [ -f found/heap_ops-crashes/crash-1 ] ||
  complain "installed tests" "keep no input: $(cat "$work/out")"
grep -q '^passed props.trestle_props$' "$work/out" || complain "installed tests" "lack the properties: $(cat "$work/out")"
grep -q '^1 passed, 1 failed$' "$work/out" || complain "installed tests" "are counted wrongly: $(cat "$work/out")"
expect "some installed tests" 0 '^1 passed, 0 failed$' "" "$trestle" test -R '^props'
expect "presets need sources" 2 "" '--preset and -j need' "$trestle" test --preset asan
for command in coverage container "bench pairs"; do
  expect "$command needs sources" 125 "" "^trestle: $command: Trestle's source directory is not above" "$trestle" $command
done
expect "bench needs sources or workloads" 125 "" \
  "^trestle: bench: Trestle's source directory is not above .*, and no workloads are installed in $kit/bench\$" "$trestle" bench
mkdir -p "$kit/bench/workloads"
cp "$built/workloads/calloc" "$kit/bench/workloads/"
cp "$built/libtrestle-bench-witness.so" "$kit/bench/"
cp -r "$(dirname -- "$here")/bench/programs" "$kit/bench/"
expect "installed workloads" 0 '^calloc +[0-9]+ ms +1\.00$' "^trestle: left out: kvstore: no $kit/bench/workloads/kvstore\$" \
  "$trestle" bench --workload '^(calloc|kvstore|perl)$' --allocator glibc --rounds 1 --work 1
grep -qE '^perl +[0-9]+ ms' "$work/out" || complain "installed workloads" "have no scripts: $(cat "$work/out")"
expect "an unknown engine" 2 "" '--engine: podman not in' "$trestle" container --engine podman
printf 'heap_ops\tpos\tthe whole heap\n' >"$kit/fuzz/targets.txt"
expect "a list that is none" 125 "" "line 1: kind 'pos' of heap_ops" "$trestle" fuzz --list
rm "$kit/fuzz/targets.txt"
expect "no list" 125 "" "cannot read $kit/fuzz/targets.txt" "$trestle" fuzz --list

for command in fuzz ops props bench "bench harness" "bench pairs" coverage container; do
  expect "help $command" 0 '^Examples?:$' "" "$trestle" $command --help
done
end
