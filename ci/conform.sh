#!/usr/bin/env bash
# Examines every allocator that Debian has and our libraries side by side, by the rules of malloc: ci/conform.sh [OPTIONS], as
# `trestle conform --help` has them, for --all-installed alone. Fails where ours break a rule, or are not there: what others do
# is told and no failure of this project. The page and the other forms of it lie in build/conform.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
ci/setup.sh bench >&2
kept=build/conform
mkdir -p $kept
rm -f $kept/conform.*  # of an earlier run, which would be judged where this one wrote none
status=0
./trestle conform --all-installed --json $kept/conform.json --html $kept/conform.html --junit $kept/conform.xml \
  --sarif $kept/conform.sarif "$@" || status=$?
[ $status -le 1 ] || exit $status
exec /usr/bin/python3 - $kept/conform.json <<'PROGRAM'
import json, sys
libraries = {library["name"]: library["results"] for library in json.load(open(sys.argv[1]))["libraries"]}
complaints = []
for policy in ("fast", "hardened", "debug"):
    if not libraries.get(policy):
        complaints.append(f"{policy} was not examined")
    for result in libraries.get(policy, []):
        if result["verdict"] == "violated":
            complaints.append(f"{policy} violates {result['case']}: {result.get('found', '')}")
for complaint in complaints:
    print(f"ci/conform.sh: {complaint}", file=sys.stderr)
sys.exit(1 if complaints else 0)
PROGRAM
