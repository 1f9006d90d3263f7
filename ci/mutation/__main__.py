"""Plants mistakes in copies of lib/ and sees whether the tests find them: ci/mutation [options]

All chosen mutants are compiled at once, each behind a switch; what is run is told which one is active. The last line is
`mutants: K of N killed`. Exit status: 0; 1 when of those that nobody has explained (equivalent.txt) fewer were killed than
--at-least; 2 for a wrong option; 125 when the tool failed."""
import argparse
import pathlib
import random
import sys
import time

import hand
import judge
import operators
import page
import schema
import source
import trees

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FLAGS = ["-std=c++20", "-D_GNU_SOURCE", "-DTRESTLE_POLICY=kHardened", "-DTRESTLE_UNDER_TSAN=0", '-DTRESTLE_VERSION="0"',
         f"-I{ROOT}/lib", f"-I{ROOT}/lib/include"]
UNITS = ["trestle_props", "trestle_edge_units",
         *(f"trestle_units_{name}" for name in ("base", "os", "span", "block", "slab", "heap", "leak"))]


def natural(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"not a number of at least 1: {text!r}")
    return int(text)


def whole(text):
    return 0 if text == "0" else natural(text)


def percent(text):
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"not a number from 0 to 100: {text!r}")
    return int(text)


def options():
    parser = argparse.ArgumentParser(prog="trestle mutants", description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--hand", action="store_true", help="the mutants written by hand instead of a sample of all")
    parser.add_argument("--count", type=natural, default=250, help="how many at most (default: 250; --hand: all)")
    parser.add_argument("--seconds", type=natural, help="begin no other mutant after so long, builds not counted")
    parser.add_argument("--seed", type=int, default=1, help="which sample, in which order (default: 1)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only those whose place or name has this text")
    parser.add_argument("--no-fuzz", action="store_true", help="neither corpora nor fuzzing: units and properties alone")
    parser.add_argument("--fuzz-seconds", type=whole, default=60, metavar="N", help="of fuzzing each (default: 60)")
    parser.add_argument("--by", default="", metavar="STAGE",
                        help="this alone judges, as the report names it: units.heap, properties, corpus.oom, fuzz.threads")
    parser.add_argument("--from-nothing", action="store_true", help="fuzz without the stored corpora")
    parser.add_argument("--at-least", type=percent, default=100, metavar="PERCENT",
                        help="of those that are not explained, so many have to be killed (default: 100)")
    parser.add_argument("--jobs", type=natural, help="compilers at once (default: as many as processors)")
    parser.add_argument("--list", action="store_true", help="print the mutants that would be tried, and end")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/mutants",
                        help="where builds and report.html, report.json and report.xml go (default: build/mutants)")
    return parser.parse_args()


def all_mutations():
    """Of all sources, in the order of their places."""
    found = []
    for paths in source.translation_units(ROOT):
        for node in source.parse(ROOT, paths, FLAGS):
            found += operators.mutations_of(node)
    return sorted(set(found), key=lambda m: (str(m.path), m.start, m.end, m.operator, m.after))


def chosen(given):
    """What is tried, numbered in its order."""
    if given.hand:
        mutations = hand.read(HERE / "hand.txt", ROOT)
    else:
        source.load_libclang()
        mutations = all_mutations()
        refuse_stale(explained(), {mutation.place for mutation in mutations})
        random.Random(given.seed).shuffle(mutations)
    mutations = [each for each in mutations if given.only in each.place]
    picked = []
    for mutation in schema.compatible(mutations):
        if len(picked) == given.count and not given.hand:
            break
        picked.append(schema.Mutant(len(picked) + 1, mutation))
    if given.hand and len(picked) != len(mutations):
        raise hand.Malformed("hand.txt: two of the mutants change the same place")
    return picked


def explained():
    """{place: reason} of those that no test can tell from the program as it is."""
    reasons, place = {}, None
    for line in (HERE / "equivalent.txt").read_text().splitlines():
        if line.startswith("  ") and place is not None:
            reasons[place] = " ".join([reasons.get(place, ""), line.strip()]).strip()
        elif line and not line.startswith("#"):
            place = line.strip()
    return reasons


def refuse_stale(reasons, places):
    for place in reasons:
        if place not in places:
            raise hand.Malformed(f"equivalent.txt: no mistake can be made there any more: {place}")


def are_enough(rows, at_least):
    """Whether so many percent were killed of those that are not explained."""
    killed = sum(bool(row["killed_by"]) for row in rows)
    unexplained = sum(not row["killed_by"] and not row["reason"] for row in rows)
    return killed * 100 >= at_least * (killed + unexplained)


def tell(text):
    print(f"mutants: {text}", file=sys.stderr, flush=True)


def builds(given, mutants):
    """The judge of those that compile, and these."""
    output = given.output.resolve()
    plain = output / "plain"
    tell(f"building {len(mutants)} mutants")
    begun = time.monotonic()
    needs_programs = any(mutant.mutation.path.parts[1] in judge.EDGE for mutant in mutants)
    targets = ["lib/all", "props/all"] if needs_programs else UNITS
    there = trees.prepare(ROOT, output / "source", plain, trees.PLAIN, targets, mutants, given.jobs, tell)
    fuzz = None
    if not given.no_fuzz:
        fuzz = output / "fuzz"
        trees.configure(output / "source", fuzz, trees.FUZZ)
        said = trees.build(fuzz, ["fuzz_targets"], given.jobs)
        if said:
            raise trees.Broken(said[-4000:])
    tell(f"built {len(there)} in {time.monotonic() - begun:.0f} s")
    return judge.Judge(plain, fuzz, output / "source", given.fuzz_seconds, given.jobs, given.by, given.from_nothing), there


def tried(given, mutants):
    """(mutant, verdict) of each, as long as there is time."""
    judging, there = builds(given, mutants)
    judging.measure()
    begun = time.monotonic()
    for mutant in there:
        if given.seconds is not None and time.monotonic() - begun > given.seconds:
            break
        mutation = mutant.mutation
        verdict = judging.judge(mutant, mutation.path.parts[1])
        fate = f"killed by {verdict.killed_by}" if verdict.killed_by else "SURVIVED"
        tell(f"{mutant.number} {fate} in {verdict.seconds:.1f} s: {mutation.path}:{mutation.line}, {mutation.operator}")
        yield mutant, verdict


def main():
    given = options()
    mutants = chosen(given)
    if given.list:
        for mutant in mutants:
            print(f"{mutant.number}\t{mutant.mutation.line}\t{mutant.mutation.place}")
        return 0
    if not mutants:
        tell(f"no mutant has {given.only!r} in its place or name")
        return 2
    reasons = explained()
    rows = [page.row_of(mutant, verdict, "" if verdict.killed_by else reasons.get(mutant.mutation.place, ""))
            for mutant, verdict in tried(given, mutants)]
    head = {"kind": "hand" if given.hand else "automatic", "seed": given.seed, "fuzz seconds": given.fuzz_seconds}
    page.write_json(given.output / "report.json", rows, head)
    page.write_html(given.output / "report.html", rows, head)
    page.write_junit(given.output / "report.xml", rows)
    survivors = [row for row in rows if not row["killed_by"]]
    for row in survivors:
        tell(f"survivor {row['file']}:{row['line']}, {row['operator']}: {row['before']!r} -> {row['after']!r}"
             + (f" ({row['reason']})" if row["reason"] else ""))
    tell(f"report: {given.output / 'report.html'}")
    print(f"mutants: {len(rows) - len(survivors)} of {len(rows)} killed")
    return 0 if are_enough(rows, given.at_least) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (hand.Malformed, source.Unreadable, trees.Broken, RuntimeError) as error:
        tell(str(error))
        sys.exit(125)
