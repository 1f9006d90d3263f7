#!/usr/bin/env python3
"""Holds memcheck's reports about the heap's bytes to what was done: memcheck.py PROGRAM POLICY"""
import os
import re
import subprocess
import sys

SIZES = {"hardened": (3000000,), "fast": (20,), "debug": (20,)}  # a start of Valgrind takes a second; asan.py tries them all
VALGRIND = ("valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible", "--error-exitcode=77",
            "--soname-synonyms=somalloc=nouserintercepts")
FAULTS = {
    # fault: memcheck's first line, and where it says that this is
    "write_past_end": ("Invalid write of size 1", "{0} is 0 bytes after a {4}block of size {1} alloc'd"),
    "check_past_end": ("Invalid write of size 1", "{0} is 0 bytes after a {4}block of size {1} alloc'd"),
    "read_past_end": ("Invalid read of size 1", "{0} is 0 bytes after a {4}block of size {1} alloc'd"),
    "write_before_start": ("Invalid write of size 1", "{0} is 1 bytes before a {4}block of size {1} alloc'd"),
    "fill_past_end": ("Invalid write of size \\d+", "{0} is 0 bytes after a {4}block of size {1} alloc'd"),
    "write_after_shrinking": ("Invalid write of size 1", "{0} is 0 bytes after a {4}block of size {2} alloc'd"),
    "read_after_moving": ("Invalid read of size 1", "{0} is 0 bytes inside a {4}block of size {1} free'd"),
    "write_after_free": ("Invalid write of size 1", "{0} is {3} bytes inside a {4}block of size {1} free'd"),
    "read_after_free": ("Invalid read of size 1", "{0} is {3} bytes inside a {4}block of size {1} free'd"),
    "free_twice": ("Invalid free.*", "{0} is 0 bytes inside a {4}block of size {1} free'd"),
    "use_fresh": ("Conditional jump or move depends on uninitialised value\\(s\\)", None),
    "use_after_escape": ("Conditional jump or move depends on uninitialised value\\(s\\)", None),
    "use_when_visited": ("Conditional jump or move depends on uninitialised value\\(s\\)", None),
    "use_grown": ("Conditional jump or move depends on uninitialised value\\(s\\)", None),
}


def run(program, fault, size, options="sample=0:symbolizer=none", where=()):
    environment = dict(os.environ, TRESTLE_OPTIONS=options)
    done = subprocess.run([*VALGRIND, program, fault, str(size), *where], env=environment, capture_output=True, text=True)
    lines = re.findall(r"^==\d+==(?: (.*))?$", done.stderr, re.MULTILINE)  # the others are not memcheck's
    return done, [line for line in lines if not re.match(r"Thread \d+:|Warning: set address range perms: large range", line)]


def digits(number):
    return f"{number:,}"


def why_wrong(program, policy, fault, size, where=()):
    done, lines = run(program, fault, size, where=where)
    first, place = FAULTS[fault]
    said = lines[lines.index("") + 1:] if "" in lines else lines  # behind memcheck's own heading
    if not said or not re.fullmatch(first, said[0]):
        return f"not its first line: {first}", done
    if place is not None:
        # Among freed slots memcheck may tell the one beside, or an earlier one: it looks 24 bytes around, the oldest first.
        if size < 1000 and place.endswith("free'd"):
            place = "{0} is \\d+ bytes (?:inside|before|after) a block of size [\\d,]+ free'd"
        wanted = place.format("Address 0x[0-9a-f]+", digits(size), digits(size - 1), digits(size // 2), "(?:recently re-allocated )?")
        if not any(re.fullmatch(" " + wanted, line) for line in said):
            return f"it does not say: {wanted}", done
    if done.returncode not in (77, -6, -11):
        return f"status {done.returncode}", done
    # Where the process goes on, nothing else is wrong; where the heap has seen it too, it says the same.
    if done.returncode == 77 and not any(re.match("ERROR SUMMARY: 1 errors from 1 contexts", line) for line in said):
        return "there is another error", done
    if done.returncode == -6 and len(re.findall(r"ERROR: trestle: ", done.stderr)) != 1:
        return "ours does not say why it ends", done
    return None


def main():
    program, policy = sys.argv[1:]
    broken = []
    for size in SIZES[policy]:
        for fault in FAULTS:
            wrong = why_wrong(program, policy, fault, size)
            if wrong is not None:
                why, done = wrong
                broken.append(f"{policy}, {fault} of {size}: {why}\nstatus {done.returncode}\n{done.stderr}")
        for where in ("thread", "child"):
            wrong = why_wrong(program, policy, "read_past_end", size, (where,))
            if wrong is not None:
                why, done = wrong
                broken.append(f"{policy}, read_past_end of {size} in a {where}: {why}\nstatus {done.returncode}\n{done.stderr}")
        if policy == "debug":  # a damaged block that is freed is told of once, and stays
            done, lines = run(program, "write_past_end", size, "abort=0:symbolizer=none")
            if done.returncode != 77 or not any(line.startswith("ERROR SUMMARY: 1 errors from 1 contexts") for line in lines):
                broken.append(f"{policy}, abort=0 of {size}: status {done.returncode}\n{done.stderr}")
        blocks = 5000 if size < 1000 else 1
        leaks = (("none", None), ("collect", None), ("lead", None), ("lose", (4321, 1)), ("leak", (blocks * size, blocks)))
        for fault, leak in leaks:
            done, lines = run(program, fault, size)
            lost = [line.strip() for line in lines if re.match(r" +(definitely|indirectly|possibly) lost: ", line)]
            wanted = ["definitely lost: {:,} bytes in {:,} blocks".format(*(leak or (0, 0))),
                      "indirectly lost: 0 bytes in 0 blocks", "possibly lost: 0 bytes in 0 blocks"]
            if leak is None and "All heap blocks were freed -- no leaks are possible" in lines:
                wanted = []
            if done.returncode != (0 if leak is None else 77) or lost != wanted or done.stdout != "ok\n":
                broken.append(f"{policy}, {fault} of {size}: {wanted}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    for one in broken:
        print(one, file=sys.stderr)
    return 1 if broken else 0


sys.exit(main())
