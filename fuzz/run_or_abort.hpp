// An input of a fuzz target, run: a fresh heap of the policy that the program names, and an abort with a report iff it fails.
#pragma once

#include <cstdint>
#include <optional>

#include "base/policy.hpp"
#include "ops/program.hpp"
#include "ops/world.hpp"
#include "report.hpp"

namespace trestle::ops {

template <class H>
void run_on_or_abort(const Program& program) {
  static H host;
  if (const std::optional<Failure> failure = run(program, host)) report_and_abort(program, *failure);
}

template <template <Policy> class HostUnder, template <Policy> class HostOfBuffer, Policy P>
void run_under(const Program& program) {
  if (program.stage.buffer_bytes != 0) return run_on_or_abort<HostOfBuffer<P>>(program);
  run_on_or_abort<HostUnder<with_short_quarantines(P)>>(program);
}

// One input: the program that the bytes are, on a fresh heap of the policy that it names; HostOfBuffer if it names a buffer.
// Aborts with a report iff it fails.
template <template <Policy> class HostUnder, template <Policy> class HostOfBuffer = HostUnder>
void run_or_abort(const Vocabulary& vocabulary, const std::uint8_t* data, std::size_t size) {
  static Program program;
  decode(vocabulary, {data, size}, program);
  switch (program.stage.policy) {
    case PolicyName::fast:
      return run_under<HostUnder, HostOfBuffer, kFast>(program);
    case PolicyName::hardened:
      return run_under<HostUnder, HostOfBuffer, kHardened>(program);
    case PolicyName::debug:
      return run_under<HostUnder, HostOfBuffer, kDebug>(program);
  }
}

}  // namespace trestle::ops
