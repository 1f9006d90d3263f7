#!/usr/bin/env bash
# Builds and runs the tests under ThreadSanitizer: ci/tsan.sh [-R REGEX] [-j N]
exec "$(dirname -- "$0")/test.sh" --preset tsan "$@"
