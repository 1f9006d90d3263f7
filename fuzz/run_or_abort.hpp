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

// One input: the program that the bytes are, on a fresh heap of the policy that it names; HostOfBuffer if it names a buffer.
// Aborts with a report iff it fails.
template <template <Policy> class HostUnder, template <Policy> class HostOfBuffer = HostUnder>
void run_or_abort(const Vocabulary& vocabulary, const std::uint8_t* data, std::size_t size) {
  static Program program;
  decode(vocabulary, {data, size}, program);
  const bool buffer = program.stage.buffer_bytes != 0;
  switch (program.stage.policy) {
    case PolicyName::fast:
      return buffer ? run_on_or_abort<HostOfBuffer<kFast>>(program) : run_on_or_abort<HostUnder<kFast>>(program);
    case PolicyName::hardened:
      return buffer ? run_on_or_abort<HostOfBuffer<kHardened>>(program)
                    : run_on_or_abort<HostUnder<kHardened>>(program);
    case PolicyName::debug:
      return buffer ? run_on_or_abort<HostOfBuffer<kDebug>>(program) : run_on_or_abort<HostUnder<kDebug>>(program);
  }
}

}  // namespace trestle::ops
