#include "report/history.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "child.hpp"

namespace trestle {
namespace {

const void* block_at(std::uintptr_t address) { return reinterpret_cast<const void*>(address); }

// A call whose only frame is this.
CallSite call_from(std::uintptr_t address) { return {nullptr, reinterpret_cast<const void*>(address)}; }
std::uintptr_t caller_in(const PastCall& call) {
  if (call.trace == nullptr || call.trace->depth() == 0) return 0;
  return reinterpret_cast<std::uintptr_t>(call.trace->return_address(0));
}

struct HistoriesTest : testing::Test {
  std::unique_ptr<Histories> histories_ = std::make_unique<Histories>(16);

  void expect(const void* block, std::uintptr_t allocated, std::uintptr_t freed) const {
    const History history = histories_->of(block);
    EXPECT_EQ(caller_in(history.allocated), allocated) << block;
    EXPECT_EQ(caller_in(history.freed), freed) << block;
  }
};

// Neighbours, and addresses that differ in one bit alone.
TEST_F(HistoriesTest, AreKeptForEachAddress) {
  constexpr std::uintptr_t kFirst = 0x7F55AA5500F0;
  std::vector<std::uintptr_t> blocks{kFirst};
  for (std::uintptr_t bit = 0x10; bit < std::uintptr_t{1} << 47; bit <<= 1) blocks.push_back(kFirst ^ bit);
  for (const std::uintptr_t at : blocks) {
    histories_->begin(block_at(at), 1, call_from(at + 1));
    EXPECT_TRUE(histories_->end(block_at(at), call_from(at + 2)));
  }
  for (const std::uintptr_t at : blocks) expect(block_at(at), at + 1, at + 2);
  expect(block_at(0x30), 0, 0);
  expect(block_at(0x5000000000), 0, 0);
}

TEST_F(HistoriesTest, OfSpansAreKeptForEachGranule) {
  constexpr std::uintptr_t kStarts[] = {0x10010, 0x20020, 0x30000};
  Histories of_spans(std::size_t{64} << 10);
  for (const std::uintptr_t at : kStarts) of_spans.begin(block_at(at), 1, call_from(at + 1));
  for (const std::uintptr_t at : kStarts) EXPECT_EQ(caller_in(of_spans.of(block_at(at)).allocated), at + 1);
}

// A block whose history there is no memory for has none, as long as it lives.
TEST_F(HistoriesTest, AreNotKeptWhereMemoryIsShort) {
  for (const long call : {SYS_mmap, SYS_mprotect}) {
    EXPECT_EQ(run_in_child([&] {
                constexpr std::uintptr_t kNear = 0x5000'0000'0000;
                constexpr std::uintptr_t kFar = 0x2000'0000'0000;
                histories_->begin(block_at(kNear), 1, call_from(1));
                if (!forbid_call(call, SECCOMP_RET_ERRNO | ENOMEM)) return 1;
                for (const std::uintptr_t at : {kFar, kNear + (std::uintptr_t{1} << 34)}) {
                  histories_->begin(block_at(at), 1, call_from(2));
                  if (histories_->of(block_at(at)).allocated.trace != nullptr) return 2;
                  if (histories_->end(block_at(at), call_from(3))) return 3;
                  histories_->revive(block_at(at));
                }
                return caller_in(histories_->of(block_at(kNear)).allocated) == 1 ? 0 : 4;
              }),
              0);
  }
}

TEST_F(HistoriesTest, NameTheThread) {
  histories_->begin(block_at(0x1000), 1, call_from(1));
  int other = 0;
  std::thread([&] {
    other = own_thread_id();
    EXPECT_TRUE(histories_->end(block_at(0x1000), call_from(2)));
  }).join();
  const History history = histories_->of(block_at(0x1000));
  EXPECT_EQ(history.allocated.thread, own_thread_id());
  EXPECT_EQ(history.freed.thread, other);
  EXPECT_NE(other, own_thread_id());
}

TEST_F(HistoriesTest, KeepTheFirstWhoFreed) {
  const void* const block = block_at(0x1000);
  histories_->begin(block, 1, call_from(1));
  EXPECT_TRUE(histories_->end(block, call_from(2)));
  EXPECT_FALSE(histories_->end(block, call_from(3)));
  expect(block, 1, 2);
}

TEST_F(HistoriesTest, BeginAnewWithTheNextBlock) {
  const void* const block = block_at(0x1000);
  histories_->begin(block, 1, call_from(1));
  EXPECT_TRUE(histories_->end(block, call_from(2)));
  histories_->begin(block, 1, call_from(3));
  expect(block, 3, 0);
  EXPECT_TRUE(histories_->end(block, call_from(4)));
  expect(block, 3, 4);
}

TEST_F(HistoriesTest, GoOnAfterAReleaseThatWasNone) {
  const void* const block = block_at(0x1000);
  histories_->begin(block, 1, call_from(1));
  EXPECT_TRUE(histories_->end(block, call_from(2)));
  histories_->revive(block);
  expect(block, 1, 0);
  EXPECT_TRUE(histories_->end(block, call_from(3)));
  expect(block, 1, 3);
}

// Where no block is known of, there is nothing to end, and asking takes no memory.
TEST_F(HistoriesTest, AreEmptyWhereNothingBegan) {
  EXPECT_FALSE(histories_->end(block_at(0x1000), call_from(1)));
  histories_->begin(block_at(0x1010), 1, call_from(2));
  EXPECT_FALSE(histories_->end(block_at(0x1000), call_from(1))) << "there is a table now";
  histories_->revive(block_at(0x1000));
  expect(block_at(0x1000), 0, 0);
  expect(nullptr, 0, 0);
}

// As the heap has them: a slot has at least a byte of pad, and a page's at most.
TEST_F(HistoriesTest, KnowTheRequestOfASlot) {
  const void* const block = block_at(0x1000);
  EXPECT_EQ(histories_->of(block).request_of(64), 0U) << "nothing began there";
  for (const std::size_t served : {std::size_t{16}, std::size_t{112}, std::size_t{4096}, std::size_t{32768}}) {
    for (std::size_t pad = 1; pad <= 4096 && pad < served; ++pad) {
      histories_->begin(block, served - pad, call_from(1));
      ASSERT_EQ(histories_->of(block).request_of(served), served - pad) << served;
      EXPECT_EQ(histories_->of(block).request_of(0), 0U) << "no block is concerned";
    }
  }
  EXPECT_EQ(caller_in(histories_->of(block).allocated), 1U);
  EXPECT_EQ(histories_->of(block).allocated.thread, own_thread_id());
  histories_->begin(block, Histories::kUnknownRequest, call_from(1));
  EXPECT_EQ(histories_->of(block).request_of(8192), 0U) << "it may have more pad";
  EXPECT_EQ(caller_in(histories_->of(block).allocated), 1U);
}

// Of several that free one block, one is the first.
TEST_F(HistoriesTest, HaveOneFirstWhoFreed) {
  for (std::uintptr_t at = 0x1000; at < 0x1000 + 500 * 16; at += 16) {
    histories_->begin(block_at(at), 1, call_from(1));
    std::array<bool, 2> first{};
    std::thread other([&] { first[0] = histories_->end(block_at(at), call_from(2)); });
    first[1] = histories_->end(block_at(at), call_from(3));
    other.join();
    EXPECT_NE(first[0], first[1]);
    EXPECT_EQ(caller_in(histories_->of(block_at(at)).freed), first[0] ? 2U : 3U);
  }
}

}  // namespace
}  // namespace trestle
