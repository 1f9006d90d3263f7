#!/usr/bin/env bash
# What ci/fuzz.sh, ci/props.sh, ci/conform.sh and .ci/run promise, in a copy where the tool and the jobs are scripts that only
# say what they are asked for: nothing is fuzzed.
set -uo pipefail
cd -- "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset GTEST_OUTPUT TRESTLE_CORPUS
. tools/expect.sh

mkdir -p "$work/source/ci/shared" "$work/source/.ci"
cp ci/shared/cases.sh "$work/source/ci/shared/"
cp ci/fuzz.sh ci/props.sh ci/conform.sh ci/jobs_test.sh "$work/source/ci/"
cp .ci/run "$work/source/.ci/"
cd "$work/source" || exit 1
program() { cat >"$1" && chmod +x "$1"; }
program ci/setup.sh <<<'#!/bin/sh'
program ci/asan.sh <<<'#!/bin/sh
for word; do echo "asan <$word>"; done'
# One target fails with an input whose path XML cannot hold as it is, and says what is not UTF-8; one without an input.
program trestle <<'END'
#!/bin/sh
cat >/dev/null
case $*:$FAILING in
  'fuzz --list:list') exit 125 ;;
  'fuzz --list:'*) printf 'sound  a target\nbroken  "another"\nhung  a third\n' ;;
  'fuzz broken '*:yes)
    printf 'says \001 \377\ntrestle: the input that fails: /tmp/a&b<"c">/crash-\303\2511\001\377\n' >&2
    exit 77 ;;
  'conform '*) [ -z "$CONFORM" ] || printf '{"libraries": [%s]}' "$CONFORM" >build/conform/conform.json; exit "$FAILING" ;;
  'fuzz hung '*:yes) echo 'no <input>' && exit 70 ;;
  *) echo "trestle $* [$GTEST_OUTPUT]" ;;
esac
END
# told XPATH WANTED: of the last run.
told() { says build/junit/fuzz.xml "$@"; }

expect "a sound fuzz job" 0 '^trestle fuzz hung --seconds 5 ' "" env FAILING=no ci/fuzz.sh 5
told 'string(/testsuite/@tests)' 3
told 'count(//testcase[@classname="fuzz"][@time])' 3
told 'count(//failure)' 0
expect "a fuzz job that fails" 1 '^trestle fuzz sound --seconds 60 ' \
  '^ci/fuzz.sh: these failed: broken hung; their inputs are in build/fuzz/found$' env FAILING=yes ci/fuzz.sh
told 'string(/testsuite/@failures)' 2
told 'string(//testcase[2]/@name)' broken
told 'string(//testcase[2]/failure/@message)' 'exit status 77'
told 'normalize-space(//testcase[2]/failure)' 'trestle: the input that fails: /tmp/a&b<"c">/crash-é1'
told 'normalize-space(//testcase[3]/failure)' 'no <input>'
told 'count(//testcase[1]/failure)' 0
expect "a list that cannot be had" 125 "" "" env FAILING=list ci/fuzz.sh
expect "no number of seconds" 2 "" "not a number of seconds: '0'" ci/fuzz.sh 0

expect "properties" 0 "^trestle props --minutes 5 \[xml:$PWD/build/junit/props.xml\]\$" "" ci/props.sh 5
expect "properties told elsewhere" 0 '^trestle props --minutes 1 \[xml:x\]$' "" env GTEST_OUTPUT=xml:x ci/props.sh

# examined POLICY VERDICT: a library of conform's.
examined() { printf '{"name": "%s", "results": [{"case": "zero", "verdict": "%s", "found": "it is 1"}]}' "$1" "$2"; }
ours="$(examined fast passed), $(examined hardened absent)"
expect "a sound conform job" 0 "" "" env FAILING=0 CONFORM="$ours, $(examined debug passed)" ci/conform.sh
expect "others that break a rule" 0 "" "" \
  env FAILING=1 CONFORM="$ours, $(examined debug passed), $(examined theirs violated)" ci/conform.sh
expect "ours that break a rule" 1 "" '^ci/conform.sh: debug violates zero: it is 1$' \
  env FAILING=1 CONFORM="$ours, $(examined debug violated)" ci/conform.sh
expect "ours that are not there" 1 "" '^ci/conform.sh: debug was not examined$' env FAILING=0 CONFORM="$ours" ci/conform.sh
expect "a conform that fails" 125 "" "" env FAILING=125 CONFORM="$ours" ci/conform.sh
expect "a conform that wrote nothing" 1 "" 'No such file' env FAILING=0 CONFORM= ci/conform.sh

expect "no job" 0 '^trestle test ' "" .ci/run
expect "a job and its words" 0 '^asan <a b>$' "" .ci/run asan -R 'a b'
expect "an unknown job" 2 "" "^.ci/run: unknown job 'asa'; there are: asan conform fuzz props setup\$" .ci/run asa
expect "a job elsewhere" 2 "" "unknown job '../trestle'" .ci/run ../trestle
end
