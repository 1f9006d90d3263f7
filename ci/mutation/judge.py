"""Whether a mutant is killed, by what, and after how long: the units of its folder, the other units, the properties, the
corpora, and fuzzing from them, until one of them fails in a line of its own."""
import dataclasses
import os
import re
import signal
import subprocess
import tempfile
import time

# A failure is taken for one by its own line.
TELLING = re.compile(rb"^(?:.*: Failure$|.*violat.*|.*==ERROR: .*|.*runtime error: .*|SUMMARY: .*|\[  FAILED  \] .*"
                     rb"|.*\*\*\*Failed.*|.*Falsifiable.*|.*Assertion.*|.* in$|unknown file: Failure.*)$", re.MULTILINE)
FUZZED = {"block": ["block_heap_ops", "corrupt", "misuse"], "slab": ["heap_ops", "bitmap_heap_ops", "corrupt"],
          "span": ["heap_ops", "oom", "corrupt"], "heap": ["threads", "heap_ops", "misuse", "oom"],
          "base": ["threads", "heap_ops", "misuse", "corrupt"], "report": ["unwind_tables"], "shim": ["options"]}
EDGE = ("shim", "report", "leak", "os")  # of these most runs in programs alone
PROGRAMS = r"^(faults|matrix|shim|include|accesses)\."
CASES = 60  # of each property


@dataclasses.dataclass
class Verdict:
    killed_by: str = ""  # empty: it survived
    line: str = ""       # in which that said so
    seconds: float = 0.0


@dataclasses.dataclass
class Stage:
    name: str
    command: list
    deadline: float  # seconds


class Judge:
    def __init__(self, plain, fuzz, source, fuzz_seconds, jobs, by="", from_nothing=False):
        self.plain, self.fuzz, self.source = plain, fuzz, source
        self.fuzz_seconds, self.jobs = fuzz_seconds, jobs
        self.by, self.from_nothing = by, from_nothing
        self.usual = {}  # how long each stage takes without a mutant

    def stages(self, folder=""):
        """Those of all that are to judge."""
        return [stage for stage in self.all_stages(folder) if self.by in ("", stage.name)]

    def all_stages(self, folder):
        """In the order in which a mutant of that folder of lib/ meets them; without one: all but fuzzing."""
        first = sorted(self.units(), key=lambda stage: (not stage.name.endswith(f".{folder}"), self.usual.get(stage.name, 0)))
        yield from first
        if folder in EDGE:
            yield from self.programs()
        yield self.stage("properties", [self.plain / "props/trestle_props"])
        if self.fuzz is not None:
            yield from self.replays()
            yield from self.fuzzing(folder) if folder else ()
        if folder not in EDGE:
            yield from self.programs()

    def units(self):
        for program in sorted((self.plain / "props").glob("trestle_units_*")):
            yield self.stage(f"units.{program.name.removeprefix('trestle_units_')}", [program])
        edge = self.plain / "props/trestle_edge_units"
        if edge.is_file():
            yield self.stage("units.edge", [edge])

    def programs(self):
        """Small programs under the library, where they were built."""
        if (self.plain / "props/edge_double_free").is_file():
            jobs = str(self.jobs or os.cpu_count())
            yield self.stage("programs", ["ctest", "--test-dir", self.plain, "-R", PROGRAMS, "-j", jobs, "--stop-on-failure",
                                          "--output-on-failure"])

    def replays(self):
        for target in self.targets():
            places = [self.source / "fuzz" / kind / target for kind in ("corpus", "regressions")]
            inputs = [str(place) for place in places if place.is_dir()]
            if inputs:
                yield self.stage(f"corpus.{target}", [self.fuzz / "fuzz" / target, "-runs=0", "-timeout=20", *inputs])

    def fuzzing(self, folder):
        targets = FUZZED.get(folder, ["heap_ops"])
        if self.by.startswith("fuzz."):
            targets = [self.by.removeprefix("fuzz.")]
        for target in targets if self.fuzz_seconds else ():
            seconds = max(1, self.fuzz_seconds // len(targets))
            options = ["-len_control=0", "-max_len=512", "-entropic=0"] if target not in ("options", "unwind_tables") else []
            yield Stage(f"fuzz.{target}", [self.fuzz / "fuzz" / target, f"-max_total_time={seconds}", "-timeout=20", *options,
                                           "@empty", *self.seeds(target)], seconds + 60)

    def seeds(self, target):
        return [] if self.from_nothing else [str(self.source / "fuzz/corpus" / target)]

    def targets(self):
        lines = (self.fuzz / "fuzz/targets.txt").read_text().splitlines()
        return [line.split("\t")[0] for line in lines]

    def stage(self, name, command):
        return Stage(name, command, 5 * self.usual.get(name, 60) + 20)

    def measure(self):
        """Runs all without a mutant: whatever fails then proves nothing. Of fuzzing the start alone."""
        kind, _, target = self.by.partition(".")
        if self.by and not self.stages("heap") or kind == "fuzz" and target not in self.targets():
            raise RuntimeError(f"nothing judges that is named {self.by!r}")
        fuzzed = [Stage(stage.name, [*stage.command, "-runs=0"], stage.deadline) for stage in self.stages("heap")
                  if stage.name.startswith("fuzz.") and self.by]
        for stage in [*self.stages(), *fuzzed]:
            begun = time.monotonic()
            verdict = self.run(stage, 0)
            if verdict is not None:
                raise RuntimeError(f"{stage.name} fails without a mutant: {verdict[0]} {verdict[1]}")
            self.usual[stage.name] = time.monotonic() - begun

    def judge(self, mutant, folder):
        begun = time.monotonic()
        for stage in self.stages(folder):
            found = self.run(stage, mutant.number)
            if found is not None:
                return Verdict(f"{stage.name} ({found[0]})", found[1], time.monotonic() - begun)
        return Verdict(seconds=time.monotonic() - begun)

    def run(self, stage, number):
        """None where it passes; else by what it failed, and in which line."""
        environment = dict(os.environ, TRESTLE_MUTANT=str(number), GTEST_FAIL_FAST="1", GTEST_COLOR="no",
                           RC_PARAMS=f"seed=20240229 max_success={CASES}")
        with tempfile.TemporaryDirectory() as work, tempfile.TemporaryFile() as log:
            os.mkdir(os.path.join(work, "empty"))
            command = [os.path.join(work, "empty") if word == "@empty" else str(word) for word in stage.command]
            child = subprocess.Popen(command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True)
            try:
                status = child.wait(stage.deadline)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                end_group(child.pid)
                child.wait()
            if status == 0:
                return None
            log.seek(0)
            said = log.read()
        how = "no end" if status is None else signal.Signals(-status).name if status < 0 else f"exit {status}"
        found = TELLING.search(said)
        return how, (found[0] if found else said[-200:]).decode(errors="replace").strip()


def end_group(pid):
    """All that the stage has started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
