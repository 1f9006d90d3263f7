// Reach: what roots lead to, through blocks, and what leads what is not reached.
#include "leak/reach.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "base/arith.hpp"
#include "child.hpp"

namespace trestle {
namespace {

constexpr std::size_t kWord = sizeof(std::uintptr_t);

// Blocks of so many words each, side by side with a word between.
class ReachTest : public testing::Test {
 protected:
  static constexpr std::size_t kBlocks = 40;
  static constexpr std::size_t kWords = 6;
  using Words = std::array<std::uintptr_t, kWords>;

  void SetUp() override {
    ASSERT_TRUE(reach_.make_room(kBlocks));
    for (std::size_t i = kBlocks; i-- > 0;) reach_.add(&block(i), sizeof(Words));
    reach_.begin();
  }
  Words& block(std::size_t index) { return memory_[2 * index]; }
  std::uintptr_t address(std::size_t index, std::size_t byte = 0) { return address_of(&block(index)) + byte; }
  void point(std::size_t from, std::size_t to, std::size_t word = 0) { block(from)[word] = address(to); }
  void mark(const std::vector<std::uintptr_t>& roots) {
    const auto* const from = reinterpret_cast<const std::byte*>(roots.data());
    reach_.mark_from(from, from + roots.size() * kWord);
  }
  std::set<std::size_t> reached() {
    std::set<std::size_t> found;
    for (std::size_t i = 0; i < kBlocks; ++i)
      if (reach_.find(&block(i))->state == Reach::State::reached) found.insert(i);
    return found;
  }
  // Index -> (followers, their bytes).
  std::map<std::size_t, std::pair<std::size_t, std::size_t>> leaders() {
    struct Found {
      ReachTest& test;
      std::map<std::size_t, std::pair<std::size_t, std::size_t>> all;
    } found{*this, {}};
    reach_.for_each_leader(
        [](const Reach::Leader& leader, void* context) {
          auto& into = *static_cast<Found*>(context);
          const std::size_t index = (address_of(leader.at) - into.test.address(0)) / (2 * sizeof(Words));
          EXPECT_EQ(leader.bytes, sizeof(Words));
          EXPECT_TRUE(into.all.emplace(index, std::pair{leader.followers, leader.follower_bytes}).second) << index;
        },
        &found);
    return found.all;
  }
  using Count = std::pair<std::size_t, std::size_t>;
  static Count followers(std::size_t count) { return {count, count * sizeof(Words)}; }

  std::array<Words, 2 * kBlocks> memory_{};
  Reach reach_;
};

TEST_F(ReachTest, KnowsTheBlockAroundAnAddress) {
  for (const std::size_t i : {std::size_t{0}, std::size_t{7}, kBlocks - 1}) {
    const auto at = [&](std::size_t byte) { return reach_.find(reinterpret_cast<const void*>(address(i, byte))); };
    ASSERT_NE(at(0), nullptr);
    EXPECT_EQ(at(0)->at, reinterpret_cast<const std::byte*>(&block(i)));
    EXPECT_EQ(at(1), at(0));
    EXPECT_EQ(at(sizeof(Words) - 1), at(0));
    EXPECT_EQ(at(sizeof(Words)), at(0)) << "a pointer behind the last element";
    EXPECT_EQ(at(sizeof(Words) + 1), nullptr);
  }
  EXPECT_EQ(reach_.find(reinterpret_cast<const void*>(address(0) - 1)), nullptr);
  EXPECT_EQ(reach_.find(nullptr), nullptr);
}

TEST_F(ReachTest, FollowsPointersThroughBlocks) {
  point(1, 2);
  point(2, 3, kWords - 1);
  point(3, 1);
  point(5, 6);
  mark({0, address(1), 12345});
  EXPECT_EQ(reached(), (std::set<std::size_t>{1, 2, 3}));
  EXPECT_EQ(reach_.unreached(), kBlocks - 3);
  reach_.mark_from_word(address(5));
  EXPECT_EQ(reached(), (std::set<std::size_t>{1, 2, 3, 5, 6}));
}

TEST_F(ReachTest, TakesAPointerAnywhereIntoABlock) {
  mark({address(1, 1), address(2, sizeof(Words) - 1), address(3, sizeof(Words) + 1), address(5) - 1});
  EXPECT_EQ(reached(), (std::set<std::size_t>{1, 2}));
}

// As of an array without elements, behind its count.
TEST_F(ReachTest, TakesAPointerToABlocksEnd) {
  mark({address(kBlocks - 1, sizeof(Words)), address(4, sizeof(Words))});
  EXPECT_EQ(reached(), (std::set<std::size_t>{4, kBlocks - 1}));
}

TEST(Reach, TakesTheBlockThatBeginsWhereAnotherEnds) {
  std::array<std::uintptr_t, 4> memory{};
  Reach reach;
  ASSERT_TRUE(reach.make_room(2));
  reach.add(&memory[0], 2 * kWord);
  reach.add(&memory[2], 2 * kWord);
  reach.begin();
  reach.mark_from_word(address_of(&memory[2]));
  EXPECT_EQ(reach.find(&memory[0])->state, Reach::State::unreached);
  EXPECT_EQ(reach.find(&memory[2])->state, Reach::State::reached);
}

TEST_F(ReachTest, ReadsWholeAlignedWordsOfARoot) {
  std::array<std::uintptr_t, 4> root{address(1), address(2), address(3), address(4)};
  const auto* const from = reinterpret_cast<const std::byte*>(root.data());
  reach_.mark_from(from + 1, from + sizeof root - 1);
  EXPECT_EQ(reached(), (std::set<std::size_t>{2, 3}));
  reach_.mark_from(from + 1, from + kWord);
  EXPECT_EQ(reached(), (std::set<std::size_t>{2, 3})) << "there is no whole one";
}

TEST_F(ReachTest, PassesOverWhatCannotBeRead) {
  constexpr std::size_t kPages = 40;
  auto* const pages = static_cast<std::byte*>(
      mmap(nullptr, kPages * kOsPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  for (std::size_t i = 0; i < kPages; ++i) {
    const std::uintptr_t word = address(i);
    std::memcpy(pages + i * kOsPage + kOsPage - kWord, &word, kWord);
  }
  for (const std::size_t closed : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{20}, kPages - 1})
    ASSERT_EQ(mprotect(pages + closed * kOsPage, kOsPage, PROT_NONE), 0);
  reach_.mark_from(pages, pages + kPages * kOsPage);
  EXPECT_EQ(reached().size(), kPages - 5);
  for (const std::size_t closed : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{20}, kPages - 1})
    EXPECT_FALSE(reached().contains(closed)) << closed;
  munmap(pages, kPages * kOsPage);
}

TEST(Reach, ReadsALargeBlockThatItsOwnerHasClosedInPart) {
  constexpr std::size_t kBytes = 4 * kOsPage;
  std::uintptr_t small = 0;
  auto* const large =
      static_cast<std::byte*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(large, MAP_FAILED);
  const std::uintptr_t word = address_of(&small);
  std::memcpy(large + kBytes - kWord, &word, kWord);
  ASSERT_EQ(mprotect(large + kOsPage, kOsPage, PROT_NONE), 0);
  Reach reach;
  ASSERT_TRUE(reach.make_room(2));
  reach.add(large, kBytes);
  reach.add(&small, sizeof small);
  reach.begin();
  reach.mark_from_word(address_of(large + 100));
  EXPECT_EQ(reach.unreached(), 0U);
  munmap(large, kBytes);
}

TEST(Reach, KnowsBlocksOfNoBytes) {
  std::array<std::byte, 64> memory{};
  Reach reach;
  ASSERT_TRUE(reach.make_room(2));
  reach.add(memory.data(), 0);
  reach.add(memory.data() + 16, 0);
  reach.begin();
  reach.mark_from_word(address_of(memory.data() + 1));
  EXPECT_EQ(reach.unreached(), 2U);
  reach.mark_from_word(address_of(memory.data()));
  EXPECT_EQ(reach.unreached(), 1U);
}

// They may be led to, but lead to nothing.
TEST(Reach, DoesNotFollowBlocksThatLeadNowhere) {
  std::array<std::uintptr_t, 6> memory{};
  Reach reach;
  ASSERT_TRUE(reach.make_room(3));
  reach.add(&memory[0], kWord, false);
  reach.add(&memory[2], kWord, true);
  reach.add(&memory[4], kWord, false);
  reach.begin();
  memory[0] = address_of(&memory[2]);
  memory[2] = address_of(&memory[4]);
  reach.mark_from_word(address_of(&memory[0]));
  EXPECT_EQ(reach.find(&memory[0])->state, Reach::State::reached);
  EXPECT_EQ(reach.unreached(), 2U);
  reach.mark_from_word(address_of(&memory[2]));
  EXPECT_EQ(reach.unreached(), 0U);
}

// Whether anything leads to them or not; and it tells how much it has read for that.
TEST(Reach, TakesTheWordsOfAllThatAreFollowed) {
  std::array<std::uintptr_t, 8> memory{};
  Reach reach;
  ASSERT_TRUE(reach.make_room(4));
  reach.add(&memory[0], kWord, false);
  reach.add(&memory[2], 2 * kWord, true);
  reach.add(&memory[4], kWord, true);
  reach.add(&memory[6], kWord, false);
  reach.begin();
  memory[2] = address_of(&memory[4]);
  memory[4] = address_of(&memory[6]);
  memory[6] = address_of(&memory[0]);
  reach.mark_followed();
  EXPECT_EQ(reach.unreached(), 1U);
  EXPECT_EQ(reach.find(&memory[0])->state, Reach::State::unreached);
  EXPECT_EQ(reach.bytes_read(), 3 * kWord) << "each once";
}

TEST(Reach, HasNoRoomForAsManyAsThat) {
  Reach reach;
  EXPECT_FALSE(reach.make_room(std::size_t{UINT32_MAX} + 1));
  ASSERT_TRUE(reach.make_room(0));
  reach.begin();
  reach.mark_from_word(1);
  EXPECT_EQ(reach.unreached(), 0U);
  EXPECT_EQ(reach.find(&reach), nullptr);
}

TEST_F(ReachTest, CountsWhatOnlyALeaderLeadsTo) {
  point(1, 2);
  point(2, 3);
  point(1, 4, 1);
  point(4, 9);
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i == 0 || i == 9 || i > 10) reach_.mark_from_word(address(i));
  const auto found = leaders();
  EXPECT_EQ(found.size(), 6U) << "1, and 5 to 8 and 10 alone";
  EXPECT_EQ(found.at(1), followers(3));
  EXPECT_EQ(found.at(10), followers(0));
}

// Whoever comes first has it.
TEST_F(ReachTest, CountsAFollowerOnce) {
  point(1, 3);
  point(2, 3);
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i == 0 || i > 3) reach_.mark_from_word(address(i));
  const auto found = leaders();
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at(1).first + found.at(2).first, 1U);
}

TEST_F(ReachTest, LetsTheFirstOfARingLead) {
  point(4, 5);
  point(5, 6);
  point(6, 4);
  point(7, 7);
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i < 4 || i > 7) reach_.mark_from_word(address(i));
  const auto found = leaders();
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at(4), followers(2));
  EXPECT_EQ(found.at(7), followers(0)) << "that it leads to itself makes it nobody's";
}

// Wherever they lie: whoever is told first is no leader when another turns out to lead to it.
TEST_F(ReachTest, LetsNoBlockLeadThatAnotherLeadsTo) {
  point(6, 7);
  point(7, 6);
  point(7, 4, 1);
  point(4, 5);
  point(9, 8);
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i < 4 || i > 9) reach_.mark_from_word(address(i));
  const auto found = leaders();
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at(6), followers(3)) << "7, and the tail of the two";
  EXPECT_EQ(found.at(9), followers(1));
}
TEST_F(ReachTest, LetsNoRingLeadThatIsEnteredFromBehind) {
  point(4, 5);
  point(5, 4);
  point(6, 5);
  for (std::size_t i = 0; i < kBlocks; ++i)
    if (i < 4 || i > 6) reach_.mark_from_word(address(i));
  const auto found = leaders();
  EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(found.at(6), followers(2));
}

TEST(Reach, ReadsABlockOnAPageThatItsOwnerHasClosed) {
  auto* const page = static_cast<std::byte*>(mmap(nullptr, kOsPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  Reach reach;
  ASSERT_TRUE(reach.make_room(1));
  reach.add(page, 100);
  reach.begin();
  reach.mark_from_word(address_of(page));
  EXPECT_EQ(reach.unreached(), 0U);
  munmap(page, kOsPage);
}

using Edges = std::map<std::size_t, std::set<std::size_t>>;
std::set<std::size_t> from(std::size_t first, Edges& edges) {
  std::set<std::size_t> found;
  std::vector<std::size_t> next{first};
  while (!next.empty()) {
    const std::size_t at = next.back();
    next.pop_back();
    if (found.insert(at).second) next.insert(next.end(), edges[at].begin(), edges[at].end());
  }
  return found;
}

// Graphs of all kinds, held to a plain search.
TEST_F(ReachTest, AgreesWithAPlainSearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    memory_ = {};
    Edges edges;
    for (std::size_t i = random() % (2 * kBlocks); i-- > 0;) {
      const std::size_t at = random() % kBlocks;
      const std::size_t to = random() % kBlocks;
      const std::size_t word = random() % kWords;
      block(at)[word] = address(to, random() % sizeof(Words));
    }
    for (std::size_t i = 0; i < kBlocks; ++i)
      for (const std::uintptr_t word : block(i))
        if (word != 0) edges[i].insert((word - address(0)) / (2 * sizeof(Words)));
    std::set<std::size_t> wanted;
    std::vector<std::uintptr_t> roots;
    for (std::size_t i = random() % 4; i-- > 0;) {
      const std::size_t root = random() % kBlocks;
      wanted.merge(from(root, edges));
      roots.push_back(address(root));
    }
    SetUp();
    mark(roots);
    EXPECT_EQ(reached(), wanted) << round;
    std::size_t told = 0;
    const auto all = leaders();
    for (const auto& [leader, count] : all) {
      EXPECT_FALSE(wanted.contains(leader)) << round;
      told += 1 + count.first;
      std::set<std::size_t> led = from(leader, edges);
      led.erase(leader);
      for (const std::size_t other : led) EXPECT_FALSE(all.contains(other)) << round << ": it leads to another leader";
    }
    EXPECT_EQ(told, kBlocks - wanted.size()) << "each that was not reached is told once";
  }
}

TEST(Reach, HasNoRoomWhereThereIsNoMemory) {
  if (TRESTLE_UNDER_TSAN) GTEST_SKIP() << "it ends where its own memory is refused";
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    EXPECT_EQ(run_in_child([&] {
                Reach reach;
                if (!forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM)) return 1;
                return reach.make_room(10) ? 2 : 0;
              }),
              0);
  }
}

}  // namespace
}  // namespace trestle
