// Which block a call is about.
#include "trace/resolve.hpp"

#include "trace/traces_of_tests.hpp"

namespace trestle::trace {
namespace {

std::vector<Op> resolved(const std::vector<Called>& calls) {
  const TestFile file("t");
  write_trace(file.path(), calls);
  return ops_of(file.path());
}

TEST(Resolve, ABlockKeepsItsSlotAcrossThreads) {
  const std::vector<Op> ops = resolved(handed_over());
  ASSERT_EQ(ops.size(), 6U);
  EXPECT_EQ(ops[0].effect, Effect::begin);
  EXPECT_EQ(ops[2].effect, Effect::resize);
  EXPECT_EQ(ops[2].slot, ops[0].slot);
  EXPECT_EQ(ops[2].old_size, 100U);
  EXPECT_EQ(ops[3].effect, Effect::end);
  EXPECT_EQ(ops[3].slot, ops[0].slot);
  EXPECT_EQ(ops[3].old_size, 5000U);
  EXPECT_EQ(ops[4].effect, Effect::fail);
  EXPECT_EQ(ops[5].slot, ops[1].slot);
  EXPECT_NE(ops[1].slot, ops[0].slot);
}

// The slot of a block that another thread ended goes back to the thread that began it.
TEST(Resolve, SlotsAreUsedAgainByTheirThreads) {
  const std::vector<Op> ops = resolved({{0, {.call = Call::malloc, .size = 1, .after = 0x10}},
                                        {1, {.call = Call::free, .before = 0x10}},
                                        {1, {.call = Call::malloc, .size = 2, .after = 0x10}},
                                        {0, {.call = Call::malloc, .size = 3, .after = 0x20}}});
  EXPECT_NE(ops[2].slot, ops[0].slot);
  EXPECT_EQ(ops[3].slot, ops[0].slot);
}

TEST(Resolve, AReallocThatFailsChangesNothing) {
  const std::vector<Op> ops = resolved({{0, {.call = Call::malloc, .size = 1, .after = 0x10}},
                                        {0, {.call = Call::realloc, .size = 99, .before = 0x10}},
                                        {0, {.call = Call::realloc, .size = 0, .before = 0x10}},
                                        {0, {.call = Call::realloc, .size = 5, .after = 0x10}}});
  EXPECT_EQ(ops[1].effect, Effect::fail);
  EXPECT_EQ(ops[2].effect, Effect::end);
  EXPECT_EQ(ops[2].old_size, 1U);
  EXPECT_EQ(ops[3].effect, Effect::begin);
}

TEST(Resolve, StraysAndDoublesAreTold) {
  const std::vector<Op> ops = resolved({{0, {.call = Call::malloc, .size = 1, .after = 0x10}},
                                        {0, {.call = Call::malloc, .size = 1, .after = 0x10}},
                                        {0, {.call = Call::free, .before = 0x10}},
                                        {0, {.call = Call::free, .before = 0x10}},
                                        {0, {.call = Call::realloc, .size = 1, .before = 0x10, .after = 0x20}}});
  EXPECT_EQ(ops[1].effect, Effect::twice);
  EXPECT_EQ(ops[2].effect, Effect::end);
  EXPECT_EQ(ops[3].effect, Effect::stray);
  EXPECT_EQ(ops[4].effect, Effect::stray);
}

// While a realloc was under way, another thread got the memory that it gave back: two chunks, written by hand.
TEST(Resolve, AReallocHasTwoMoments) {
  const TestFile file("t");
  write_trace(file.path(), {});
  std::string bytes = file.read();
  const auto add = [&](std::uint32_t thread, const std::vector<Record>& records) {
    std::vector<std::uint64_t> words(kPage / 8);
    auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
    ChunkWriter begun;
    begun.begin(chunk, kPage, ChunkKind::calls, thread, bytes.size(), 0);
    Encoder encoder;
    encoder.begin(begun);
    for (const Record& record : records) encoder.put(record);
    bytes.append(chunk, chunk + kPage);
  };
  add(0, {{.call = Call::malloc, .begin = 1, .end = 1, .size = 8, .after = 0x10},
          {.call = Call::realloc, .begin = 2, .end = 4, .size = 80, .before = 0x10, .after = 0x50}});
  add(1, {{.call = Call::malloc, .begin = 3, .end = 3, .size = 8, .after = 0x10}});
  file.write(bytes);
  const std::vector<Op> ops = ops_of(file.path());
  ASSERT_EQ(ops.size(), 3U);
  EXPECT_EQ(ops[1].thread, 1U);
  EXPECT_EQ(ops[1].effect, Effect::begin);
  EXPECT_EQ(ops[2].effect, Effect::resize);
  EXPECT_EQ(ops[2].slot, ops[0].slot);
}

}  // namespace
}  // namespace trestle::trace
