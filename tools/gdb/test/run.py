#!/usr/bin/env python3
"""Runs gdb on a program with a library preloaded, and on cores of it: run.py GDB STRIP POLICY LIBRARY PROGRAM

The live process is test/session.py's. A core that holds everything has to give the very same text; of one that lacks the heap's
memory nothing may be said but that; a core of the kernel's has all of it. The library without debug information, and no
library, are told in a line."""

import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
EXTENSION = HERE.parent / "trestle.py"
GDB, STRIP, POLICY, LIBRARY, PROGRAM = sys.argv[1:]
complaints = []


def must(holds, what):
    if not holds:
        complaints.append(what)
        print(f"NOT SO: {what}")


def gdb(*arguments, **environment):
    """What it prints, both streams, and its exit status."""
    kept = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "TRESTLE_OPTIONS")}
    quiet = ["-iex", "set debuginfod enabled off", "-ex", "set width 0", "-ex", "set pagination off", "-ex", "set confirm off"]
    done = subprocess.run(
        [GDB, "-nx", "-batch", *quiet, "-ex", f"source {EXTENSION}", *arguments, PROGRAM],
        env={**kept, **environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode


def look_at_process(work):
    printed, status = gdb("-x", str(HERE / "session.py"), TEST_LIBRARY=LIBRARY, TEST_WORK=str(work), TEST_POLICY=POLICY)
    must(status == 0 and printed.endswith("\nall as promised\n"), f"the session ended with {status}:\n{printed}")


def said_of_core(work, name):
    said = work / f"{name}.said"
    printed, _ = gdb("-ex", f"core-file {work / name}", "-x", str(HERE / "say.py"), TEST_SAID=str(said))
    must(said.exists(), f"{name} cannot be looked at:\n{printed}")
    return said.read_text() if said.exists() else ""


def look_at_cores(work):
    live = (work / "live").read_text()
    must("the heap is sound" in live, f"of the process: {live}")
    whole = said_of_core(work, "whole.core")
    must(whole == live, f"of a core:\n{whole}\nand of the process:\n{live}")
    plain = said_of_core(work, "plain.core")
    if (work / "plain.core").read_bytes() == (work / "whole.core").read_bytes():
        must(plain == live, f"of gdb's own core:\n{plain}\nand of the process:\n{live}")
    else:
        lacks(plain, "gdb's own core")
        must("behind a guard page: it was left out" in plain, f"what gdb left out is not told:\n{plain}")
    lacking = said_of_core(work, "lacking.core")
    lacks(lacking, "a core without the heap's memory")
    for what in ("the blocks of span",) if POLICY == "fast" else ("the blocks of span", "the slab of span"):
        must(f"\ntrestle: not checked: {what} " in lacking, f"{what} is not said to be missing:\n{lacking}")


def lacks(said, what):
    """It tells what is missing, and takes nothing that is missing for a fault."""
    checked = said.split("trestle stats\n")[0].splitlines()[1:]
    count = sum("not checked: " in line for line in checked)
    last = f"trestle: 0 faults in what could be read; {count} part{'s' * (count != 1)} could not be"
    must(count > 0 and checked[-1] == last, f"{what} does not end with {last!r}:\n{said}")
    must(all(line.startswith("trestle: ") for line in checked), f"a fault in {what}:\n{said}")
    must(any("the core lacks them" in line for line in checked), f"{what} is not said to lack anything:\n{said}")
    must("not counted: " in said, f"the counts of {what} are not said to be parts:\n{said}")


def look_at_kernel_core(work):
    """Of a process that aborts, as far as the kernel puts cores into the folder that the process is in."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if pattern[:1] in ("|", "/", "@") or most != resource.RLIM_INFINITY:
        print(f"the kernel's own core is not tried: core_pattern is {pattern}, the limit {most}")
        return
    before = set(work.iterdir())
    done = subprocess.run(
        [PROGRAM, "abort"],
        env={"LD_PRELOAD": LIBRARY, "TRESTLE_OPTIONS": "sample=0"},
        cwd=work,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    cores = list(set(work.iterdir()) - before)
    must(len(cores) == 1, f"the program left {cores}, and ended with {done.returncode}")
    said = said_of_core(work, cores[0].name) if cores else ""
    must(f"\ntrestle: the heap is sound {done.stdout}\n" in said, f"of the kernel's core, not {done.stdout}:\n{said}")


def look_at_samples():
    """Where every request is one, on either side of its guard pages."""
    for below in (0, 1) if POLICY != "fast" else ():
        preload = ["-ex", f"set environment LD_PRELOAD={LIBRARY}", "-ex", "set startup-with-shell off"]
        options = ["-ex", f"set environment TRESTLE_OPTIONS=sample=1:sample_below={below}", "-ex", "break -qualified after"]
        printed, _ = gdb(*preload, *options, "-ex", "run", "-ex", "trestle check", "-ex", "trestle stats")
        must("\ntrestle: the heap is sound (" in printed, f"of samples, {below} of them the other way round:\n{printed}")


def look_without_types(work):
    bare = work / "libtrestle-bare.so"
    subprocess.run([STRIP, "--strip-debug", LIBRARY, "-o", bare], check=True)
    start = ["-ex", "set startup-with-shell off", "-ex", "break main"]
    for preloaded, error in {
        bare: r"^trestle: .*libtrestle-bare\.so has no debug information, which tells how the heap is laid out: ",
        None: r"^trestle: no Trestle library is loaded",
    }.items():
        preload = ["-ex", f"set environment LD_PRELOAD={preloaded}"] if preloaded else []
        printed, _ = gdb(*start, *preload, "-ex", "run", "-ex", "trestle check", "-ex", "trestle block main")
        must(len(re.findall(error, printed, re.M)) == 2, f"with {preloaded} preloaded:\n{printed}")
        must("Traceback" not in printed and "Error occurred" not in printed, f"with {preloaded} preloaded:\n{printed}")


with tempfile.TemporaryDirectory() as folder:
    look_at_process(pathlib.Path(folder))
    if not complaints:
        look_at_cores(pathlib.Path(folder))
    look_at_kernel_core(pathlib.Path(folder))
    look_at_samples()
    look_without_types(pathlib.Path(folder))
print("all as promised" if not complaints else f"{len(complaints)} complaints")
sys.exit(bool(complaints))
