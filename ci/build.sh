#!/usr/bin/env bash
# Configures and builds a preset with its tests, or only some targets of it: ci/build.sh PRESET [TARGET]...
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
preset=${1:?usage: ci/build.sh PRESET [TARGET]...}
shift
# Two at once would build over one another.
mkdir -p "build/$preset"
exec 9>"build/$preset/.lock"
flock 9
cmake --preset "$preset" -DTRESTLE_BUILD_TESTS=ON
cmake --build --preset "$preset" ${1+--target "$@"}
