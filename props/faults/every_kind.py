#!/usr/bin/env python3
"""Refuses a kind of fault that no program in this folder provokes: every_kind.py TRESTLE_H FOLDER.

Each kind of the public header has a row in kinds.txt, and under each policy that sees it a program that expects its report."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "shim"))
import cases  # of ../shim
import report


def kinds_of(header):
    names = re.findall(r"^  TRESTLE_FAULT_(\w+) = \d+", open(header).read(), re.MULTILINE)
    return [name.lower().replace("_", " ") for name in names if name not in ("NONE", "KIND_COUNT")]


def provoked_in(folder):
    """Pairs of a kind and a policy; "value" for a fault that is returned, as any may be besides."""
    pairs = set()
    for folder, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".c", ".cpp")):
                for word, policies, _, what in cases.expectations(cases.lines_of(os.path.join(folder, name))):
                    kind = what.partition(" in ")[0]
                    if word in ("fault", "warning", "finds"):
                        pairs |= {(kind, "value" if word == "finds" else policy) for policy in policies}
    return pairs


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    declared, known, provoked = kinds_of(sys.argv[1]), report.kinds(), provoked_in(sys.argv[2])
    wrong = [f"'{kind}' has no row in kinds.txt" for kind in declared if kind not in known]
    wrong += [f"'{kind}' of kinds.txt is no kind of fault" for kind in known if kind not in declared]
    wrong += [f"no program expects '{kind}' under {policy}"
              for kind, row in known.items() for policy in row["policies"] if (kind, policy) not in provoked]
    wrong += [f"a program expects '{kind}' under {policy}, which kinds.txt does not"
              for kind, policy in sorted(provoked)
              if policy not in known.get(kind, {"policies": []})["policies"] and (policy != "value" or kind not in known)]
    print("\n".join(wrong))
    sys.exit(1 if wrong or not declared else 0)


main()
