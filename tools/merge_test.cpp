#include "merge.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "failure.hpp"

namespace trestle::tool {
namespace {

namespace fs = std::filesystem;

class MergeTest : public testing::Test {
 protected:
  MergeTest() {
    std::string name = testing::TempDir() + "trestle-merge-XXXXXX";
    directory_ = mkdtemp(name.data());
    corpus_ = directory_ / "corpus";
    fs::create_directories(corpus_ / "below");
    for (const char* const input : {"a", "b", "below/c"}) write(corpus_ / input);
  }
  ~MergeTest() override { fs::remove_all(directory_); }

  static void write(const fs::path& file) { std::ofstream(file) << "x"; }
  [[nodiscard]] std::set<std::string> there() const {
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory_))
      if (entry.is_regular_file()) names.insert(fs::relative(entry.path(), directory_));
    return names;
  }

  const std::set<std::string> before_{"corpus/a", "corpus/b", "corpus/below/c"};
  fs::path directory_;
  fs::path corpus_;
};

TEST_F(MergeTest, PutsWhatIsKeptInThePlaceOfAll) {
  const Merged merged = merge_corpus(corpus_, [&](const fs::path& fresh, const fs::path& corpus) {
    EXPECT_TRUE(fs::is_empty(fresh));
    EXPECT_EQ(fresh.parent_path(), corpus.parent_path());
    write(fresh / "d");
    EXPECT_EQ(there().size(), 4U);  // all that was there is, until the merge has ended
    return true;
  });
  EXPECT_EQ(merged.before, 3U);
  EXPECT_EQ(merged.after, 1U);
  EXPECT_EQ(there(), std::set<std::string>{"corpus/d"});
}

TEST_F(MergeTest, LeavesTheCorpusWhereItFailsHalfWay) {
  const auto fail = [&](const fs::path& fresh, const fs::path&) {
    write(fresh / "d");
    return false;
  };
  EXPECT_THROW(merge_corpus(corpus_, fail), Failure);
  EXPECT_EQ(there(), before_);
}

TEST_F(MergeTest, LeavesTheCorpusWhereNothingWouldBeKept) {
  EXPECT_THROW(merge_corpus(corpus_, [](const fs::path&, const fs::path&) { return true; }), Failure);
  EXPECT_EQ(there(), before_);
}

TEST_F(MergeTest, KeepsWhatCameMeanwhile) {
  merge_corpus(corpus_, [&](const fs::path& fresh, const fs::path& corpus) {
    write(fresh / "d");
    write(corpus / "late");
    return true;
  });
  EXPECT_EQ(there(), (std::set<std::string>{"corpus/d", "corpus/late"}));
}

TEST_F(MergeTest, FollowsALinkInsteadOfReplacingIt) {
  fs::create_symlink(corpus_, directory_ / "link");
  merge_corpus(directory_ / "link", [&](const fs::path& fresh, const fs::path&) { return write(fresh / "d"), true; });
  EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
  EXPECT_TRUE(fs::exists(corpus_ / "d"));
}

}  // namespace
}  // namespace trestle::tool
