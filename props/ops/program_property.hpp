// The stateful property, over any host: no program violates an expectation. A counterexample is shrunk by ddmin to the ops
// that matter, since RapidCheck's own shrinking is super-linear in them, and shown as C++ that pastes into a regression.
#pragma once

#include <ostream>
#include <string>

#include "ops/ddmin.hpp"
#include "ops/generate.hpp"
#include "ops/world.hpp"
#include "property.hpp"

namespace trestle::ops {

// RapidCheck shows a value by this.
inline void showValue(const Program& program, std::ostream& out) { out << to_cpp(program); }

inline constexpr std::size_t kOpsPerSize = 2;  // RapidCheck's sizes run from 0 to 100

inline rc::Gen<Program> programs(const Vocabulary& vocabulary) {
  return rc::gen::withSize([&vocabulary](int size) {
    return rc::gen::noShrink(rc::gen::map(any<std::uint64_t>(), [&vocabulary, size](std::uint64_t number) {
      Random random(number);
      return generate(vocabulary, random, static_cast<std::size_t>(size) * kOpsPerSize);
    }));
  });
}

template <Host H>
[[nodiscard]] std::string counterexample(const Program& program, const Failure& failure, H& host) {
  const auto fails = [&](const Program& part) {
    const std::optional<Failure> same = run(part, host);
    return same && same->what == failure.what;
  };
  const Program smallest = shrink(program, fails);
  const std::optional<Failure> last = run(smallest, host);
  return std::string(name_of(failure.what)) + " (" + (last ? last->detail : failure.detail) + ") in\n" +
         to_cpp(smallest);
}

// False, with the counterexample on stderr, iff some program fails.
template <Host H>
[[nodiscard]] bool holds_for_all_programs(const std::string& claim, const Vocabulary& vocabulary, H& host) {
  return holds(claim, [&] {
    const Program program = *programs(vocabulary);
    if (const std::optional<Failure> failure = run(program, host)) RC_FAIL(counterexample(program, *failure, host));
  });
}

}  // namespace trestle::ops
