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

// A stage without a buffer, for engines that have none but in one, gets a buffer, of any size below the vocabulary's limit.
inline void give_buffer(Stage& stage, const Vocabulary& vocabulary, std::uint64_t number) {
  Random random(number);
  if (stage.buffer_bytes == 0)
    stage.buffer_bytes = static_cast<std::uint32_t>(1 + random.below(vocabulary.largest_first_buffer));
}
// The same, and pages of any size to a stage without.
inline void give_pages(Stage& stage, const Vocabulary& vocabulary, std::uint64_t number) {
  give_buffer(stage, vocabulary, number);
  Random random(~number);
  if (stage.page_bytes == 0) stage.page_bytes = kLeastPage << random.below(kPageSizes);
}
inline void leave_stage(Stage&, const Vocabulary&, std::uint64_t) {}

// False, with the counterexample on stderr, iff some program fails. `prepare` is told a number of the case.
template <Host H>
[[nodiscard]] bool holds_for_all_programs(const std::string& claim, const Vocabulary& vocabulary, H& host,
                                          void (*prepare)(Stage&, const Vocabulary&, std::uint64_t) = leave_stage) {
  return holds(claim, [&] {
    Program program = *programs(vocabulary);
    prepare(program.stage, vocabulary, *any<std::uint64_t>());
    if (const std::optional<Failure> failure = run(program, host)) RC_FAIL(counterexample(program, *failure, host));
  });
}

}  // namespace trestle::ops
