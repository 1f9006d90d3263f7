#!/usr/bin/env bash
# Shows that ci/layers.sh refuses what it is there to refuse: plants one bad include after another in a copy of lib/.
set -euo pipefail
cd -- "$(dirname -- "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# refuses FILE INCLUDE TEXT
refuses() {
  cp -r ../lib ../trace "$work"
  mkdir -p "$(dirname "$work/lib/$1")"
  printf '%s\n' "$2" >>"$work/lib/$1"
  if ./layers.sh "$work/lib" >"$work/out" 2>&1; then
    echo "$2 in $1 was let through"
    exit 1
  fi
  grep -qF -- "$3" "$work/out" || {
    echo "$2 in $1 was refused, but not with '$3':"
    cat "$work/out"
    exit 1
  }
  rm -r "$work/lib" "$work/trace"
  echo "refuses $2 in $1"
}

refuses base/fault.hpp '#include "os/os.hpp"' 'points upwards, from base to os'
refuses base/fault.hpp '#include <heap/heap.hpp>' '<heap/heap.hpp> is a header of the project'
refuses os/os.hpp '  #  include "heap/heap.hpp"' 'points upwards, from os to heap'
refuses base/new.cpp '#include "shim/options.hpp"' 'lib/base/new.cpp:1: "shim/options.hpp" points upwards'
refuses heap/new.hpp '#include "arena.hpp"' 'does not name its folder'
refuses include/trestle/trestle.hpp '#include "base/fault.hpp"' 'a public header includes the internal'
refuses attic/new.hpp '#include "base/fault.hpp"' 'is no folder of'
refuses ../trace/format.hpp '#include "base/fault.hpp"' 'trace/format.hpp:'
refuses ../trace/recorder/next.cpp '#include <trestle/trestle.h>' '<trestle/trestle.h> is no file of trace/'
