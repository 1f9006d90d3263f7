"""Sources in which many mutations are at once, each behind a switch of its own: one build serves them all. The environment's
TRESTLE_MUTANT is the number of the one that is active; 0, or none: the program is what it was."""
import dataclasses
import re

SWITCH = """// Written by ci/mutation: which mutation is active in this process.
#pragma once

#include <cstdlib>
#include <optional>

namespace trestle::mutation {

inline int read_active() noexcept {
  const char* const said = std::getenv("TRESTLE_MUTANT");
  return said == nullptr ? 0 : std::atoi(said);
}
inline const int active = read_active();

// What the compiler evaluates stays as it is.
[[gnu::always_inline]] constexpr bool is_active(int number) noexcept {
  return !__builtin_is_constant_evaluated() && active == number;
}

// A lock that is not taken while its mutation is active.
template <class Lock>
class Maybe {
 public:
  template <class... Args>
  explicit Maybe(bool is_skipped, Args&... args) noexcept {
    if (!is_skipped) lock_.emplace(args...);
  }
  Maybe(const Maybe&) = delete;
  Maybe& operator=(const Maybe&) = delete;

 private:
  std::optional<Lock> lock_;
};

}  // namespace trestle::mutation
"""
HEADER = "base/mutation_switch.hpp"


@dataclasses.dataclass(frozen=True)
class Mutant:
    number: int
    mutation: object


def write(root, mutants):
    """Puts the mutants into the sources below root."""
    (root / "lib" / HEADER).write_text(SWITCH)
    by_file = {}
    for mutant in mutants:
        by_file.setdefault(mutant.mutation.path, []).append(mutant)
    for path, those in by_file.items():
        full = root / path
        full.write_text(with_switch(path, switched(full.read_bytes(), those)))


def with_switch(path, text):
    """Includes the switch before anything that uses it."""
    include = f'#include "{HEADER}"\n'
    if path.suffix == ".hpp":
        return text.replace("#pragma once\n", "#pragma once\n" + include, 1)
    return include + text


def nested(those):
    """[(mutants of one range, [what lies inside]...)], ranges from the left. Ranges that overlap and do not nest: the later
    ones are left out, which `write` is never asked for."""
    those = sorted(those, key=lambda m: (m.mutation.start, -m.mutation.end))
    at = 0
    while at < len(those):
        start, end = those[at].mutation.start, those[at].mutation.end
        same = [m for m in those[at:] if (m.mutation.start, m.mutation.end) == (start, end)]
        at += len(same)
        inside = []
        while at < len(those) and those[at].mutation.start < end:
            inside.append(those[at])
            at += 1
        yield same, inside


def switched(text, those, first=0, last=None):
    """The bytes from first to last with the mutants that lie there."""
    last = len(text) if last is None else last
    out, at = [], first
    for same, inside in nested(those):
        start, end = same[0].mutation.start, same[0].mutation.end
        out.append(text[at:start].decode())
        out.append(wrapped(same, switched(text, inside, start, end)))
        at = end
    out.append(text[at:last].decode())
    return "".join(out)


def wrapped(same, rest):
    """The mutants of one range around what it is without them."""
    for mutant in same:
        after, active = mutant.mutation.after, f"::trestle::mutation::is_active({mutant.number})"
        shape = mutant.mutation.shape
        if shape == "expression":
            rest = f"({active} ? ({after}) : ({rest}))"
        elif shape == "condition":
            rest = f"(!{active} && ({rest}))"
        elif shape == "statements":
            rest = f"if ({active}) {{ {after} }} else {{ {rest} }}"
        else:
            rest = after.replace("@", str(mutant.number)).replace("mutation::", "::trestle::mutation::")
    return rest


def compatible(mutations):
    """Of those, in their order, the ones whose ranges nest or lie apart, at most one declaration a place."""
    chosen = {}
    for mutation in mutations:
        there = chosen.setdefault(mutation.path, [])
        if all(fits(mutation, other) for other in there):
            there.append(mutation)
            yield mutation


def fits(one, other):
    apart = one.end <= other.start or other.end <= one.start
    if apart:
        return True
    inner, outer = sorted((one, other), key=lambda m: m.end - m.start)
    if not (outer.start <= inner.start and inner.end <= outer.end):
        return False
    if "declaration" in (one.shape, other.shape):
        return False
    return (inner.start, inner.end) != (outer.start, outer.end) or one.shape == other.shape


def lines_of(root, mutants):
    """{(path, line): numbers} of what was written, by which a compiler's errors are told to whom they belong."""
    found = {}
    for path in {mutant.mutation.path for mutant in mutants}:
        for line, text in enumerate((root / path).read_text().split("\n"), 1):
            for number in re.findall(r"mutation::is_active\((\d+)\)", text):
                found.setdefault((str(path), line), set()).add(int(number))
    return found
