"""The copies of the sources that are mutated, and their builds: `plain`, whose units and properties run, and `fuzz`, under
sanitizers, whose targets replay the corpora and then go on from them."""
import filecmp
import re
import shutil
import subprocess
import tempfile

import schema

PLAIN = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG -w", "-DCMAKE_C_FLAGS_RELEASE=-O1 -w"]
FUZZ = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g -w",
        "-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19", "-DTRESTLE_SANITIZE=address,undefined",
        "-DTRESTLE_LIBFUZZER=ON"]
FIRST = ["trestle_runner_objects", "trestle_base", "trestle_os", "trestle_report", "trestle_leak"]
PLACE = re.compile(r"(?P<path>/\S+?):(?P<line>\d+):")


class Broken(Exception):
    """What could not be built, and why."""


def copy(root, target):
    """What git has of the sources, as they lie there."""
    files = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        if (root / name).is_file():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, place)


def renew(source, fresh):
    """Makes the sources what the fresh ones are. A file that is the same already is left alone, so as not to be built anew."""
    for old in [path for path in source.rglob("*") if path.is_file()]:
        if not (fresh / old.relative_to(source)).is_file():
            old.unlink()
    for new in [path for path in fresh.rglob("*") if path.is_file()]:
        place = source / new.relative_to(fresh)
        if not place.is_file() or not filecmp.cmp(new, place, shallow=False):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, place)
            shutil.copymode(new, place)


def put(root, source, mutants):
    """The sources with the mutants in them."""
    source.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=source.parent) as directory:
        fresh = type(source)(directory)
        copy(root, fresh)
        schema.write(fresh, mutants)
        renew(source, fresh)


def configure(source, build, options):
    done = subprocess.run(["cmake", "-S", source, "-B", build, "-G", "Ninja", *options], capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"cmake: {done.stderr.strip()[-2000:]}")


def build(tree, targets, jobs):
    """What the compiler says where it fails, else nothing."""
    command = ["ninja", "-C", tree, "-k", "0", *(["-j", str(jobs)] if jobs else []), *targets]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return "" if done.returncode == 0 else done.stdout + done.stderr


def at_fault(said, source, lines):
    """The mutants on whose lines the compiler found an error, or what led to one."""
    found = set()
    for match in PLACE.finditer(said):
        try:
            path = str(type(source)(match["path"]).relative_to(source))
        except ValueError:
            continue
        found |= lines.get((path, int(match["line"])), set())
    return found


def prepare(root, source, tree, options, targets, mutants, jobs, tell):
    """Builds the tree with all mutants that the compiler accepts, and returns those. What instantiates most is built first,
    since for each mutant that is taken out nearly all is built anew."""
    while True:
        put(root, source, mutants)
        configure(source, tree, options)
        said = build(tree, FIRST, jobs) or build(tree, targets, jobs)
        if not said:
            return mutants
        wrong = at_fault(said, source, schema.lines_of(source, mutants))
        if not wrong:
            raise Broken(said[-4000:])
        for mutant in mutants:
            if mutant.number in wrong:
                tell(f"{mutant.number} does not compile: {mutant.mutation.place}")
        mutants = [mutant for mutant in mutants if mutant.number not in wrong]
