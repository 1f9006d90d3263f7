// However threads hand blocks over, an event of a block has a higher number than the one before it.
#include "trace/recorder/numbers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace trestle::trace {
namespace {

// A thread's numbers are its own: others find none of it in the table. The tests of a process share that.
std::uint32_t fresh_thread() {
  static std::atomic<std::uint32_t> threads{0};
  return threads.fetch_add(1);
}

Numbers numbers_of_a_thread() {
  static const bool has_begun = Numbers::begin();
  EXPECT_TRUE(has_begun);
  Numbers numbers;
  numbers.begin_thread(fresh_thread());
  return numbers;
}

TEST(Numbers, ABlockThatIsHandedOverIsNumberedBehindWhatWasDoneToIt) {
  Numbers one = numbers_of_a_thread();
  Numbers other = numbers_of_a_thread();
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t number = (i % 3 == 0 ? one : other).next(0x10000);
    ASSERT_GT(number, last);
    last = number;
  }
}

TEST(Numbers, AThreadThatIsAloneLeavesNoneOut) {
  Numbers numbers = numbers_of_a_thread();
  const std::uint64_t first = numbers.next(0x20000);
  for (std::uint64_t i = 1; i < 1000; ++i) ASSERT_EQ(numbers.next(0x20000 + i * 24), first + i);
}

TEST(Numbers, ACallAfterALongTimeIsNotToldAsOneOfLongAgo) {
  Numbers idle = numbers_of_a_thread();
  Numbers busy = numbers_of_a_thread();
  const std::uint64_t early = idle.next(0x30000);
  std::uint64_t late = early;
  for (std::uint64_t i = 0; i < 2 * Numbers::kStale; ++i) late = busy.next(0x40000);
  EXPECT_GT(idle.next(0x30000), late - Numbers::kRange);
}

// Blocks that share a piece of address space, so that threads are at odds about whose it is. What a block's last number was
// passes with the block.
struct Block {
  std::uint64_t address;
  std::uint64_t last = 0;
};

std::uint64_t hand_over(std::vector<std::atomic<Block*>>& places, std::uint64_t seed, std::size_t rounds) {
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(seed));
  Numbers numbers = numbers_of_a_thread();
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    if (random() % 64 == 0) std::this_thread::yield();  // so that they do take turns where there is one processor
    std::atomic<Block*>& place = places[random() % places.size()];
    Block* const block = place.exchange(nullptr);
    if (block == nullptr) continue;
    const std::uint64_t number = numbers.next(block->address);
    wrong += number <= block->last ? 1U : 0U;
    block->last = number;
    Block* const other = place.exchange(block);  // nobody puts one where there is none but who took it
    if (other != nullptr) ++wrong;
  }
  return wrong;
}

TEST(Numbers, ThreadsThatHandOverHardAreInOrder) {
  constexpr std::size_t kThreads = 2;
  for (std::uint64_t round = 0; round < 10; ++round) {
    std::array<Block, 2> blocks{{{.address = 0x100000 + round * 64}, {.address = 0x100020 + round * 64}}};
    std::vector<std::atomic<Block*>> places(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) places[i] = &blocks[i];
    std::array<std::uint64_t, kThreads> wrong{};
    std::latch start(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        wrong[i] = hand_over(places, round * kThreads + i + 1, 100000);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::uint64_t one : wrong) ASSERT_EQ(one, 0U) << "round " << round;
  }
}

}  // namespace
}  // namespace trestle::trace
