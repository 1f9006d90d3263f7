#!/usr/bin/env python3
"""What a pair of malloc and free executes, policy by policy, held against bench/golden.txt.

    bench/golden.py BUILD_DIR            compares, and says what differs
    bench/golden.py BUILD_DIR --update   writes the file anew
    --golden FILE                        another file than bench/golden.txt

callgrind runs BUILD_DIR/bench/pair_loop under each library, collecting inside of malloc or of free alone, address by
address; objdump tells what each address is. An instruction belongs to the fast path if every call executes it; one in a
loop counts as often as it runs. Loads, stores and branches are those of these instructions; a call stores and branches, a
return loads and branches. What most calls do not execute, batches and what waits among it, is in the rows `step`: all that
a step of the workload random_live executes, a free and a malloc of random sizes among 100,000 objects. Chance decides there, so
that they may differ by 1 %. The figures hold for the compiler that the file names.
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

POLICIES = {"fast": "libtrestle-fast.so", "hardened": "libtrestle.so", "debug": "libtrestle-debug.so"}
SIZES = (16, 64, 256, 1024, 4096)
CALLS = 20000
STEPS = 40000  # of random_live, for each unit of work
STEP_TOLERANCE = 0.01
SKIPPED = 77  # what ctest takes for a test that was left out
GOLDEN = pathlib.Path(__file__).resolve().parent / "golden.txt"


def fail(why):
    print(f"bench/golden.py: {why}", file=sys.stderr)
    sys.exit(2)


def run(*command, env=None):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
    except FileNotFoundError:
        fail(f"{command[0]} is not installed: ci/setup.sh test")
    except subprocess.CalledProcessError as error:
        fail(f"{' '.join(map(str, command))}: {error.stderr.strip()}")


def disassemble(library):
    """Address -> instruction as objdump writes it."""
    found = {}
    for line in run("objdump", "-d", "--no-show-raw-insn", library).splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line)
        if match:
            found[int(match[1], 16)] = match[2]
    return found


def executed(build, library, call, size):
    """Address in the library -> how often it was executed inside of `call`."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        run("valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no",
            f"--toggle-collect={call}", f"--callgrind-out-file={out}", build / "bench/pair_loop", str(size), str(CALLS),
            env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(library), "TRESTLE_OPTIONS": "check_at_exit=0:sample=0"})
        lines = out.read_text().splitlines()
    counts, ours, inclusive = {}, False, False
    for line in lines:
        if line.startswith("ob="):
            ours = pathlib.Path(line[3:]).resolve() == library.resolve()
        elif line.startswith("calls="):
            inclusive = True  # the next line is what the callee cost
        elif line.startswith("0x"):
            if ours and not inclusive:
                address, _, cost = line.split()
                counts[int(address, 16)] = counts.get(int(address, 16), 0) + int(cost)
            inclusive = False
    if not counts:
        fail(f"callgrind saw no {call} of {library}")
    return counts


def classify(text):
    """Whether an instruction loads, stores, branches."""
    name, _, operands = text.split("#")[0].strip().partition(" ")
    while name in ("lock", "notrack", "bnd", "rep", "repz", "cs", "ds", "data16"):
        name, _, operands = operands.strip().partition(" ")
    operands = operands.strip()
    if name.startswith("call"):
        return "(" in operands, True, True
    if name.startswith("ret"):
        return True, False, True
    if name.startswith("j"):
        return "(" in operands, False, True
    if name.startswith(("push",)):
        return "(" in operands, True, False
    if name.startswith(("pop",)):
        return True, "(" in operands, False
    memory = re.search(r"%[a-z]s:|\(", operands)
    if not memory or name.startswith(("lea", "nop", "prefetch")):
        return False, False, False
    last = re.split(r",(?![^(]*\))", operands)[-1]
    to_memory = "(" in last or ":" in last
    reads_only = re.match(r"(cmp(?!xchg)|test|bt[bwlq]?$|ucomis|comis|v?ptest|i?mul[bwlq]?$|i?div[bwlq]?$)", name)
    writes_only = name.startswith(("mov", "vmov", "set"))
    if not to_memory:
        return True, False, False
    return not writes_only, reads_only is None, False


def measure(build, library, call, size, code):
    instructions = loads = stores = branches = 0
    for address, count in executed(build, library, call, size).items():
        times = round(count / CALLS)
        if count < CALLS * 0.99 or times == 0:
            continue
        load, store, branch = classify(code[address])
        instructions += times
        loads += times * load
        stores += times * store
        branches += times * branch
    return instructions, loads, stores, branches


def instructions_of_step(build, library):
    """Of two runs, of which one has a unit of work more."""
    def all_of(work):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "callgrind.out"
            run("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", build / "bench/workloads/random_live",
                env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": str(library), "TRESTLE_OPTIONS": "check_at_exit=0:sample=0",
                     "TRESTLE_BENCH_WORK": str(work)})
            return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])

    return round((all_of(2) - all_of(1)) / STEPS)


def within_tolerance(seen, golden):
    """The lines seen, each row of steps that is near enough as in the other."""
    told = {line.split()[0]: line for line in golden if " step " in line}
    lines = []
    for line in seen:
        other = told.get(line.split()[0]) if " step " in line else None
        near = other and abs(int(line.split()[-1]) - int(other.split()[-1])) <= STEP_TOLERANCE * int(other.split()[-1])
        lines.append(other if near else line)
    return lines


def table(build):
    if not (build / "CMakeCache.txt").exists():
        fail(f"{build} is no build directory")
    compiler = re.search(r"CMAKE_CXX_COMPILER:\w+=(.*)", (build / "CMakeCache.txt").read_text())[1]
    lines = [f"# g++ {run(compiler, '-dumpfullversion').strip()}, Release; bench/golden.py",
             f"{'policy':<10}{'call':<8}{'bytes':>6}{'instructions':>14}{'loads':>7}{'stores':>8}{'branches':>10}"]
    for policy, name in POLICIES.items():
        library = build / "lib" / name
        if not library.exists():
            fail(f"no {library}: build the release preset first")
        code = disassemble(library)
        for call in ("malloc", "free"):
            for size in SIZES:
                print(f"{policy} {call} {size}", file=sys.stderr)
                found = measure(build, library, call, size, code)
                lines.append(f"{policy:<10}{call:<8}{size:>6}{found[0]:>14}{found[1]:>7}{found[2]:>8}{found[3]:>10}")
        print(f"{policy} step", file=sys.stderr)
        lines.append(f"{policy:<10}{'step':<14}{instructions_of_step(build, library):>14}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--golden", type=pathlib.Path, default=GOLDEN)
    options = parser.parse_args()
    if not options.update and not options.golden.is_file():
        fail(f"no file {options.golden}")
    seen = table(options.build.resolve())
    if options.update:
        options.golden.write_text(seen)
        return 0
    golden = options.golden.read_text()
    if seen.splitlines()[0] != golden.splitlines()[0]:
        print(f"another compiler than the file's, so nothing is compared: {seen.splitlines()[0]}")
        return SKIPPED
    told = golden.splitlines()
    differing = list(difflib.unified_diff(told, within_tolerance(seen.splitlines(), told), str(options.golden), "now",
                                          lineterm="", n=0))
    if differing:
        print("\n".join(differing))
        print("the fast path has changed; if that is meant: bench/golden.py BUILD_DIR --update")
        return 1
    print("the fast path is as bench/golden.txt says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
