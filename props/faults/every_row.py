#!/usr/bin/env python3
"""Refuses a table of faults that says otherwise than the programs expect: every_row.py THREAT_MODEL_MD FAULTS PROGRAMS.

The last column of a row names programs, each perhaps with words of its axes: then those cases are meant that have them. Under
each policy the row's cell has F, N or X just where one of them expects a report or a fault found by a check, and I just where
one expects to be killed by the access, or its report. Every program of the matrix is named."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "shim"))
import cases  # of ../shim

POLICIES = ("fast", "hardened", "debug")
SHOWS = {"fault": "caught", "warning": "caught", "finds": "caught", "killed": "at the access"}


def sources_in(*folders):
    found = {}
    for folder in folders:
        for name in os.listdir(folder):
            if name.endswith((".c", ".cpp")):
                found[os.path.splitext(name)[0]] = os.path.join(folder, name)
    return found


def rows_of(document):
    """(fault, cells by policy, [(program, words)]) of the table's rows."""
    for line in open(document):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] != "fault":
            named = [text.split() for text in re.findall(r"`([^`]+)`", cells[4])]
            yield cells[0], dict(zip(POLICIES, cells[1:4])), [(name, words) for name, *words in named]


def shown_by(source, words, policy):
    """What the cases with those words expect under the policy."""
    lines = cases.lines_of(source)
    axes = cases.axes_of(lines)
    meant = [case for case in cases.cases_of(axes) if cases.speaks_of(words, case, axes)]
    if not meant:
        raise cases.Unclear(f"no case has the words {' '.join(words)}")
    expected = [cases.expected_of(lines, axes, policy, case) for case in meant]
    return {"at the access" if "access " in what else SHOWS[word] for word, what in filter(None, expected) if word in SHOWS}


def wrong_in(fault, cells, named, sources):
    for name, _ in named:
        if name not in sources:
            yield f"{fault}: there is no program {name}"
            return
    for policy in POLICIES if named else ():
        shown = set().union(*(shown_by(sources[name], words, policy) for name, words in named))
        told = {"caught" if letter in "FNX" else "at the access" for letter in re.findall(r"\b[FNIX]\b", cells[policy])}
        if told != shown:
            yield f"{fault}: under {policy} the row says {sorted(told)} and the programs {sorted(shown)}"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    document, faults, programs = sys.argv[1:]
    matrix = sources_in(os.path.join(faults, "matrix"))
    sources = sources_in(programs, faults, os.path.join(faults, "matrix"))
    rows = list(rows_of(document))
    try:
        wrong = [what for row in rows for what in wrong_in(*row, sources)]
    except cases.Unclear as unclear:
        sys.exit(f"a row's words or a program's lines: {unclear}")
    wrong += [f"no row names {name}" for name in sorted(set(matrix) - {name for _, _, named in rows for name, _ in named})]
    print("\n".join(wrong))
    sys.exit(1 if wrong or not rows else 0)


main()
