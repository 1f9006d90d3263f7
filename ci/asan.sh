#!/usr/bin/env bash
# Builds and runs the tests under AddressSanitizer and UndefinedBehaviorSanitizer: ci/asan.sh [-R REGEX] [-j N]
exec "$(dirname -- "$0")/test.sh" --preset asan "$@"
