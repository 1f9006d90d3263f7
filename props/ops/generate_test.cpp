#include "ops/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace trestle::ops {
namespace {

constexpr std::size_t kMost = 32 * kRecordBytes;

TEST(Generate, GivesTheSameProgramForTheSameSeed) {
  Random one(5);
  Random same(5);
  Random other(6);
  const Program program = generate(kHeapVocabulary, one, 50);
  EXPECT_EQ(program, generate(kHeapVocabulary, same, 50));
  EXPECT_NE(program, generate(kHeapVocabulary, other, 50));
}

TEST(Generate, GivesOpsThatMostlyMeanSomething) {
  Random random(7);
  std::size_t enabled = 0;
  const Program program = generate(kBufferVocabulary, random, 1000);
  Model model(kBufferVocabulary.features, program.stage.buffer_bytes, program.stage.slot_limit,
              program.stage.processors);
  for (const Op& op : program.ops) {
    if (!is_enabled(op, model)) continue;
    apply_to(op, model);
    ++enabled;
  }
  EXPECT_EQ(program.ops.size(), 1000U);
  EXPECT_GT(enabled, 900U);
}

TEST(Generate, SpeaksTheWholeVocabulary) {
  for (const Vocabulary* vocabulary : {&kHeapVocabulary, &kBufferVocabulary}) {
    Random random(8);
    std::set<std::size_t> spoken;
    for (const Op& op : generate(*vocabulary, random, 2000).ops) spoken.insert(op.index());
    EXPECT_EQ(spoken, std::set<std::size_t>(vocabulary->ops.begin(), vocabulary->ops.end()));
  }
}

TEST(Mutate, KeepsWholeRecordsWithinTheRoom) {
  Random random(9);
  std::vector<std::uint8_t> bytes(kMost);
  std::size_t size = 0;
  std::set<std::size_t> sizes;
  for (int i = 0; i < 5000; ++i) {
    const std::size_t room = kRecordBytes + random.below(kMost - kRecordBytes);
    size = mutate({bytes.data(), std::max(room, size)}, size, random);
    ASSERT_EQ(size % kRecordBytes, 0U);
    ASSERT_GE(size, kRecordBytes);
    ASSERT_LE(size, kMost);
    sizes.insert(size);
  }
  EXPECT_GT(sizes.size(), 10U);
}

TEST(Mutate, ChangesOnlyWholeRecords) {
  Random random(10);
  std::vector<std::uint8_t> bytes(kMost);
  for (std::uint8_t& byte : bytes) byte = random.byte();
  for (int i = 0; i < 200; ++i) {
    std::vector<std::uint8_t> mutant = bytes;
    mutant.resize(2 * kMost);
    const std::size_t size = mutate(mutant, bytes.size(), random);
    std::set<Record> before;
    for (std::size_t at = 0; at < bytes.size(); at += kRecordBytes) {
      Record record;
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), kRecordBytes, record.begin());
      before.insert(record);
    }
    std::size_t fresh = 0;
    for (std::size_t at = 0; at < size; at += kRecordBytes) {
      Record record;
      std::copy_n(mutant.begin() + static_cast<std::ptrdiff_t>(at), kRecordBytes, record.begin());
      fresh += before.contains(record) ? 0U : 1U;
    }
    EXPECT_LE(fresh, 4U);  // a mutation is at most four changes, each of one record
  }
}

// Left to themselves, programs grow to the limit and stay there.
TEST(Mutate, KeepsOfALongProgramAStretchOfAnyLength) {
  Random random(13);
  std::vector<std::uint8_t> bytes(kMost);
  for (std::uint8_t& byte : bytes) byte = random.byte();
  std::size_t quarters[4] = {};
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::uint8_t> mutant = bytes;
    const std::size_t size = mutate(mutant, bytes.size(), random);
    ++quarters[(size - 1) * 4 / kMost];
  }
  for (const std::size_t mutants : quarters) EXPECT_GT(mutants, 100U);
}

TEST(Mutate, LeavesNothingWhereNoRecordFits) {
  Random random(11);
  std::vector<std::uint8_t> bytes(kRecordBytes - 1);
  EXPECT_EQ(mutate(bytes, bytes.size(), random), 0U);
}

TEST(Cross, TakesEveryRecordFromAParentInOrder) {
  Random random(12);
  // Records of the left parent start with 0x10, of the right with 0x80; the second byte counts.
  const auto parent = [](std::uint8_t mark, std::uint8_t count) {
    std::vector<std::uint8_t> bytes;
    for (std::uint8_t i = 0; i < count; ++i) bytes.insert(bytes.end(), {mark, i, 0, 0, 0, 0, 0, 0});
    return bytes;
  };
  const auto left = parent(0x10, 12);
  const auto right = parent(0x80, 9);
  bool mixed = false;
  for (int i = 0; i < 300; ++i) {
    std::vector<std::uint8_t> child(kRecordBytes * (1 + random.below(24)));
    const std::size_t size = cross(left, right, child, random);
    ASSERT_EQ(size % kRecordBytes, 0U);
    ASSERT_GE(size, kRecordBytes);
    EXPECT_EQ(child[1], 0);  // the stage is a parent's
    int last[] = {-1, -1};
    for (std::size_t at = 0; at < size; at += kRecordBytes) {
      ASSERT_TRUE(child[at] == 0x10 || child[at] == 0x80);
      int& before = last[child[at] == 0x10 ? 0 : 1];
      EXPECT_GT(int{child[at + 1]}, before);
      before = child[at + 1];
    }
    mixed = mixed || (last[0] > 0 && last[1] > 0);
  }
  EXPECT_TRUE(mixed);
}

TEST(Cross, GoesOnWithOneParentWhereTheOtherIsEmpty) {
  Random random(13);
  const std::vector<std::uint8_t> only(3 * kRecordBytes, 7);
  std::vector<std::uint8_t> child(5 * kRecordBytes);
  EXPECT_EQ(cross(only, {}, child, random), only.size());
  EXPECT_EQ(cross({}, only, child, random), only.size());
  EXPECT_EQ(cross({}, {}, child, random), 0U);
}

}  // namespace
}  // namespace trestle::ops
