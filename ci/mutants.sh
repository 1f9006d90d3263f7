#!/usr/bin/env bash
# Plants mistakes in copies of lib/ and sees whether the tests find them: ci/mutants.sh [OPTIONS], as `trestle mutants --help`
# has them. Without: as many of a sample as five minutes allow, the build not counted, which depend on the day, by units and
# properties alone. What of these is missed by chance, of which one in twenty may be, is no failure.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
if [ $# -eq 0 ]; then
  set -- --seconds 300 --seed "$(($(date +%s) / 86400))" --count 60 --no-fuzz --at-least 90
fi
ci/setup.sh test >&2
exec /usr/bin/python3 ci/mutation "$@"
