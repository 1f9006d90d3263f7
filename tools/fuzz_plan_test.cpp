#include "fuzz_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "failure.hpp"

namespace trestle::tool {
namespace {

namespace fs = std::filesystem;

const Target kTarget{"heap_ops", "ops", "x"};

class FuzzPlanTest : public testing::Test {
 protected:
  FuzzPlanTest() {
    std::string name = testing::TempDir() + "trestle-fuzz-XXXXXX";
    directory_ = mkdtemp(name.data());
    harnesses_ = {std::nullopt, "/kit/fuzz", directory_ / "seeds", "/kit/props", "/found"};
  }
  ~FuzzPlanTest() override { fs::remove_all(directory_); }

  FuzzPlan plan(const FuzzRequest& request) { return plan_fuzz(request, kTarget, harnesses_); }
  fs::path write(const std::string& name) {
    std::ofstream(directory_ / name) << "x";
    return directory_ / name;
  }

  fs::path directory_;
  Harnesses harnesses_;
};

bool has(const FuzzPlan& plan, const std::string& word) {
  return std::find(plan.words.begin(), plan.words.end(), word) != plan.words.end();
}

TEST_F(FuzzPlanTest, WritesToTheFirstDirectoryAndOnlyReadsTheSeeds) {
  fs::create_directories(directory_ / "seeds/corpus/heap_ops");
  fs::create_directories(directory_ / "seeds/regressions/heap_ops");
  const FuzzPlan made = plan({});
  ASSERT_GE(made.words.size(), 3U);
  EXPECT_EQ(made.words.front(), "/kit/fuzz/heap_ops");
  const std::vector<std::string> last(made.words.end() - 3, made.words.end());
  EXPECT_EQ(last, (std::vector<std::string>{"/found/heap_ops", directory_ / "seeds/corpus/heap_ops",
                                            directory_ / "seeds/regressions/heap_ops"}));
}

TEST_F(FuzzPlanTest, KeepsCrashesBesideTheCorpusAndNotInIt) {
  EXPECT_EQ(plan({}).artifacts, "/found/heap_ops-crashes");
  FuzzRequest request;
  request.corpus = "/tmp/mine/";
  EXPECT_EQ(plan(request).corpus, "/tmp/mine");
  EXPECT_EQ(plan(request).artifacts, "/tmp/mine-crashes");
  request.artifacts = "/tmp/theirs";
  EXPECT_TRUE(has(plan(request), "-artifact_prefix=/tmp/theirs/"));
}

TEST_F(FuzzPlanTest, MakesGivenDirectoriesAbsolute) {
  FuzzRequest request;
  request.corpus = "mine";
  EXPECT_EQ(plan(request).corpus, fs::current_path() / "mine");
  EXPECT_EQ(plan(request).words.back(), (fs::current_path() / "mine").string());
}

TEST_F(FuzzPlanTest, SaysSecondsAndJobsOnlyWhereTheyAreAskedFor) {
  for (const std::string& word : plan({}).words) {
    EXPECT_FALSE(word.starts_with("-max_total_time") || word.starts_with("-jobs") || word.starts_with("-workers"))
        << word;
  }
  FuzzRequest request;
  request.seconds = 60;
  request.jobs = 3;
  EXPECT_TRUE(has(plan(request), "-max_total_time=60"));
  EXPECT_TRUE(has(plan(request), "-jobs=3"));
  EXPECT_TRUE(has(plan(request), "-workers=3"));  // libFuzzer's own choice would be half the processors
}

TEST_F(FuzzPlanTest, ForksAsManyAsTheJobsAndGoesOnAfterACrash) {
  FuzzRequest request;
  request.fork = true;
  request.jobs = 3;
  EXPECT_TRUE(has(plan(request), "-fork=3"));
  EXPECT_TRUE(has(plan(request), "-ignore_crashes=1"));
  EXPECT_FALSE(has(plan(request), "-jobs=3"));
}

TEST_F(FuzzPlanTest, LetsTheCallersOptionsWin) {
  FuzzRequest request;
  request.options = {"-max_len=64", "-runs=1"};
  const FuzzPlan made = plan(request);
  const auto ours = std::find(made.words.begin(), made.words.end(), "-max_len=512");
  const auto theirs = std::find(made.words.begin(), made.words.end(), "-max_len=64");
  ASSERT_NE(theirs, made.words.end());
  EXPECT_LT(ours, theirs);  // of two libFuzzer takes the last
}

TEST_F(FuzzPlanTest, RefusesForSeveralJobsWhatAShellWouldChange) {
  FuzzRequest request;
  request.corpus = "/tmp/a b";
  EXPECT_EQ(plan(request).corpus, "/tmp/a b");
  request.jobs = 2;
  try {
    static_cast<void>(plan(request));
    FAIL() << "handed a space to a shell";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("/tmp/a b"), std::string::npos);
  }
}

TEST_F(FuzzPlanTest, MakesTheDirectoryAndLeavesNothingInIt) {
  require_writable(directory_ / "new/corpus");
  EXPECT_TRUE(fs::is_empty(directory_ / "new/corpus"));
}

TEST_F(FuzzPlanTest, NamesTheDirectoryThatCannotBeMadeOrWrittenTo) {
  const fs::path file = write("file");
  for (const fs::path& bad : {file / "corpus", fs::path("/proc/self"), fs::path("/proc/nosuch/corpus")}) {
    try {
      require_writable(bad);
      FAIL() << bad << " was taken for writable";
    } catch (const Failure& failure) {
      EXPECT_NE(std::string(failure.what()).find(bad.string()), std::string::npos) << failure.what();
    }
  }
}

TEST_F(FuzzPlanTest, KnowsAnInputThatFailedFromTheTextBesideItAndFromSlowOnes) {
  const fs::path crash = write("crash-12");
  const fs::path leak = write("leak-34");
  write("crash-12.txt");
  write("crash-12.min.txt");
  write("slow-unit-5");
  write("fuzz-0.log");
  const CrashTimes found = crashes_in(directory_);
  EXPECT_EQ(found.size(), 2U);
  EXPECT_TRUE(found.contains(crash));
  EXPECT_TRUE(found.contains(leak));
  EXPECT_TRUE(crashes_in(directory_ / "nosuch").empty());
}

TEST_F(FuzzPlanTest, KeepsTheInputsThatFailedAndMakesNoDirectoryForNone) {
  const fs::path kept = directory_ / "kept";
  write("seeds");
  EXPECT_TRUE(keep_crashes(directory_, kept).empty());
  EXPECT_FALSE(fs::exists(kept));
  write("oom-12");
  EXPECT_EQ(keep_crashes(directory_, kept), std::vector<fs::path>{kept / "oom-12"});
  EXPECT_EQ(keep_crashes(directory_, kept), std::vector<fs::path>{kept / "oom-12"});  // over the one that is there
  EXPECT_TRUE(fs::exists(kept / "oom-12"));
}

TEST(NewCrashes, AreThoseThatWereNotThereOrWereWrittenAgain) {
  const fs::file_time_type now = fs::file_time_type::clock::now();
  const CrashTimes before{{"crash-1", now}, {"crash-2", now}};
  const CrashTimes after{{"crash-1", now}, {"crash-2", now + std::chrono::seconds(1)}, {"crash-3", now}};
  EXPECT_EQ(new_crashes(before, after), (std::vector<fs::path>{"crash-2", "crash-3"}));
}

}  // namespace
}  // namespace trestle::tool
