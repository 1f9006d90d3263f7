#!/usr/bin/env bash
# What ci/coverage.sh promises, in a copy where all that it runs are scripts that say what they are asked for: nothing is
# measured.
set -uo pipefail
cd -- "$(dirname -- "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. tools/expect.sh

build=$work/source/build/coverage
mkdir -p "$work/source/ci/shared" "$work/source/fuzz/corpus/ops" "$build"/{fuzz,props,lib} "$work/bin"
cp ci/coverage.sh ci/coverage_row.py "$work/source/ci/"
cp ci/shared/cases.sh "$work/source/ci/shared/"
cd "$work/source" || exit 1
program() { cat >"$1" && chmod +x "$1"; }
program ci/setup.sh <<<'#!/bin/sh'
program ci/build.sh <<<'#!/bin/sh
echo "build $*" >&2'
printf 'ops\tops\twhat has inputs\nidle\tbytes\twhat has none\n' >"$build/fuzz/targets.txt"
for counted in fuzz/ops fuzz/idle props/trestle_props props/trestle_units_os props/trestle_edge_units \
  props/include_units_{fast,hardened,debug}; do
  program "$build/$counted" <<'END'
#!/bin/sh
[ "${0##*/}" != "$FAILING" ] || { echo "it says why"; exit 9; }
echo "${0##*/} $*" >>calls
file=$(echo "$LLVM_PROFILE_FILE" | sed 's/%m%c/1/') && mkdir -p "${file%/*}" && : >"$file"
END
done
program "$work/bin/ctest" <<'END'
#!/bin/sh
[ "$FAILING" != ctest ] || exit 8
echo "ctest $*" >>calls
mkdir -p build/coverage/profiles/programs && : >build/coverage/profiles/programs/1.profraw
END
program "$work/bin/llvm-profdata-19" <<'END'
#!/bin/sh
for word; do last=$word; done
cat "$4" >>calls
echo >"$last"
END
# Says as many percent as it is told to.
program "$work/bin/llvm-cov-19" <<'END'
#!/bin/sh
[ "$1" = export ] || exit 0
kind() { printf '"%s": {"percent": %s}' "$1" "$2"; }
echo "{\"data\": [{\"totals\": {$(kind functions 80), $(kind lines "$LINES_REACHED")"
echo ", $(kind regions 70), $(kind branches "$BRANCHES_REACHED")}}]}"
END
measure() { rm -f calls; env PATH="$work/bin:$PATH" "$@" ci/coverage.sh; }

expect "all above the bars" 0 '^together +80\.0% +99\.5% +70\.0% +95\.0%$' \
  '^build coverage fuzz_targets installed_tests edge_programs$' measure LINES_REACHED=99.5 BRANCHES_REACHED=95
# told XPATH WANTED: of the last run.
told() { says build/junit/coverage.xml "$@"; }
told 'count(//testcase)' 1
told 'count(//failure)' 0
grep -q '^programs ' "$work/out" || complain "the table" "has no row of the programs"
for call in 'ops fuzz/corpus/ops' trestle_props trestle_units_os trestle_edge_units include_units_debug \
  'ctest .* -L ^edge\$ '; do
  grep -q "^$call" calls || complain "the runs" "lack $call: $(cat calls)"
done
! grep -q '^idle' calls || complain "the runs" "have a target without inputs"
[ "$(grep -c 'profiles/programs/1.profraw' calls)" -eq 2 ] || complain "the programs' counts" "are not merged twice"
expect "lines below their bar" 1 '^together ' '^ci/coverage.sh: 12\.34 % of the lines are reached, less than [0-9]+ %' \
  measure LINES_REACHED=12.34 BRANCHES_REACHED=95
told 'starts-with(//failure/@message, "ci/coverage.sh: 12.34 % of the lines")' true
grep -q '^pages: ' "$work/out" || complain "lines below their bar" "are told before the pages are"
! grep -q 'of the branches' "$work/err" || complain "lines below their bar" "are branches as well"
expect "branches below their bar" 1 '^together ' '^ci/coverage.sh: 5\.00 % of the branches are reached, less than [0-9]+ %' \
  measure LINES_REACHED=99 BRANCHES_REACHED=5
for failing in trestle_units_os ctest; do
  expect "$failing fails" 1 '' "$failing" measure LINES_REACHED=99 BRANCHES_REACHED=95 FAILING=$failing
  told "contains(//failure/@message, '$failing')" true
done
expect "the program that fails says why" 1 '' '^it says why$' measure LINES_REACHED=99 BRANCHES_REACHED=95 FAILING=trestle_props
expect "an unknown option" 2 '' 'usage: ci/coverage.sh' ci/coverage.sh --htm x
end
