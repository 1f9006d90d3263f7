// The stateful property, over any engine: no program violates an expectation. A counterexample is shrunk by ddmin to the ops
// that matter, since RapidCheck's own shrinking is super-linear in them, and shown as C++ that pastes into a regression.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "ops/ddmin.hpp"
#include "ops/generate.hpp"
#include "ops/oracle.hpp"
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

// Performs a program on a fresh engine, as those of ops/runners.hpp.
using Runner = std::function<std::optional<Failure>(const Program&)>;

[[nodiscard]] inline std::string counterexample(const Program& program, const Failure& failure, const Runner& run_on) {
  const auto fails = [&](const Program& part) {
    const std::optional<Failure> same = run_on(part);
    return same && same->what == failure.what;
  };
  const Program smallest = shrink(program, fails);
  const std::optional<Failure> last = run_on(smallest);
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

// False, with the counterexample on stderr, iff some program fails under that policy. `prepare` is told a number of the case.
[[nodiscard]] inline bool holds_for_all_programs(const std::string& claim, const Vocabulary& vocabulary,
                                                 PolicyName policy, const Runner& run_on,
                                                 void (*prepare)(Stage&, const Vocabulary&,
                                                                 std::uint64_t) = leave_stage) {
  return holds(claim + " under " + name_of(policy), [&] {
    Program program = *programs(vocabulary);
    program.stage.policy = policy;
    prepare(program.stage, vocabulary, *any<std::uint64_t>());
    if (const std::optional<Failure> failure = run_on(program)) RC_FAIL(counterexample(program, *failure, run_on));
  });
}

inline void PrintTo(PolicyName policy, std::ostream* out) { *out << name_of(policy); }
// For suites of properties that are held under each policy, by TEST_P.
class UnderEachPolicy : public testing::TestWithParam<PolicyName> {};
inline const auto kEachPolicy = testing::Values(PolicyName::fast, PolicyName::hardened, PolicyName::debug);
inline std::string name_of_parameter(const testing::TestParamInfo<PolicyName>& info) { return name_of(info.param); }

}  // namespace trestle::ops
