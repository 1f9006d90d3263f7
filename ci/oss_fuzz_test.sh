#!/usr/bin/env bash
# Shows that ci/oss_fuzz.sh and ci/afl.sh refuse what they are there to refuse, and what build.sh puts where. In a copy, where
# the build only writes down what it is told to: the targets are scripts, and so are cmake and afl-fuzz. Nothing is fuzzed.
set -uo pipefail
cd -- "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tools/expect.sh

mkdir -p "$work/source/ci/shared" "$work/source/.clusterfuzzlite" "$work/bin"
cp ci/oss_fuzz.sh ci/afl.sh "$work/source/ci/"
cp ci/shared/* "$work/source/ci/shared/"
cp .clusterfuzzlite/build.sh "$work/source/.clusterfuzzlite/"
cd "$work/source" || exit 1
program() { cat >"$1" && chmod +x "$1"; }
program ci/setup.sh <<<'#!/bin/sh'
mkdir -p fuzz/corpus/ops fuzz/regressions/ops fuzz/corpus/text
echo 1 >fuzz/corpus/ops/a; echo 2 >fuzz/corpus/ops/b; echo 3 >fuzz/regressions/ops/c; echo 4 >fuzz/corpus/text/d
printf 'function(fuzz_target name runs)\nfuzz_target(ops 10\n  DESCRIPTION "x")\nfuzz_target(text 5 BYTES\n' \
  >fuzz/CMakeLists.txt
# Makes the targets of a list, which say what they are asked for, and their options. What $PLANT says is then done to them.
program "$work/bin/cmake" <<'END'
#!/bin/sh
echo "cmake $*"
while [ $# -gt 1 ] && [ "$1" != -B ]; do shift; done
[ "$1" = -B ] || exit 0
mkdir -p "$2/fuzz" && cd "$2/fuzz" || exit 1
printf 'ops\tops\tx\ntext\tbytes\ty\n' >targets.txt
for name in ops text; do
  printf '[libfuzzer]\nmax_len=5\nentropic = 0\n[asan]\nx=1\n' >$name.options
  cat >$name <<'TARGET'
#!/bin/sh
echo "$PWD/$0 $*" >>"$SAID"
for word; do case $word in -runs=*) runs=${word#*=} ;; esac; done
[ "$FAILING" != "$0" ] || { echo "says why"; exit 77; }
[ "$LAZY" != "$0" ] || runs=2
echo "stat::number_of_executed_units: $runs"
TARGET
  chmod +x $name
done
eval "$PLANT"
END
program "$work/bin/afl-fuzz" <<'END'
#!/bin/sh
echo "$*" >>"$SAID"
while [ "$1" != -o ]; do shift; done
mkdir -p "$2/default"
[ "$FAILING" != afl ] || { echo "[-] PROGRAM ABORT : no instrumentation"; exit 1; }
printf 'execs_done        : %s\nsaved_crashes     : %s\nsaved_hangs       : 0\n' "${DONE:-20}" "${CRASHES:-0}" \
  >"$2/default/fuzzer_stats"
END
export SAID=$work/said
# with VARIABLE=VALUE... SCRIPT WORDS...
with() { : >"$SAID" && env PATH="$work/bin:$PATH" "$@"; }
said() { grep -qE -- "$2" "$SAID" || complain "$1" "not '$2' was run: $(cat "$SAID")"; }

expect "all there" 0 '^ops +3 seeds +13 runs  -max_len=5 -entropic=0$' "" with ci/oss_fuzz.sh --runs 10 --out "$work/kept"
said "all there" "^$work/kept/./ops -max_len=5 -entropic=0 -seed=1 -runs=13 "
said "all there" "^$work/kept/./text .* -runs=11 "
packed=$(unzip -Z1 "$work/kept/ops_seed_corpus.zip" | grep -v '/$' | sort | tr '\n' ' ')
[ "$packed" = "corpus/ops/a corpus/ops/b regressions/ops/c " ] || complain "the seeds" "are: $packed"
touch fuzz/corpus/ops/e
told() { says build/junit/oss_fuzz.xml "$@"; }
told 'count(//testcase[@classname="oss_fuzz"])' 2
told 'count(//failure)' 0
expect "packed anew" 0 '^ops +4 seeds' "" with ci/oss_fuzz.sh --runs 10 --out "$work/kept"
rm fuzz/corpus/ops/e
expect "packed anew" 0 '^ops +3 seeds' "" with ci/oss_fuzz.sh --runs 10 --out "$work/kept"

# refuses TEXT VARIABLE=VALUE...: and the other target runs all the same.
refuses() {
  expect "$1" 1 '^text +1 seeds' "^ci/oss_fuzz.sh: $1\$" with "${@:2}" ci/oss_fuzz.sh --runs 10
  told "contains(//testcase[1]/failure/@message, \"$1\")" true
  told 'count(//testcase[2]/failure)' 0
}
refuses 'ops: no ops in OUT' 'PLANT=sed -i /^ops/d targets.txt'
refuses 'ops: no ops_seed_corpus.zip in OUT' 'PLANT=sed -i /^ops/d targets.txt'
refuses 'ops: no ops.options in OUT' 'PLANT=: >ops.options'
refuses 'ops: ops cannot be executed' 'PLANT=chmod -x ops'
refuses "ops: ops.options has no option of libFuzzer's" 'PLANT=echo [asan] >ops.options'
refuses 'ops: ended with status 77' FAILING=./ops
refuses 'ops: ran 2 inputs, not 13' LAZY=./ops
sed -i 's/for kind in corpus regressions/for kind in corpus/' .clusterfuzzlite/build.sh
refuses 'ops: ops_seed_corpus.zip holds 2 of 3 stored inputs'
sed -i 's/for kind in corpus/for kind in corpus regressions/' .clusterfuzzlite/build.sh
expect "a build that fails" 1 "" '^ci/oss_fuzz.sh: .clusterfuzzlite/build.sh failed$' with PLANT=false ci/oss_fuzz.sh
expect "no targets" 1 "" 'no fuzz_target in' with sh -c 'mv fuzz/CMakeLists.txt x; : >fuzz/CMakeLists.txt
  ci/oss_fuzz.sh; status=$?; mv x fuzz/CMakeLists.txt; exit $status'

expect "AFL++" 0 '^ops +20 executions' "" with ci/afl.sh --execs 20
said "AFL++" ' -E 20 -G 5 -- ./ops$'
expect "AFL++ that refuses" 1 "" 'PROGRAM ABORT : no instrumentation' with FAILING=afl ci/afl.sh --execs 20
grep -q '^ci/afl.sh: text: afl-fuzz ended with status 1$' "$work/err" || complain "AFL++ that refuses" "names no target"
expect "AFL++ that ends early" 1 "" '^ci/afl.sh: ops: afl-fuzz executed 19, not 20$' with DONE=19 ci/afl.sh --execs 20
expect "a crash under AFL++" 1 "" '^ci/afl.sh: ops: 3 inputs crash and 0 hang$' with CRASHES=3 ci/afl.sh --execs 20
for script in "oss_fuzz.sh --runs" "afl.sh --execs"; do
  expect "$script 0" 2 "" "not a number of .*: '0'" ci/$script 0
  expect "$script" 2 "" 'lacks its value' ci/$script
done
end
