#!/usr/bin/env python3
"""Prints a row of ci/coverage.sh from llvm-cov's summary on stdin: coverage_row.py NAME [KIND=PERCENT]...

Fails, and says so, where of a kind (functions, lines, regions, branches) fewer percent are reached than that."""
import json
import sys

KINDS = ("functions", "lines", "regions", "branches")


def main():
    name, *bars = sys.argv[1:]
    totals = json.load(sys.stdin)["data"][0]["totals"]
    print(f"{name:12}" + "".join(f"{totals[kind]['percent']:11.1f}%" for kind in KINDS))
    held = True
    for kind, least in (bar.split("=") for bar in bars):
        reached = totals[kind]["percent"]
        if reached < float(least):
            held = False
            print(f"ci/coverage.sh: {reached:.2f} % of the {kind} are reached, less than {least} %; "
                  f"docs/coverage.md has what need not be", file=sys.stderr)
    sys.exit(0 if held else 1)


main()
