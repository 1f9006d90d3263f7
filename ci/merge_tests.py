#!/usr/bin/env python3
"""Makes one ctest tree out of several: merge_tests.py OUT NAME=BUILD_DIR...

Reads each tree's tests as ctest tells them and writes OUT/CTestTestfile.cmake. A test of tree `release` keeps its name,
of any other tree it becomes NAME.test.
"""

import json
import pathlib
import subprocess
import sys

# Properties whose values name tests or fixtures, which differ from tree to tree.
NAMING = {"DEPENDS", "FIXTURES_SETUP", "FIXTURES_CLEANUP", "FIXTURES_REQUIRED"}


def quoted(text):
    """A CMake bracket argument that holds the text as it is."""
    marks = "="
    while f"]{marks}]" in text + "]":
        marks += "="
    return f"[{marks}[{text}]{marks}]"


def value_of(value):
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, list):
        return ";".join(str(item) for item in value)
    return str(value)


def lines_of(test, prefix):
    name = quoted(prefix + test["name"])
    if "command" not in test:
        sys.exit(f"merge_tests.py: test {test['name']} has no command: it was not built")
    yield f"add_test({name} {' '.join(quoted(word) for word in test['command'])})"
    for entry in test.get("properties", []):
        value = entry["value"]
        if entry["name"] in NAMING:
            value = [prefix + item for item in value]
        yield f"set_tests_properties({name} PROPERTIES {entry['name']} {quoted(value_of(value))})"


def main():
    if len(sys.argv) < 3 or not all("=" in tree for tree in sys.argv[2:]):
        sys.exit("usage: merge_tests.py OUT NAME=BUILD_DIR...")
    lines = []
    for tree in sys.argv[2:]:
        name, directory = tree.split("=", 1)
        told = subprocess.run(["ctest", "--test-dir", directory, "--show-only=json-v1"],
                              check=True, stdout=subprocess.PIPE)
        prefix = "" if name == "release" else name + "."
        for test in json.loads(told.stdout)["tests"]:
            lines.extend(lines_of(test, prefix))
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    (out / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
