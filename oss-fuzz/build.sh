#!/usr/bin/env bash
# The build is the repository's own, so that a change of it needs none here.
exec "$SRC/trestle/.clusterfuzzlite/build.sh"
