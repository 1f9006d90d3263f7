// Heap keeps every expectation under all programs and policies, and also where the OS refuses any one call.
#include <gtest/gtest.h>

#include "ops/program_property.hpp"
#include "ops/runners.hpp"

namespace trestle::ops {
namespace {

using HeapProperty = UnderEachPolicy;
INSTANTIATE_TEST_SUITE_P(Under, HeapProperty, kEachPolicy, name_of_parameter);

TEST_P(HeapProperty, Holds) {
  EXPECT_TRUE(holds_for_all_programs("Heap is sound", kHeapVocabulary, GetParam(), run_on_heap));
}

// Mistakes between the ops, and a system that refuses calls.
TEST_P(HeapProperty, NamesMisuseAndBearsRefusals) {
  EXPECT_TRUE(holds_for_all_programs("Heap names every misuse", kMisuseVocabulary, GetParam(), run_on_heap));
  EXPECT_TRUE(holds_for_all_programs("Heap bears refusals", kOomVocabulary, GetParam(), run_on_heap));
}

TEST_P(HeapProperty, SeesCorruption) {
  EXPECT_TRUE(holds_for_all_programs("Heap sees flipped bits", kCorruptVocabulary, GetParam(), run_on_heap));
}

// Of each program every call of the OS is refused once: the heap may answer null, and must stay sound.
TEST_P(HeapProperty, SurvivesAnyRefusal) {
  constexpr std::size_t kRefusedPrograms = 20;
  Random random(rc::detail::configuration().testParams.seed);
  std::size_t refusals = 0;
  for (std::size_t i = 0; i < kRefusedPrograms; ++i) {
    Program program = generate(kHeapVocabulary, random, 48);
    program.stage.policy = GetParam();
    ASSERT_EQ(run_on_heap(program).has_value(), false);
    const std::size_t calls = os_calls_of_heap(GetParam());
    for (std::size_t nth = 1; nth <= calls; ++nth, ++refusals) {
      program.stage.refuse_nth = static_cast<std::uint32_t>(nth);
      const std::optional<Failure> failure = run_on_heap(program);
      ASSERT_FALSE(failure.has_value()) << "call " << nth
                                        << " refused: " << counterexample(program, *failure, run_on_heap);
    }
  }
  EXPECT_GT(refusals, kRefusedPrograms);
}

}  // namespace
}  // namespace trestle::ops
