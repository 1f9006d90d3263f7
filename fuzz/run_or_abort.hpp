// An input of a fuzz target, run: a fresh heap of the policy that the program names, and an abort with a report iff it fails.
#pragma once

#include <cstdint>
#include <optional>

#include "base/policy.hpp"
#include "ops/program.hpp"
#include "ops/world.hpp"
#include "report.hpp"

namespace trestle::ops {

template <template <Policy> class HostUnder, Policy P>
void run_under_or_abort(const Program& program) {
  static HostUnder<P> host;
  if (const std::optional<Failure> failure = run(program, host)) report_and_abort(program, *failure);
}

// One input: the program that the bytes are, on a fresh heap of the policy that it names. Aborts with a report iff it fails.
template <template <Policy> class HostUnder>
void run_or_abort(const Vocabulary& vocabulary, const std::uint8_t* data, std::size_t size) {
  static Program program;
  decode(vocabulary, {data, size}, program);
  switch (program.stage.policy) {
    case PolicyName::fast:
      return run_under_or_abort<HostUnder, kFast>(program);
    case PolicyName::hardened:
      return run_under_or_abort<HostUnder, kHardened>(program);
    case PolicyName::debug:
      return run_under_or_abort<HostUnder, kDebug>(program);
  }
}

}  // namespace trestle::ops
