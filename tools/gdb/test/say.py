"""Runs in gdb: what the commands say, where one error may follow the other. With TEST_SAID, to the file of that name."""

import os

import gdb

WHERE = "small[0] small[0]+20 freed_small+3 medium[1]-1 medium[5] freed_medium large[0] large[1] none[1]".split()
COMMANDS = ["trestle check", "trestle stats", "trestle spans"] + [f"trestle block {where}" for where in WHERE]


def run(command):
    """What it prints, or its error."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error as error:
        return f"error: {error}\n"


def write_said(path):
    with open(path, "w", encoding="utf-8") as file:
        for command in COMMANDS:
            file.write(f"{command}\n{run(command)}")


if os.environ.get("TEST_SAID"):
    write_said(os.environ["TEST_SAID"])
