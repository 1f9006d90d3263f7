#include "rounds.hpp"

#include <gtest/gtest.h>

#include "failure.hpp"

namespace trestle::tool {
namespace {

TEST(Rounds, BeginWithTheSeedThatWasAskedForAndDiffer) {
  EXPECT_EQ(seed_of_round(7, 0), 7U);
  EXPECT_EQ(seed_of_round(7, 3), 10U);
  EXPECT_EQ(seed_of_round(UINT64_MAX, 1), 0U);
}

TEST(Rounds, KeepTheCallersParametersButNotTheSeed) {
  EXPECT_EQ(parameters_with_seed("", 5), "seed=5");
  EXPECT_EQ(parameters_with_seed("max_success=1000  seed=1 verbose_shrinking=1", 5),
            "max_success=1000 verbose_shrinking=1 seed=5");
}

TEST(Rounds, ReadGoogleTestsList) {
  const std::string told =
      "Running main() from main.cpp\nHeap.\n  IsSound\n  IsSoundToo\nSizes/Bins.  # TypeParam = int\n"
      "  Fit/0  # GetParam() = 16\n";
  EXPECT_EQ(parse_test_list(told), (std::vector<std::string>{"Heap.IsSound", "Heap.IsSoundToo", "Sizes/Bins.Fit/0"}));
}

TEST(Rounds, ChooseTestsByAPartOfTheirNames) {
  const std::vector<std::string> names{"Heap.IsSound", "BufferHeap.IsSound"};
  EXPECT_EQ(matching(names, "^Heap"), std::vector<std::string>{"Heap.IsSound"});
  EXPECT_EQ(matching(names, "(Buffer|Fat)Heap"), std::vector<std::string>{"BufferHeap.IsSound"});
  EXPECT_EQ(matching(names, "."), names);
}

TEST(Rounds, RefuseAPatternThatIsNoneOrMatchesNothing) {
  const auto complaint = [](const std::string& pattern) -> std::string {
    try {
      static_cast<void>(matching({"Heap.IsSound"}, pattern));
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status, kUsage);
      return failure.what();
    }
    return "";
  };
  EXPECT_EQ(complaint("Slab"), "no test's name matches Slab");
  EXPECT_NE(complaint("(").find("not a regular expression: ("), std::string::npos);
}

TEST(Rounds, RunExactlyTheChosenTests) { EXPECT_EQ(filter_for({"A.b", "C.d"}), "--gtest_filter=A.b:C.d:"); }

TEST(Rounds, AreRepeatedWithTheCallersParameters) {
  EXPECT_EQ(repeat_command("", 5, ""), "trestle props --seed 5");
  EXPECT_EQ(repeat_command("seed=1", 5, "^Heap"), "trestle props --seed 5 -R '^Heap'");
  EXPECT_EQ(repeat_command(" max_success=1000  seed=1 max_size=9", 5, ""),
            "RC_PARAMS='max_success=1000 max_size=9' trestle props --seed 5");
}

TEST(Rounds, PrintACommandThatAShellTakes) {
  EXPECT_EQ(quoted("^Heap.*$"), "'^Heap.*$'");
  EXPECT_EQ(quoted("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace trestle::tool
