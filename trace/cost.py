#!/usr/bin/python3
"""What recording costs: trace/cost.py [BUILD_DIR] [ROUNDS]

Runs programs with and without the recorder, in turns, and prints the medians of CPU and wall seconds and their ratios. The
workloads of the benchmarks, BUILD_DIR/bench/workloads, do little but call malloc in two threads; where they are not built, and
where a program is not installed, that is said.
"""
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = "with recursive n(i) as (select 0 union all select i + 1 from n where i < 300000) "
LINES = "lines.txt"  # a file that is made for it, in the folder that the programs run in
JSON = ("import json\nfor _ in range(12): json.loads(json.dumps("
        "[{'name': str(i), 'values': list(range(i % 50))} for i in range(5000)]))")
THREADS = (f"import threading\ndef work():\n exec({JSON!r})\nall = [threading.Thread(target=work) for _ in range(2)]\n"
           "for one in all: one.start()\nfor one in all: one.join()")
PROGRAMS = {
    "python3": ["/usr/bin/python3", "-c", JSON],
    "python3, malloc alone": ["/usr/bin/env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c", JSON],
    "sqlite3": ["sqlite3", ":memory:", "create table t(a, b);" + NUMBERS +
                "insert into t select i, hex(i) || 'text' from n; create index ti on t(b);"
                "select count(*) from t x join t y on x.b = y.b where x.a % 3 = 0;"],
    "g++ -c": ["g++", "-std=c++20", "-O1", "-I" + str(ROOT), "-c", str(ROOT / "trace/plan.cpp"), "-o", "/dev/null"],
    # Of several threads.
    "xz -T2": ["xz", "-T2", "-1", "--block-size=1MiB", "-c", LINES],
    "sort --parallel=2": ["sort", "--parallel=2", "-S", "16M", LINES],
    "git pack-objects": ["git", "-C", str(ROOT), "-c", "safe.directory=*", "pack-objects", "--all", "--threads=2", "-q",
                         "--no-reuse-delta", "--stdout"],
    "python3, 2 threads": ["/usr/bin/env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c", THREADS],
}
WORKLOADS = ["handover", "own", "server"]


def run(words, environment):
    start = time.monotonic()
    null = os.open("/dev/null", os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    child = os.posix_spawnp(words[0], words, environment, file_actions=streams)
    os.close(null)
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"trace/cost.py: {words[0]} ended with status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def measure(words, library, rounds):
    plain, recorded, size = [], [], 0
    for _ in range(rounds):
        plain.append(run(words, os.environ))
        with tempfile.TemporaryDirectory() as folder:
            trace = {"LD_PRELOAD": str(library), "TRESTLE_TRACE": folder + "/t.trace"}
            recorded.append(run(words, os.environ | trace))
            size = sum(file.stat().st_size for file in pathlib.Path(folder).iterdir())
    return [[statistics.median(column) for column in zip(*rows)] for rows in (plain, recorded)] + [size]


def programs(build):
    for name, words in PROGRAMS.items():
        if shutil.which(words[0]):
            yield name, words
        else:
            print(f"{name:21} is not installed")
    for name in WORKLOADS:
        path = build / "bench/workloads" / name
        if path.exists():
            yield f"{name} 2", [str(path), "2"]
        else:
            print(f"{name:21} is not built: the target workload_{name}")


def main():
    build = (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/release").resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    library = (build / "lib/libtrestle-record.so").resolve(strict=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path(LINES).write_text("".join(f"{i * 7919 % 1000003} line {i}\n" for i in range(1000000)))
        print("                         CPU s  recorded  ratio    wall s  recorded  ratio   MiB of trace")
        for name, words in programs(build):
            plain, recorded, size = measure(words, library, rounds)
            figures = "  ".join(f"{a:8.3f}  {b:8.3f}  {b / a:5.2f}" for a, b in zip(plain, recorded))
            print(f"{name:21} {figures}  {size / 2**20:10.1f}", flush=True)
        os.chdir("/")


main()
