#!/usr/bin/env bash
# Builds the fuzz targets for whoever runs them at scale, as OSS-Fuzz and ClusterFuzzLite ask for it: CC, CXX, CFLAGS and
# CXXFLAGS say which sanitizer and coverage (SANITIZER is only their name), LIB_FUZZING_ENGINE what drives the targets. SRC
# holds the sources as trestle/, WORK is for the build. OUT gets each target with NAME_seed_corpus.zip and NAME.options.
# Needs a clang with C++20, cmake 3.25 and zip. ci/oss_fuzz.sh runs it here.
set -euo pipefail
source=$SRC/trestle
# WORK may be that of a build with other flags, which CMake would remember.
build=$WORK/trestle
rm -rf "$build"
# A build type that CMake does not know adds no flags.
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=None -DTRESTLE_LIBFUZZER=ON -DTRESTLE_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$build" --target fuzz_targets --parallel "${TRESTLE_JOBS:-$(nproc)}"

while IFS=$'\t' read -r target _; do
  cp "$build/fuzz/$target" "$build/fuzz/$target.options" "$OUT/"
  seeds=()
  for kind in corpus regressions; do
    [ ! -d "$source/fuzz/$kind/$target" ] || seeds+=("$kind/$target")
  done
  rm -f "$OUT/${target}_seed_corpus.zip"  # zip would add to it
  [ ${#seeds[@]} -eq 0 ] || (cd "$source/fuzz" && zip -q -r "$OUT/${target}_seed_corpus.zip" "${seeds[@]}")
done <"$build/fuzz/targets.txt"
