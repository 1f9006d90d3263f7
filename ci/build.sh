#!/usr/bin/env bash
# Configures and builds a preset with its tests: ci/build.sh PRESET
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
preset=${1:?usage: ci/build.sh PRESET}
cmake --preset "$preset" -DTRESTLE_BUILD_TESTS=ON
cmake --build --preset "$preset"
