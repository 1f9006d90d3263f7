"""The cases of a test program, and which of its expectations speaks of which: for run.py and every_row.py.

`each WORD...` and every `by AXIS WORD...` give words, and a case takes one of each: they are the program's arguments, in the
order of the axes. An expectation that names policies may name words in brackets behind them,

  //: fault hardened debug [8B 4KiB thread]: KIND in CALL

and then speaks of the cases that have, of each axis of which it names words, one of these."""
import itertools
import re


class Unclear(Exception):
    pass


def lines_of(source):
    return [line[3:].strip() for line in open(source) if line.startswith("//:")]


def axes_of(lines):
    """Words by axis. No word is on two."""
    axes = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "each":
            axes.setdefault("", []).extend(rest.split())
        elif word == "by":
            name, *words = rest.split()
            axes.setdefault(name, []).extend(words)
    every = [word for words in axes.values() for word in words]
    twice = {word for word in every if every.count(word) > 1}
    if twice:
        raise Unclear(f"two words of the axes are the same: {', '.join(sorted(twice))}")
    return axes


def cases_of(axes):
    """Tuples of words; without an axis, one of none."""
    return list(itertools.product(*axes.values()))


def addressed(rest):
    """POLICY... [WORD...]: WHAT in its three parts."""
    parts = re.fullmatch(r"([\w ]+?)(?: \[(.+?)\])?: (.+)", rest)
    if parts is None:
        raise Unclear(f"no policies and what they expect: {rest}")
    return parts[1].split(), (parts[2] or "").split(), parts[3]


def speaks_of(words, case, axes):
    unknown = set(words) - {word for axis in axes.values() for word in axis}
    if unknown:
        raise Unclear(f"on no axis: {', '.join(sorted(unknown))}")
    return all(here in words or not set(words) & set(axis) for here, axis in zip(case, axes.values()))


EXPECTATIONS = ("fault", "warning", "finds", "killed", "without")


def expectations(lines):
    """(directive, policies, words, what) of each line that a policy has to itself."""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in EXPECTATIONS and ":" in rest:
            yield word, *addressed(rest)


def expected_of(lines, axes, policy, case):
    """(directive, what) of the one line that speaks of the case under the policy; None: silence is expected."""
    found = [(word, what) for word, policies, words, what in expectations(lines)
             if policy in policies and speaks_of(words, case, axes)]
    if len(found) > 1:
        raise Unclear(f"{len(found)} lines speak of {' '.join(case)} under {policy}: {found}")
    return found[0] if found else None


def told_of(lines, policy):
    """What the lines `told` promise under the policy, in their order."""
    told = [addressed(line.partition(" ")[2]) for line in lines if line.startswith("told ")]
    return [what for policies, _, what in told if policy in policies]


def require_all_heard(lines, axes):
    """Each line speaks of some case."""
    for word, _, words, what in expectations(lines):
        if not any(speaks_of(words, case, axes) for case in cases_of(axes)):
            raise Unclear(f"no case is meant: {word} [{' '.join(words)}]: {what}")
