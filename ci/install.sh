#!/usr/bin/env bash
# Installs a build, moves the prefix, and uses it as others would: ci/install.sh [BUILD_DIR]
# By find_package from C11 and C++20, static and shared, each policy; by pkg-config with plain cc; and by the tool.
# Without a BUILD_DIR it builds the release preset first.
set -euo pipefail
if [ $# -eq 0 ]; then
  cd -- "$(dirname -- "$0")/.."
  ci/setup.sh test
  ci/build.sh release
  exec ci/install.sh build/release
fi
build=$(cd -- "$1" && pwd)
consumer=$(cd -- "$(dirname -- "$0")" && pwd)/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD TRESTLE_OPTIONS CXXFLAGS CFLAGS

die() {
  echo "ci/install.sh: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" || die "$(cat "$work/log")"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
! grep -rlI -e "$work/first" -e "$build" "$prefix" || die "these name a directory that an installed file must not know"

cmake -S "$consumer" -B "$work/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" || die "$(cat "$work/log")"
cmake --build "$work/consumer" >"$work/log" || die "$(cat "$work/log")"
ctest --test-dir "$work/consumer" --output-on-failure --no-tests=error >"$work/log" || die "$(cat "$work/log")"
grep -E 'tests passed' "$work/log"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name trestle.pc)")
for name in trestle trestle-fast trestle-debug; do
  policy=${name#trestle-}
  [ "$policy" != trestle ] || policy=hardened
  read -ra flags <<<"$(pkg-config --cflags --libs "$name")"
  libraries=$(pkg-config --variable=libdir "$name")
  cc -std=c11 -Wall -Wextra -pedantic -Werror -o "$work/$name" "$consumer/consumer.c" "${flags[@]}" "-Wl,-rpath,$libraries"
  [ "$("$work/$name" "$policy")" = "served by Trestle" ] || die "the program linked with $name does not work"
  echo "pkg-config $name: served by Trestle"
done

if command -v gdb >/dev/null; then
  while IFS= read -r library; do
    gdb -nx -batch -iex "set auto-load safe-path $prefix" -ex "help trestle check" "$library" >"$work/log" 2>&1 || true
    grep -q '^Recount the heap' "$work/log" || die "gdb does not load its commands with $library: $(cat "$work/log")"
  done < <(find "$prefix" -name 'libtrestle*.so.*' -type f ! -name '*.py')
fi

"$prefix/bin/trestle" run --policy fast -- "$work/trestle-fast" fast 2>"$work/summary"
grep -q '^trestle: .* allocations, .*faults: none$' "$work/summary" \
  || die "no summary of the installed tool's: $(cat "$work/summary")"
status=0
"$prefix/bin/trestle" test 2>"$work/error" || status=$?
[ $status -eq 125 ] && grep -q 'none are installed' "$work/error" \
  || die "the installed tool's test: $status, $(cat "$work/error")"
echo "an installed, moved prefix serves CMake, pkg-config and the tool"
