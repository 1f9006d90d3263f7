#!/usr/bin/env bash
# Prints what a malloc/free pair costs, glibc's and each library's side by side: bench/pairs.sh [ROUNDS] [REGEX] [BUILD_DIR]
# CPU time in nanoseconds, the median of ROUNDS runs (default 5). The libraries take turns within a round, so that a machine
# that slows down slows all of them. Build the release preset with its tests first (ci/build.sh release).
set -euo pipefail
rounds=${1-5} pattern=${2-.} build=${3-$(dirname -- "$0")/../build/release}
program=$build/bench/pairs
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { echo "bench/pairs.sh: ROUNDS is not a number: $rounds" >&2 && exit 2; }
[ -x "$program" ] || { echo "bench/pairs.sh: no $program: build the release preset first" >&2 && exit 1; }
lib=$(cd -- "$build" && pwd)/lib
heaps=(glibc fast hardened debug)
declare -A library=([glibc]='' [fast]=$lib/libtrestle-fast.so [hardened]=$lib/libtrestle.so [debug]=$lib/libtrestle-debug.so)
for heap in fast hardened debug; do
  [ -f "${library[$heap]}" ] || { echo "bench/pairs.sh: no ${library[$heap]}" >&2 && exit 1; }
done

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for heap in "${heaps[@]}"; do
    # Lines: heap, benchmark, nanoseconds of CPU.
    LD_PRELOAD=${library[$heap]} TRESTLE_OPTIONS=check_at_exit=0 "$program" --benchmark_filter="$pattern" \
      --benchmark_min_time=0.1 --benchmark_format=csv 2>/dev/null |
      awk -F, -v heap="$heap" '/^"/ {gsub(/"/, "", $1); print heap, $1, $4}' >>"$results"
  done
done

awk -v heaps="${heaps[*]}" '
  {key = $1 SUBSEP $2; value[key, ++count[key]] = $3 + 0; if (!($2 in seen)) {seen[$2] = 1; order[++names] = $2}}
  function median(key, n, i, j, t) {
    n = count[key]
    for (i = 2; i <= n; i++) for (j = i; j > 1 && value[key, j] < value[key, j - 1]; j--) {
      t = value[key, j]; value[key, j] = value[key, j - 1]; value[key, j - 1] = t
    }
    return n % 2 ? value[key, (n + 1) / 2] : (value[key, n / 2] + value[key, n / 2 + 1]) / 2
  }
  END {
    columns = split(heaps, heap, " ")
    printf "%-18s", "ns"
    for (c = 1; c <= columns; c++) printf "%12s", heap[c]
    print ""
    for (r = 1; r <= names; r++) {
      printf "%-18s", order[r]
      for (c = 1; c <= columns; c++) printf "%12.1f", median(heap[c] SUBSEP order[r])
      print ""
    }
    if (names == 0) {print "no benchmark matches" > "/dev/stderr"; exit 1}
  }' "$results"
