#!/usr/bin/env bash
# Runs the properties with fresh seeds: ci/props.sh [MINUTES]
# The last round, which is the one that failed if any did, is told in JUnit's form too: build/junit/props.xml, or what
# GTEST_OUTPUT in the environment says.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
export GTEST_OUTPUT=${GTEST_OUTPUT-xml:$PWD/build/junit/props.xml}
exec ./trestle props --minutes "${1-1}"
