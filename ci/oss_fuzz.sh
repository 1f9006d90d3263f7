#!/usr/bin/env bash
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite do, by their build.sh with their layout and flags, and sees that what
# they would take away is whole and runs: ci/oss_fuzz.sh [--runs N] [--out DIR]
# Each target runs its seeds and N inputs made of them (default 1000), from its own directory, with its own options. DIR, which
# is kept, gets what was built; without it all is taken away again.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
runs=1000 out=
usage() {
  echo "ci/oss_fuzz.sh: $1; usage: ci/oss_fuzz.sh [--runs N] [--out DIR]" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage "'$1' is no option or lacks its value"
  case $1 in
    --runs) runs=$2 ;;
    --out) out=$2 ;;
    *) usage "unknown option '$1'" ;;
  esac
  shift 2
done
[[ $runs =~ ^[1-9][0-9]*$ ]] || usage "not a number of runs: '$runs'"
ci/setup.sh scale >&2

. ci/shared/oss_fuzz_kit.sh
lay_out "$out"
# The flags are those that base-builder sets for AddressSanitizer and libFuzzer. Debian's libFuzzer, unlike theirs, is made for
# the other standard library.
flags="-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=address
  -fsanitize-address-use-after-scope -fsanitize=fuzzer-no-link"
flags=$(echo $flags)
export CC=clang-19 CXX=clang++-19 CFLAGS="$flags" CXXFLAGS="$flags -stdlib=libc++" SANITIZER=address
export LIB_FUZZING_ENGINE="-fsanitize=fuzzer -l:libstdc++.so.6" FUZZING_ENGINE=libfuzzer
build_targets

# The options as the command line has them: NAME = VALUE or NAME=VALUE below [libfuzzer].
options_of() {
  awk -F' *= *' '/^\[/ {ours = $0 == "[libfuzzer]"; next} ours && NF == 2 {print "-" $1 "=" $2}' "$OUT/$1.options"
}

run_target() {
  local target=$1 options seeds executed status=0
  mapfile -t options < <(options_of "$target")
  [ ${#options[@]} -gt 0 ] || complain "$target: $target.options has no option of libFuzzer's" || return 0
  unpack_seeds "$target" "$WORK/$target-seeds"
  mkdir -p "$WORK/$target-found"
  # All seeds are run first, and count.
  seeds=$(find "$WORK/$target-seeds" -type f | wc -l)
  (cd "$OUT" && ./"$target" "${options[@]}" -seed=1 -runs=$((seeds + runs)) -timeout=20 -artifact_prefix="$WORK/$target-" \
    -print_final_stats=1 "$WORK/$target-found" "$WORK/$target-seeds") >"$WORK/log" 2>&1 </dev/null || status=$?
  if [ $status -ne 0 ]; then
    tail -n 30 "$WORK/log" >&2
    complain "$target: ended with status $status" || return 0
  fi
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$WORK/log")
  [ "${executed:-0}" -ge $((seeds + runs)) ] ||
    complain "$target: ran ${executed:-no} inputs, not $((seeds + runs))" || return 0
  printf '%-16s%6d seeds%8d runs  %s\n' "$target" "$seeds" "$executed" "${options[*]}"
}

for_each_target run_target
