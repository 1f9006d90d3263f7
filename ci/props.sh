#!/usr/bin/env bash
# Runs the properties with fresh seeds: ci/props.sh [MINUTES]
exec "$(dirname -- "$0")/../trestle" props --minutes "${1-1}"
