#!/usr/bin/env python3
"""Holds AddressSanitizer's reports about the heap's bytes to what was done, and ours behind them: run.py PROGRAM POLICY"""
import os
import re
import subprocess
import sys

SIZES = (20, 5003, 100001, 3000000)  # a slot, another, a block, a span
ACCESSES = {
    # fault: (access, of how many bytes, what ours says, whether the block was freed)
    "write_past_end": ("WRITE", 1, "access past end in a write", False),
    "read_past_end": ("READ", 1, "access past end in a read", False),
    "write_before_start": ("WRITE", 1, None, False),  # the byte may be in the pad of the block before
    "fill_past_end": ("WRITE", None, "access past end in a write", False),
    "write_after_shrinking": ("WRITE", 1, "access past end in a write", False),
    "read_after_moving": ("READ", 1, "access after free in a read", True),
    "write_after_free": ("WRITE", 1, "access after free in a write", True),
    "read_after_free": ("READ", 1, "access after free in a read", True),
}


class Broken(Exception):
    pass


def require(holds, message, text):
    if not holds:
        raise Broken(f"{message}\n{text}")


def run(program, fault, size, where=(), sample=0):
    options = "detect_leaks=1:abort_on_error=0:exitcode=77"
    environment = dict(os.environ, ASAN_OPTIONS=options, TRESTLE_OPTIONS=f"sample={sample}:sample_below=0:symbolizer=none")
    return subprocess.run([program, fault, str(size), *where], env=environment, capture_output=True, text=True)


def check_access(program, policy, fault, size, where=(), sample=0):
    access, width, ours, is_freed = ACCESSES[fault]
    done = run(program, fault, size, where, sample)
    require(done.returncode == 77, f"status {done.returncode}", done.stderr)
    if fault == "write_before_start" and "AddressSanitizer: SEGV on unknown address" in done.stderr:
        return  # nothing lies before the first block
    lines = [line for line in done.stderr.splitlines() if re.match(r"==\d+==ERROR", line)]
    require(len(lines) == 1 and "ERROR: AddressSanitizer: use-after-poison on address" in lines[0], "not its first line",
            done.stderr)
    wide = width if width is not None else size + 1
    require(f"{access} of size {wide} at" in done.stderr, f"no {access} of {wide}", done.stderr)
    told = re.findall(r"WARNING: trestle: (.*)", done.stderr)
    if ours is None:
        require(len(told) <= 1, "ours is told more than once", done.stderr)
        return
    if is_freed and policy == "fast" and not told:
        return  # what was freed may be no block any more
    require(told == [ours], f"ours says {told}, not {ours}", done.stderr)
    if sample:
        block = re.search(r"block +(0x[0-9a-f]+), \d+ bytes requested, (\d+) served", done.stderr)
        require(block and (int(block[1], 16) + int(block[2])) % 4096 == 0, "no sample: it does not end with a page", done.stderr)
    if policy == "debug":
        require(("freed by thread" in done.stderr) == is_freed, "who freed it", done.stderr)
        require("allocated by thread" in done.stderr, "nobody allocated it", done.stderr)
    if not is_freed and policy != "fast":
        wanted = size - 1 if fault == "write_after_shrinking" else size
        require(f"{wanted} bytes requested" in done.stderr, f"no {wanted} bytes requested", done.stderr)


def main():
    program, policy = sys.argv[1:]
    broken = []
    cases = [(size, (), 0) for size in SIZES]
    cases += [(SIZES[0], ("thread",), 0), (SIZES[0], ("child",), 0)]
    if policy != "fast":  # which takes no samples
        cases += [(SIZES[0], (), 1), (SIZES[1], ("thread",), 1), (SIZES[0], ("child",), 1)]
    for size, where, sample in cases:
        for fault in ACCESSES:
            try:
                check_access(program, policy, fault, size, where, sample)
            except Broken as what:
                broken.append(f"{policy}, {fault} of {size}, {' '.join(where)}, sample={sample}: {what}")
    for size in SIZES:
        for fault, status in (("none", 0), ("lead", 0), ("lead_moved", 0), ("lose", 77)):
            done = run(program, fault, size)
            is_lost = "LeakSanitizer: detected memory leaks" in done.stderr and "4321 byte" in done.stderr
            if done.returncode != status or is_lost != (status != 0):
                broken.append(f"{policy}, {fault} of {size}: status {done.returncode}\n{done.stdout}{done.stderr}")
    for one in broken:
        print(one, file=sys.stderr)
    return 1 if broken else 0


sys.exit(main())
