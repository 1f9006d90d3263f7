// The property is shown to fail, and to say so in ops that can be pasted.
#include "ops/program_property.hpp"

#include <gtest/gtest.h>

#include "ops/fake_engine.hpp"

namespace trestle::ops {
namespace {

Runner on(FakeHost& host) {
  return [&host](const Program& program) { return run(program, host); };
}

TEST(ProgramProperty, HoldsForASoundEngine) {
  FakeHost host(Bug::none);
  EXPECT_TRUE(holds_for_all_programs("the fake engine is sound", kBufferVocabulary, PolicyName::debug, on(host)));
}

TEST(ProgramProperty, FailsForAPlantedBugAndShowsTheSmallestProgram) {
  FakeHost host(Bug::drops_realloc_contents);
  testing::internal::CaptureStderr();
  EXPECT_FALSE(holds_for_all_programs("a bug is planted", kBufferVocabulary, PolicyName::fast, on(host)));
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_NE(shown.find("contents lost"), std::string::npos) << shown;
  EXPECT_NE(shown.find("- a bug is planted under fast\n"), std::string::npos) << shown;
  const std::size_t smallest = shown.rfind("Program{Stage{.policy = PolicyName::fast,");
  ASSERT_NE(smallest, std::string::npos) << shown;
  EXPECT_NE(shown.find("Reallocate{.slot = SlotId{", smallest), std::string::npos) << shown;
}

TEST(ProgramProperty, SaysWithWhichParametersItFailsAgainBeforeACaseCanEndTheProcess) {
  std::string shown;
  testing::internal::CaptureStderr();
  const auto fails = [&] {
    shown += testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    RC_FAIL("no");
  };
  EXPECT_FALSE(holds("never", fails, 3));
  (void)testing::internal::GetCapturedStderr();
  const std::string before = "RC_PARAMS=\"";
  const std::size_t start = shown.find(before);
  ASSERT_NE(start, std::string::npos) << shown;
  const std::size_t first = start + before.size();
  const std::string printed = shown.substr(first, shown.find('"', first) - first);
  EXPECT_EQ(rc::detail::configFromString(printed), rc::detail::configuration()) << shown;
}

TEST(ProgramProperty, CounterexampleOfADroppedReallocIsTwoOps) {
  FakeHost host(Bug::drops_realloc_contents);
  Random random(3);
  const Program program = generate(kBufferVocabulary, random, 100);
  const std::optional<Failure> failure = run(program, host);
  ASSERT_TRUE(failure.has_value());
  const std::string shown = counterexample(program, *failure, on(host));
  EXPECT_NE(shown.find("{\n    Allocate{"), std::string::npos) << shown;
  EXPECT_NE(shown.find("},\n    Reallocate{"), std::string::npos) << shown;
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 4) << shown;
}

}  // namespace
}  // namespace trestle::ops
