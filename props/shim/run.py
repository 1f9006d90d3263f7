#!/usr/bin/env python3
"""Runs one test program on each policy and holds its end to what its source says: run.py SOURCE PROGRAM HOW POLICY[=LIBRARY]...

HOW is `preload` (LIBRARY by LD_PRELOAD), `load` (LIBRARY as the program's argument) or `linked`. The source's lines that
begin with `//:` say what is expected; without any, status 0, "ok" on stdout, nothing on stderr and one line of summary:

  //: options KEY=VALUE:...             given to the library, beside `summary`, sample=0 and leak_check=0
  //: limit BYTES                       of address space
  //: out xml | out REGEX               stdout, instead of "ok"
  //: err REGEX                         a line of stderr, before the report
  //: status N                          exit status
  //: killed SIGNAL                     by which the program ends; killed POLICY...: SIGNAL, under these
  //: summaries N                       processes that end, and say so
  //: summary KEY=VALUE                 in each summary; faults=null: as many as there may be
  //: child_faults N                    in that of a child, of what the first report names; without: 0
  //: fault POLICY...: KIND in CALL     under these policies one report, and SIGABRT. GIVEN in CALL is what the program said
  //: warning POLICY...: KIND in CALL   under these one report, and the program goes on; the rest is counted
  //: told POLICY...: KIND in CALL      of each line one report, in this order, and the program goes on; `err` follows
  //: finds POLICY...: KIND             under these the program says `found KIND` before "ok": a fault that is a value
  //: frames STACK: FUNCTION...         of the report's stack (stack, allocated, freed): it begins with these functions
  //: unsymbolized                      the report's stack has no lines, since nobody can be asked for them
  //: each WORD...                      run once for every word, its argument
  //: by AXIS WORD...                   and for every combination with a word of each axis, its next argument
  //: without POLICY...: WHY            not run under these

A line that names policies may name words behind them, in brackets, and is then about the cases that have those (cases.py): of
each case one line at most. A report is compared with all that the program says of it on stdout: see report.py.
"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases  # beside this file
import report

# How many seconds a program may take: a build that is not optimized, and counts, takes longer.
PATIENCE = float(os.environ.get("TRESTLE_EDGE_PATIENCE", "18"))

QUICK_SYMBOLIZER = shutil.which("addr2line") or ""  # llvm's takes ten times as long to start

# What is wrong with a block that the program had; the other kinds are of what the heap keeps for itself.
OF_A_FREED_BLOCK = ("double free", "stale pointer", "write after free", "access after free")
OF_A_LIVE_BLOCK = ("leak", "interior pointer", "access before start", "write past end", "access past end",
                   "write before start", "size mismatch",
                   "alignment mismatch", "kind mismatch", "header corrupt")


class Broken(Exception):
    pass


def require(holds, message):
    if not holds:
        raise Broken(message)


class Expectation:
    def __init__(self, lines, special, told):
        """`special`: the directive and its text for this policy and case, or None. `told`: the reports of a run that goes on."""
        self.told = told
        self.options, self.limit, self.out, self.err = "", None, "ok\n", []
        self.status, self.summaries, self.summary, self.report = 0, 1, [], None
        self.child_faults = 0
        self.unsymbolized = False
        self.frames = {}
        self.more = 0  # faults without a report
        for line in lines:
            self.read(line)
        if special is not None:
            self.expect(*special)

    def read(self, line):
        word, _, rest = line.partition(" ")
        if word in ("options", "out"):
            setattr(self, word, rest)
        elif word in ("limit", "status", "summaries", "child_faults"):
            setattr(self, word, int(rest))
        elif word == "unsymbolized":
            self.unsymbolized = True
        elif word == "err":
            self.err.append(rest)
        elif word == "frames":
            stack, _, functions = rest.partition(": ")
            self.frames[stack] = functions.split()
        elif word == "killed" and ":" not in rest:
            self.expect(word, rest)
        elif word == "summary":
            key, _, value = rest.partition("=")
            self.summary.append((key, json.loads(value)))
        elif word not in cases.EXPECTATIONS + ("each", "by", "told"):
            raise Broken(f"{word} is no directive")

    def expect(self, word, what):
        if word == "killed":
            self.status = -getattr(signal, "SIG" + what)
            self.summaries = 0
        elif word == "finds":
            self.out = f"found {what}\nok\n"
        elif word in ("fault", "warning"):
            self.report = what
            self.severity = "ERROR" if word == "fault" else "WARNING"
            if word == "fault":
                self.status = -signal.SIGABRT
                self.out = "ok\n" if what.endswith("the check at exit") else ""


def run(expected, arguments, program, how, library, summary):
    environment = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "TRESTLE_OPTIONS")}
    options = [f"summary={summary}", f"report=json:{summary}.reports", f"symbolizer={QUICK_SYMBOLIZER}", "sample=0",
               "leak_check=0", expected.options]
    environment["TRESTLE_OPTIONS"] = ":".join(options)
    if how == "preload":
        environment["LD_PRELOAD"] = library

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (expected.limit, expected.limit))

    command = [program] + ([library] if how == "load" else []) + list(arguments)
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=limit if expected.limit is not None else None) as child:
        try:
            out, err = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise Broken(f"it did not end within {PATIENCE:g} s") from None
        return child.pid, child.returncode, out.decode(), err.decode()


def hold_json(path, err, expected):
    """Each report is there as a line of JSON, which says what the text says, but for the bytes."""
    lines = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    require(len(lines) == len(expected.told) + (expected.report is not None), f"{len(lines)} reports in JSON")
    for line, told in zip(lines, expected.told):
        require(f"{line['kind']} in {line['call']}" == told, f"{line['kind']} in {line['call']} in JSON, not {told}")
    for line in [] if expected.told else lines:
        beside = r"  bytes around the address:.*\n(    0x.*\n)*|^trestle: .* more faults? without .*\n|^trestle: leaks: .*\n"
        text = re.sub(beside, "", err, flags=re.M)
        require(text.endswith(report.text_of(line)), f"JSON says otherwise than the text:\n{report.text_of(line)}")


def hold_report(expected, err, said, pid, program, policy):
    lines = "".join(line + "\n" for line in expected.err)
    require("at" in said or "given" in said, "the program named no pointer")
    wanted = report.pattern(expected, said, pid, policy)
    more = "(trestle: (?P<more>[0-9]+) more faults? without a report: (?P=more) where one was reported before, 0 above .+\n)?"
    kind = expected.report.partition(" in ")[0]
    leaks = r"trestle: leaks: \d+ blocks?, \d+ bytes, from 1 place\n" if kind == "leak" else ""
    found = re.fullmatch(f"{lines}{wanted}{more}{leaks}", err)
    require(found is not None, f"stderr is not {lines!r} and this report:\n{wanted}")
    expected.more = int(found["more"] or 0)
    calls = [] if expected.report.endswith("the check at exit") else ["stack"]
    unknown = said.get("block") == "? ? ?"
    requested = said.get("block", "? 0 ?").split()[1]
    alone = "alone" in said or "sample=1" in expected.options or requested.isdigit() and int(requested) > 256 << 10
    known = policy == "debug" or policy == "hardened" and alone
    if known and "block" in said and not unknown and kind in OF_A_FREED_BLOCK + OF_A_LIVE_BLOCK:
        calls += ["allocated", "freed"] if kind in OF_A_FREED_BLOCK else ["allocated"]
    for call in calls:
        caller = (found[call] or "none").split("\n")[0]
        where = " 0x[0-9a-f]+" if expected.unsymbolized else r" in \S.*:\d+"
        where += rf" \({re.escape(os.path.realpath(program))}\+"
        require(re.search(where, caller) is not None, f"{call} does not begin at a line of the program: {caller}")
    for call, functions in expected.frames.items():
        through = re.findall(r" in (\S+)", found[call] or "")
        require(through[:len(functions)] == functions, f"{call} goes through {through}")
    for call in "allocated", "freed":
        may_be = unknown or kind not in OF_A_LIVE_BLOCK and known
        require(call in calls or may_be or not found[call], f"{call} is told")
        by = re.search(rf"\n  {call} by thread (\d+):", err)
        by_one = call in calls and (call in said or "thread" not in said)
        require(not by_one or by[1] == said.get(call, str(pid)), f"{call} by another thread")


def hold_told(expected, err, pid):
    """Each report is there, and nothing else but the lines expected after them."""
    heads = re.findall(rf"^=={pid}==ERROR: trestle: (.+?)(?:\(0x[0-9a-f]+\))?$", err, re.M)
    require(heads == expected.told, f"not told is {expected.told}, but {heads}")
    rest = "".join(re.findall(r"^(?!==|  ).+\n", err, re.M))
    pattern = "".join(line + "\n" for line in expected.err)
    require(re.fullmatch(pattern, rest) is not None, f"beside the reports stderr is not {pattern!r} but {rest!r}")


def hold_out(expected, out):
    if expected.out == "xml":
        import xml.etree.ElementTree

        try:
            xml.etree.ElementTree.fromstring(out)
        except xml.etree.ElementTree.ParseError as error:
            raise Broken(f"stdout is no XML: {error}") from error
    else:
        require(re.fullmatch(expected.out, out) is not None, f"stdout is not {expected.out!r}")


def hold_summaries(expected, path, policy, pid):
    lines = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    require(len(lines) == expected.summaries, f"{len(lines)} processes left a summary, not {expected.summaries}: {lines}")
    is_leak = expected.report is not None and expected.report.startswith("leak ")
    reports = expected.told or ([] if expected.report is None or is_leak else [expected.report])
    faults = dict(expected.summary).get("faults", len(reports) + expected.more)
    kind = reports[0].partition(" in ")[0] if reports else ""
    for line in lines:
        require(line["policy"] == policy, f"the summary's policy is not {policy}: {line}")
        is_child = line["pid"] != pid and expected.summaries > 1 and expected.told
        of_child = (kind if expected.child_faults else "", expected.child_faults)
        seen = of_child if is_child else (kind, line["faults"] if faults is None else faults)
        require((line["fault"], line["faults"]) == seen, f"the summary's fault is not '{seen[0]}': {line}")
        for key, value in expected.summary:
            require(line[key] == value or key == "faults", f"{key} is not {value} in the summary: {line}")


def hold_once(expected, arguments, program, how, policy, library):
    """What is wrong with this run; nothing: it was as expected."""
    with tempfile.TemporaryDirectory() as directory:
        summary = os.path.join(directory, "summary")
        pid, status, out, err = run(expected, arguments, program, how, library, summary)
        said = dict(report.SAID.findall(out))
        plain = report.SAID.sub("", out)
        try:
            require(status == expected.status, f"status {status}, not {expected.status}")
            hold_out(expected, plain)
            if expected.told:
                hold_told(expected, err, pid)
            elif expected.report is not None:
                hold_report(expected, err, said, pid, program, policy)
            else:
                pattern = "".join(line + "\n" for line in expected.err)
                require(re.fullmatch(pattern, err) is not None, f"stderr is not {pattern!r}")
            hold_json(f"{summary}.reports", err, expected)
            hold_summaries(expected, summary, policy, pid)
        except Broken as broken:
            return f"{broken}\nstdout: {out}\nstderr: {err}"
    return None


def hold(source, program, how, policy, library):
    lines = cases.lines_of(source)
    axes = cases.axes_of(lines)
    cases.require_all_heard(lines, axes)
    held = True
    for case in cases.cases_of(axes):
        special = cases.expected_of(lines, axes, policy, case)
        if special is not None and special[0] == "without":
            continue
        told = cases.told_of(lines, policy)
        wrong = hold_once(Expectation(lines, special, told), case, program, how, policy, library)
        if wrong is not None:
            held = False
            print(" ".join([os.path.basename(source), *case]) + f", {policy}: {wrong}")
    return held


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    source, program, how = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        held = [hold(source, program, how, *f"{choice}=".split("=")[:2]) for choice in sys.argv[4:]]
    except (Broken, cases.Unclear) as unclear:
        sys.exit(f"{os.path.basename(source)}: {unclear}")
    sys.exit(0 if all(held) else 1)


main()
