#!/usr/bin/env python3
"""What ci/mutation makes of sources and of what the tests say, on texts of its own: mutation_test.py"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import hand  # noqa: E402
import judge  # noqa: E402
import operators  # noqa: E402
import page  # noqa: E402
import schema  # noqa: E402
import source  # noqa: E402
import trees  # noqa: E402

spec = importlib.util.spec_from_file_location("mutation_main", HERE / "__main__.py")
main = importlib.util.module_from_spec(spec)
spec.loader.exec_module(main)

PROGRAM = """#pragma once
#include <algorithm>
#include <cstddef>

enum class Colour { red, green, blue };
struct Guard { explicit Guard(int&) {} };
inline int lock = 0;
constexpr std::size_t kMost = 3 + 4;
consteval int twice(int n) { return n + n; }

template <class T>
int weigh(T first, T second, Colour colour) {
  const Guard guard(lock);
  if (first < second && colour == Colour::red) return twice(2);
  if constexpr (kMost > 7) return 9;
  int sum = first + second;
  sum += 2;
  lock = sum;
  switch (colour) {
    case Colour::green: return std::min(sum, 5);
    default: return first - 1;
  }
}
"""


def found_in(text):
    """The mutations of a header with that text."""
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work).resolve()
        (root / "lib").mkdir()
        (root / "lib/weigh.hpp").write_text(text)
        source.load_libclang()
        nodes = source.parse(root, [pathlib.Path("lib/weigh.hpp")], ["-std=c++20"])
        return [mutation for node in nodes for mutation in operators.mutations_of(node)]


class Operators(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = {(m.operator, m.before, m.after) for m in found_in(PROGRAM)}

    def test_each_makes_its_mistake(self):
        for expected in (("comparison negated", "first < second", "!(first < second)"),
                         ("comparison shifted", "first < second", "first <= second"),
                         ("comparison negated", "colour == Colour::red", "!(colour == Colour::red)"),
                         ("condition loosened", "first < second && colour == Colour::red",
                          "(first < second) || (colour == Colour::red)"),
                         ("check skipped", "first < second && colour == Colour::red", ""),
                         ("flag flipped", "Colour::red", "Colour::green"),
                         ("sign changed", "first + second", "(first) - (second)"),
                         ("off by one", "first - 1", "(first - 1) + 1"),
                         ("sign changed", "sum += 2", "(sum) -= (2)"),
                         ("statement dropped", "sum += 2;", ""),
                         ("statements swapped", "sum += 2;\n  lock = sum;", "lock = sum; sum += 2;"),
                         ("rounded the other way", "std::min(sum, 5)", "std::max(sum, 5)"),
                         ("lock skipped", "const Guard guard(lock);",
                          "const mutation::Maybe<Guard> guard(mutation::is_active(@), lock);")):
            self.assertIn(expected, self.made)

    def test_what_the_compiler_evaluates_stays(self):
        for kept in ("3 + 4", "n + n", "kMost > 7", "Colour::green"):
            self.assertFalse([each for each in self.made if each[1] == kept], kept)


class Schema(unittest.TestCase):
    def mutation(self, text, before, after, shape="expression"):
        start = text.index(before)
        return operators.Mutation("", pathlib.Path("lib/a.cpp"), start, start + len(before), 1, "", before, after, shape)

    def test_switches_nest_and_only_one_is_active(self):
        text = "int f(int a, int b) { if (a < b && a != 7) return 1; a += b; return a; }\n"
        mutations = [self.mutation(text, "a < b && a != 7", "a < b || a != 7"), self.mutation(text, "a < b", "a <= b"),
                     self.mutation(text, "a < b", "!(a < b)"), self.mutation(text, "a += b;", "", "statements"),
                     self.mutation(text, "a < b && a != 7", "", "condition")]
        mutants = [schema.Mutant(i, m) for i, m in enumerate(schema.compatible(mutations[:4]), 1)]
        self.assertEqual(len(mutants), 4)
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work)
            (root / "lib/base").mkdir(parents=True)
            (root / "lib/a.cpp").write_text(text + "#include <cstdio>\nint main() {\n"
                                            "  for (int a = 6; a < 9; ++a) std::printf(\"%d \", f(a, 7));\n}\n")
            schema.write(root, mutants)
            subprocess.run(["g++", "-std=c++20", f"-I{root}/lib", "-o", root / "a", root / "lib/a.cpp"], check=True)
            said = [subprocess.run([root / "a"], env={"TRESTLE_MUTANT": str(n)}, capture_output=True, text=True,
                                   check=True).stdout for n in range(6)]
            self.assertEqual(schema.lines_of(root, mutants), {("lib/a.cpp", 2): {1, 2, 3, 4}})
        self.assertEqual(said, ["1 14 15 ", "1 14 1 ", "1 14 15 ", "13 14 1 ", "1 7 8 ", "1 14 15 "])

    def test_ranges_that_overlap_are_not_both_taken(self):
        text = "a; b; c;"
        mutations = [self.mutation(text, "a; b;", "b; a;", "statements"), self.mutation(text, "b; c;", "c; b;", "statements"),
                     self.mutation(text, "b;", "", "statements")]
        self.assertEqual(list(schema.compatible(mutations)), [mutations[0], mutations[2]])


class Hand(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work)
            (root / "lib").mkdir()
            (root / "lib/a.hpp").write_text("int a = 1;\nint b = 1;\n")
            (root / "hand.txt").write_text(text)
            return hand.read(root / "hand.txt", root)

    def test_an_entry_is_a_mutation(self):
        (one,) = self.read("# all\n[b is two]\nlib/a.hpp\n< int b = 1;\n> int b = 2;\n")
        self.assertEqual((one.operator, one.line, one.after, one.shape), ("b is two", 2, "int b = 2;", "statements"))

    def test_what_is_not_there_once_is_refused_by_its_line(self):
        for text, why in (("[x]\nlib/a.hpp\n< = 1\n> = 2\n", "stands 2 times"),
                          ("[x]\nlib/a.hpp\n< c\n> d\n", "stands 0 times"),
                          ("[x]\nlib/b.hpp\n< c\n> d\n", "there is no lib/b.hpp"), ("[x]\n< c\n> d\n", "has no file"),
                          ("[x]\nlib/a.hpp\nwhat\n", "hand.txt:3")):
            with self.assertRaisesRegex(hand.Malformed, why):
                self.read(text)


class Judging(unittest.TestCase):
    def run_stage(self, script, deadline=30.0):
        judging = judge.Judge(None, None, None, 0, 1)
        return judging.run(judge.Stage("s", ["sh", "-c", script], deadline), 5)

    def test_a_failure_is_told_by_its_line(self):
        self.assertIsNone(self.run_stage("exit 0"))
        self.assertEqual(self.run_stage("echo ok; echo /a/b.cpp:3: Failure; exit 1"), ("exit 1", "/a/b.cpp:3: Failure"))
        self.assertEqual(self.run_stage("kill -SEGV $$")[0], "SIGSEGV")
        self.assertEqual(self.run_stage("exec sleep 100", 0.2)[0], "no end")

    def test_one_stage_alone_judges_where_that_is_wanted(self):
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work)
            (root / "fuzz/fuzz").mkdir(parents=True)
            (root / "fuzz/fuzz/targets.txt").write_text("heap_ops\tops\tall\nthreads\tops\tseveral\n")
            (root / "source/fuzz/corpus/threads").mkdir(parents=True)
            names = lambda **how: [stage.name for stage in
                                   judge.Judge(root / "plain", root / "fuzz", root / "source", 60, 1, **how).stages("slab")]
            self.assertEqual(names(), ["properties", "corpus.threads", "fuzz.heap_ops", "fuzz.bitmap_heap_ops", "fuzz.corrupt"])
            self.assertEqual(names(by="properties"), ["properties"])
            self.assertEqual(names(by="fuzz.threads"), ["fuzz.threads"])
            self.assertEqual(names(by="fuzz"), [])
            for from_nothing, seeds in ((False, 1), (True, 0)):
                judging = judge.Judge(None, root / "fuzz", root / "source", 60, 1, "fuzz.threads", from_nothing)
                (stage,) = judging.fuzzing("slab")
                self.assertEqual(sum("corpus" in word for word in map(str, stage.command)), seeds)
                self.assertIn("-max_total_time=60", stage.command)

    def fuzzed_by(self, root, by):
        """A judge by targets that start, and have been asked for no more than that, or fail."""
        (root / "fuzz/fuzz").mkdir(parents=True, exist_ok=True)
        (root / "fuzz/fuzz/targets.txt").write_text("heap_ops\tops\tall\nthreads\tops\tseveral\n")
        for target in ("heap_ops", "threads"):
            program = root / "fuzz/fuzz" / target
            program.write_text(f'#!/bin/sh\necho $0 >>{root}/started\ncase "$*" in *-runs=0) ;; *) exit 1;; esac\n')
            program.chmod(0o755)
        return judge.Judge(root / "plain", root / "fuzz", root / "source", 60, 1, by)

    def test_of_fuzzing_the_start_alone_is_measured(self):
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work)
            judging = self.fuzzed_by(root, "fuzz.threads")
            judging.measure()
            self.assertEqual((root / "started").read_text().split(), [str(root / "fuzz/fuzz/threads")])
            self.assertEqual(list(judging.usual), ["fuzz.threads"])

    def test_what_judges_nothing_is_refused(self):
        with tempfile.TemporaryDirectory() as work:
            for by in ("fuzz.nothing", "fuzz", "units.nothing", "corpus.heap_ops"):
                with self.assertRaisesRegex(RuntimeError, f"nothing judges that is named '{by}'"):
                    self.fuzzed_by(pathlib.Path(work), by).measure()
            self.assertFalse((pathlib.Path(work) / "started").exists())

    def test_the_mutant_is_told_to_the_program(self):
        self.assertEqual(self.run_stage('echo "$TRESTLE_MUTANT"; exit 1'), ("exit 1", "5"))

    def test_errors_are_told_to_the_mutants_on_their_lines(self):
        root = pathlib.Path("/s")
        said = "/s/lib/a.hpp:7:3: error: no\n/usr/include/x:7:1: error: no\n/s/lib/a.hpp:9: note\n"
        lines = {("lib/a.hpp", 7): {1, 2}, ("lib/a.hpp", 8): {3}}
        self.assertEqual(trees.at_fault(said, root, lines), {1, 2})


class Sources(unittest.TestCase):
    def test_only_what_is_other_is_written_again(self):
        with tempfile.TemporaryDirectory() as work:
            source, fresh = pathlib.Path(work) / "source", pathlib.Path(work) / "fresh"
            before, after = {"a/same": "1", "a/other": "1", "b/old": "1"}, {"a/same": "1", "a/other": "2", "c/new": "3"}
            for root, texts in (source, before), (fresh, after):
                for name, text in texts.items():
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_text(text)
            for path in source.rglob("*"):
                os.utime(path, (1, 1))
            trees.renew(source, fresh)
            found = {str(path.relative_to(source)): (path.read_text(), path.stat().st_mtime == 1)
                     for path in source.rglob("*") if path.is_file()}
        self.assertEqual(found, {"a/same": ("1", True), "a/other": ("2", False), "c/new": ("3", False)})

    def test_the_first_run_makes_its_folder(self):
        with tempfile.TemporaryDirectory() as work:
            root = pathlib.Path(work) / "project"
            (root / "lib/base").mkdir(parents=True)
            (root / "lib/base/a.cpp").write_text("int a = 1;\n")
            subprocess.run("git init -q && git add lib", cwd=root, shell=True, check=True)
            source = root / "build/mutants/source"
            trees.put(root, source, [])
            self.assertEqual((source / "lib/base/a.cpp").read_text(), "int a = 1;\n")


class Verdicts(unittest.TestCase):
    def test_what_is_explained_does_not_count(self):
        killed, missed = {"killed_by": "units", "reason": ""}, {"killed_by": "", "reason": ""}
        explained = {"killed_by": "", "reason": "the same"}
        for rows, at_least, enough in (([killed] * 9 + [missed], 90, True), ([killed] * 9 + [missed], 91, False),
                                       ([killed] * 9 + [missed] * 2, 90, False), ([killed, explained], 100, True),
                                       ([killed, explained, missed], 100, False), ([explained], 100, True)):
            self.assertEqual(main.are_enough(rows, at_least), enough, (rows, at_least))

    def test_a_place_that_is_gone_is_refused(self):
        main.refuse_stale({"lib/a.hpp: f": "the same"}, {"lib/a.hpp: f", "lib/b.hpp: g"})
        with self.assertRaisesRegex(hand.Malformed, "no mistake can be made there any more: lib/c.hpp: h"):
            main.refuse_stale({"lib/a.hpp: f": "the same", "lib/c.hpp: h": "the same"}, {"lib/a.hpp: f"})


class Page(unittest.TestCase):
    def test_survivors_come_first_and_nothing_is_markup(self):
        mutation = operators.Mutation("<op>", pathlib.Path("lib/a.hpp"), 0, 1, 4, "f", "a < b", "a <= b", "expression")
        rows = [page.row_of(schema.Mutant(1, mutation), judge.Verdict("units", "x", 0.5), ""),
                page.row_of(schema.Mutant(2, mutation), judge.Verdict(), "the same")]
        with tempfile.TemporaryDirectory() as work:
            page.write_html(pathlib.Path(work) / "a.html", rows, {"seed": 1})
            text = (pathlib.Path(work) / "a.html").read_text()
            page.write_junit(pathlib.Path(work) / "a.xml", [*rows, page.row_of(schema.Mutant(3, mutation), judge.Verdict(), "")])
            suite = xml.parse(pathlib.Path(work) / "a.xml").getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("3", "1"))
        self.assertEqual([case.findtext("failure") for case in suite], [None, None, "a < b -> a <= b"])
        self.assertEqual(suite[2].get("name"), "lib/a.hpp:4, <op>")
        self.assertIn("1 of 2 killed", text)
        self.assertLess(text.index("survived. the same"), text.index("killed>"))
        self.assertNotIn("<op>", text)


if __name__ == "__main__":
    unittest.main()
