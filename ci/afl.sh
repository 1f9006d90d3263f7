#!/usr/bin/env bash
# Builds the fuzz targets with AFL++ by the build.sh of OSS-Fuzz, and has it drive each: ci/afl.sh [--execs N] [--out DIR]
# Each begins with what is stored and ends after N executions (default 2000) at the earliest. What they
# find is taken away again; DIR, which is kept, gets what was built.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
execs=2000 out=
usage() {
  echo "ci/afl.sh: $1; usage: ci/afl.sh [--execs N] [--out DIR]" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage "'$1' is no option or lacks its value"
  case $1 in
    --execs) execs=$2 ;;
    --out) out=$2 ;;
    *) usage "unknown option '$1'" ;;
  esac
  shift 2
done
[[ $execs =~ ^[1-9][0-9]*$ ]] || usage "not a number of executions: '$execs'"
ci/setup.sh scale >&2

. ci/shared/oss_fuzz_kit.sh
lay_out "$out"
# As base-builder has it for this engine. afl-clang-fast puts AFL++'s driver in libFuzzer's place. Debian's is made for clang 14,
# which does not know enough of C++20; with the instrumentation that clang has itself it takes ours.
flags="-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=address
  -fsanitize-address-use-after-scope"
flags=$(echo $flags)
export AFL_CC=clang-19 AFL_CXX=clang++-19 AFL_LLVM_INSTRUMENT=LLVM-NATIVE
export CC=afl-clang-fast CXX=afl-clang-fast++ CFLAGS="$flags" CXXFLAGS="$flags" SANITIZER=address
export LIB_FUZZING_ENGINE=-fsanitize=fuzzer FUZZING_ENGINE=afl AFL_QUIET=1
build_targets

# No choice of the machine's is to be asked about or waited for, and no terminal drawn to.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_NO_COLOR=1

# stat NAME: what fuzzer_stats says of the last run.
stat_of() { sed -n "s/^$1 *: *//p" "$WORK/$2-found/default/fuzzer_stats" 2>/dev/null; }

run_target() {
  local target=$1 length done_ crashes hangs status=0
  unpack_seeds "$target" "$WORK/$target-seeds"
  length=$(sed -n 's/^max_len *= *//p' "$OUT/$target.options")
  (cd "$OUT" && afl-fuzz -i "$WORK/$target-seeds" -o "$WORK/$target-found" -m none -t 20000 -s 1 -E "$execs" \
    ${length:+-G "$length"} -- "./$target") >"$WORK/log" 2>&1 </dev/null || status=$?
  if [ $status -ne 0 ]; then
    grep -a -m 1 -A 20 'PROGRAM ABORT' "$WORK/log" >&2 || tail -n 30 "$WORK/log" >&2
    complain "$target: afl-fuzz ended with status $status" || return 0
  fi
  done_=$(stat_of execs_done "$target") crashes=$(stat_of saved_crashes "$target") hangs=$(stat_of saved_hangs "$target")
  [ "${done_:-0}" -ge "$execs" ] || complain "$target: afl-fuzz executed ${done_:-none}, not $execs" || return 0
  [ "$crashes$hangs" = 00 ] || complain "$target: $crashes inputs crash and $hangs hang" || return 0
  printf '%-16s%8d executions, %5d in the corpus, %s of edges\n' "$target" "$done_" "$(stat_of corpus_count "$target")" \
    "$(stat_of bitmap_cvg "$target")"
}

for_each_target run_target
