#!/usr/bin/env bash
# Shows that ci/workflow.py refuses what it is there to refuse: plants one mistake after another in a copy of the workflow.
set -euo pipefail
cd -- "$(dirname -- "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
workflow=../.github/workflows/ci.yml

# refuses FROM TO TEXT: the workflow with the first line that holds FROM replaced by TO.
refuses() {
  from=$1 to=$2 awk '!done && index($0, ENVIRON["from"]) {print ENVIRON["to"]; done = 1; next} {print}' $workflow \
    >"$work/ci.yml"
  ! cmp -s $workflow "$work/ci.yml" || { echo "nothing was planted for: $3" && exit 1; }
  if ./workflow.py "$work/ci.yml" 2>"$work/out"; then
    echo "'$2' was let through"
    exit 1
  fi
  grep -qF -- "$3" "$work/out" || {
    echo "'$2' was refused, but not with '$3':"
    cat "$work/out"
    exit 1
  }
  echo "refuses: $3"
}

./workflow.py
refuses 'run: ci/fuzz.sh' '      - run: ci/fuzzz.sh 60' 'job fuzz runs ci/fuzzz.sh, which is not there'
refuses 'run: ci/fuzz.sh' '      - run: make fuzz' "job fuzz runs 'make', which is no script of ci/"
refuses 'run: ci/fuzz.sh' '      - run: ci/fuzz.sh 60 && ci/props.sh' 'job fuzz runs more than one command'
refuses 'run: ci/fuzz.sh' '      - run: ci/fuzz.sh $(ci/props.sh)' 'job fuzz runs more than one command'
refuses 'run: ci/fuzz.sh' '      - run: ci/fuzz.sh 60 | tee log' 'job fuzz runs more than one command'
refuses 'run: ci/fuzz.sh' '      - run: ci/fuzz.sh 60 & ci/props.sh' 'job fuzz runs more than one command'
refuses 'run: ci/fuzz.sh' '      - run: "ci/fuzz.sh\nci/props.sh"' 'job fuzz runs more than one line'
refuses 'run: ci/fuzz.sh' '      - runs: ci/fuzz.sh' 'job fuzz runs nothing'
refuses 'run: ci/fuzz.sh' '      - run: ci/layers_test' 'ci/layers_test, which is not there'
refuses 'run: ci/oss_fuzz.sh' '      - run: .clusterfuzzlite/build.sh' "job oss-fuzz runs '.clusterfuzzlite/build.sh'"
refuses 'run: ci/conform.sh' '      - run: ./trestle conform --all-installed' "job conform runs './trestle'"
refuses 'preset: [' '        preset: [release, nosuch]' 'names preset nosuch'
refuses 'jobs:' 'job:' 'no jobs'
refuses 'jobs:' 'jobs: {]' 'is no YAML'
