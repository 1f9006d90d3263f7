#!/usr/bin/python3
"""What recording costs: trace/cost.py [BUILD_DIR] [ROUNDS]

Runs programs with and without the recorder, in turns, and prints the medians of CPU and wall seconds and their ratios.
"""
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = "with recursive n(i) as (select 0 union all select i + 1 from n where i < 300000) "
PROGRAMS = {
    "python3": ["/usr/bin/python3", "-c", "import json\nfor _ in range(12): json.loads(json.dumps("
                "[{'name': str(i), 'values': list(range(i % 50))} for i in range(5000)]))"],
    "python3, malloc alone": ["/usr/bin/env", "PYTHONMALLOC=malloc", "/usr/bin/python3", "-c",
                              "import json\nfor _ in range(12): json.loads(json.dumps("
                              "[{'name': str(i), 'values': list(range(i % 50))} for i in range(5000)]))"],
    "sqlite3": ["sqlite3", ":memory:", "create table t(a, b);" + NUMBERS +
                "insert into t select i, hex(i) || 'text' from n; create index ti on t(b);"
                "select count(*) from t x join t y on x.b = y.b where x.a % 3 = 0;"],
    "g++ -c": ["g++", "-std=c++20", "-O1", "-I" + str(ROOT), "-c", str(ROOT / "trace/plan.cpp"), "-o", "/dev/null"],
}


def run(words, environment):
    start = time.monotonic()
    null = os.open("/dev/null", os.O_WRONLY)
    child = os.posix_spawnp(words[0], words, environment, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
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


def main():
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build/release"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    library = (build / "lib/libtrestle-record.so").resolve(strict=True)
    print("                         CPU s  recorded  ratio    wall s  recorded  ratio   MiB of trace")
    for name, words in PROGRAMS.items():
        plain, recorded, size = measure(words, library, rounds)
        figures = "  ".join(f"{a:8.3f}  {b:8.3f}  {b / a:5.2f}" for a, b in zip(plain, recorded))
        print(f"{name:21} {figures}  {size / 2**20:10.1f}", flush=True)


main()
