// The interface of trestle.h and trestle.hpp, under each policy.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <string_view>
#include <trestle/trestle.hpp>
#include <vector>

namespace {

// Of bytes that are not the program's, which a sanitizer is not to see.
__attribute__((no_sanitize("address"), noinline)) char exchange_unseen(char* at, char value) {
  const char old = *at;
  *at = value;
  return old;
}
__attribute__((no_sanitize("address"), noinline)) void spoil(char* at) { *at = static_cast<char>(*at ^ 1); }

bool is_fast() { return std::string_view(trestle_policy_name()) == "fast"; }

char* made(std::size_t size) {
  void* block = trestle_malloc(size);
  asm volatile("" : "+r"(block));  // what is done with it from here on is no business of the compiler's warnings
  return static_cast<char*>(block);
}

jmp_buf back;
trestle_fault told;

// What the handler is told of a misuse. It leaves by longjmp, so that the process goes on.
template <class Misuse>
trestle_fault fault_of(Misuse misuse) {
  told = {};
  trestle_set_fault_handler([](const trestle_fault* fault) -> trestle_fault_action {
    told = *fault;
    longjmp(back, 1);
  });
  if (setjmp(back) == 0) misuse();
  trestle_set_fault_handler(nullptr);
  return told;
}

void expect_none(const trestle_fault& fault) {
  EXPECT_EQ(fault.kind, TRESTLE_FAULT_NONE);
  EXPECT_EQ(fault.address, nullptr);
}

TEST(FaultHandler, IsToldOfADoubleFree) {
  char* const block = made(100);
  trestle_free(block);
  const trestle_fault fault = fault_of([&] { trestle_free(block); });
  EXPECT_EQ(fault.kind, TRESTLE_FAULT_DOUBLE_FREE);
  EXPECT_EQ(fault.invariant, 0);
  EXPECT_EQ(fault.address, block);
  EXPECT_EQ(fault.block, block);
  EXPECT_NE(fault.heap_offset, UINT64_MAX);
  EXPECT_NE(std::string_view(fault.text).find("double free at 0x"), std::string_view::npos);
}

TEST(FaultHandler, IsToldOfAnInteriorPointer) {
  char* const block = made(1000);
  const trestle_fault fault = fault_of([&] { trestle_free(block + 48); });
  EXPECT_EQ(fault.kind, TRESTLE_FAULT_INTERIOR_POINTER);
  EXPECT_EQ(fault.address, block + 48);
  EXPECT_EQ(fault.block, block);
  // Without canaries nothing tells what was requested of a slot.
  EXPECT_EQ(fault.requested, is_fast() ? 0U : 1000U);
  EXPECT_GE(fault.served, 1000U);
  trestle_free(block);
}

TEST(FaultHandler, IsToldOfAWildPointer) {
  int local = 0;
  const trestle_fault fault = fault_of([&] { trestle_free(&local); });
  EXPECT_EQ(fault.kind, TRESTLE_FAULT_WILD_POINTER);
  EXPECT_EQ(fault.address, &local);
  EXPECT_EQ(fault.heap_offset, UINT64_MAX);
  EXPECT_EQ(fault.block, nullptr);
}

TEST(FaultHandler, IsToldOfTheByteThatWasOverwritten) {
  char* const block = made(24);
  const char old = exchange_unseen(block + 25, 0);
  const trestle_fault fault = fault_of([&] { trestle_free(block); });
  if (is_fast()) return expect_none(fault);  // it has no canary, and the byte is nobody's
  EXPECT_EQ(fault.kind, TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(fault.invariant, 5);
  EXPECT_EQ(fault.address, block + 25);
  EXPECT_EQ(fault.requested, 24U);
  EXPECT_EQ(fault.expected, static_cast<unsigned char>(old));
  EXPECT_EQ(fault.found, 0U);
  exchange_unseen(block + 25, old);
  trestle_free(block);
}

TEST(FaultHandler, LeavesTheHeapAsItWas) {
  char* const block = made(500);
  trestle_stats before;
  trestle_stats after;
  trestle_get_stats(&before);
  fault_of([&] { trestle_free(block + 16); });
  fault_of([&] { (void)trestle_realloc(block + 16, 10); });
  fault_of([&] { (void)trestle_malloc_usable_size(block + 16); });
  trestle_get_stats(&after);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.faults, before.faults + 3);
  EXPECT_EQ(trestle::heap_check(), 0U);
  trestle_free(block);
}

TEST(FaultHandler, IsHandedBack) {
  const trestle_fault_handler first = [](const trestle_fault*) { return TRESTLE_ACTION_DEFAULT; };
  EXPECT_EQ(trestle_set_fault_handler(first), nullptr);
  EXPECT_EQ(trestle_set_fault_handler(nullptr), first);
}

// What the handler says, for as long as it is there.
class Answering {
 public:
  explicit Answering(trestle_fault_action answer) {
    answer_ = answer;
    times_ = 0;
    trestle_set_fault_handler([](const trestle_fault*) {
      ++times_;
      return answer_;
    });
  }
  ~Answering() { trestle_set_fault_handler(nullptr); }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;
  [[nodiscard]] int times() const { return times_; }

 private:
  static inline trestle_fault_action answer_ = TRESTLE_ACTION_DEFAULT;
  static inline int times_ = 0;
};

TEST(FaultHandler, MayContinue) {
  const Answering handler(TRESTLE_ACTION_CONTINUE);
  char* const block = made(100);
  char* const other = made(100);
  trestle_free(block);
  for (int i = 0; i < 3; ++i) trestle_free(block);
  EXPECT_EQ(handler.times(), 3) << "of each, also of those that are not printed";
  EXPECT_EQ(trestle_realloc(block, 50), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(trestle_malloc_usable_size(block), 0U);
  EXPECT_EQ(handler.times(), 5);
  trestle_free(other);
  EXPECT_EQ(trestle_heap_check(nullptr, 0), 0U);
}

TEST(FaultHandler, CanMendADamagedBlock) {
  if (is_fast()) GTEST_SKIP() << "this policy has no canary";
  const Answering handler(TRESTLE_ACTION_CONTINUE);
  char* const block = made(100);
  spoil(block + 100);
  trestle_free(block);
  EXPECT_EQ(handler.times(), 1);
  EXPECT_EQ(trestle_heap_check(nullptr, 0), 0U);
  EXPECT_EQ(trestle_malloc_usable_size(block), 100U) << "it is kept from reuse";
  trestle_free(block);
}

TEST(FaultHandlerDeathTest, MayAbort) {
  const auto free_twice = [](trestle_fault_action answer) {
    const Answering handler(answer);
    char* const block = made(100);
    trestle_free(block);
    trestle_free(block);
  };
  EXPECT_EXIT(free_twice(TRESTLE_ACTION_ABORT), testing::KilledBySignal(SIGABRT), "double free");
  EXPECT_EXIT(free_twice(TRESTLE_ACTION_DEFAULT), testing::KilledBySignal(SIGABRT), "double free");
}

// Where nothing tells how long a block is there is no going on, whatever the handler says.
TEST(FaultHandlerDeathTest, CannotContinueAfterEverything) {
  const auto free_without_header = [] {
    const Answering handler(TRESTLE_ACTION_CONTINUE);
    char* const block = made(90000);
    spoil(block - 8);
    trestle_free(block);
  };
  EXPECT_EXIT(free_without_header(), testing::KilledBySignal(SIGABRT), "header corrupt");
}

TEST(FaultNames, AreAllDifferent) {
  std::map<std::string, int> names;
  for (int kind = 0; kind < TRESTLE_FAULT_KIND_COUNT; ++kind)
    ++names[trestle_fault_name(static_cast<trestle_fault_kind>(kind))];
  EXPECT_EQ(names.size(), static_cast<std::size_t>(TRESTLE_FAULT_KIND_COUNT));
}

TEST(HeapCheck, CountsAllFaultsAndFillsInTheFirst) {
  const std::array<char*, 3> blocks{made(24), made(24), made(24)};
  for (char* const block : blocks) spoil(block + 24);
  const std::size_t count = is_fast() ? 0 : blocks.size();  // fast has no canaries
  std::array<trestle_fault, 2> room{};
  EXPECT_EQ(trestle::heap_check(), count);
  EXPECT_EQ(trestle::heap_check(room), count);
  for (const trestle_fault& fault : room) {
    if (is_fast()) {
      expect_none(fault);
      continue;
    }
    EXPECT_EQ(fault.kind, TRESTLE_FAULT_WRITE_PAST_END);
    EXPECT_TRUE(
        std::any_of(blocks.begin(), blocks.end(), [&](const char* block) { return block + 24 == fault.address; }));
  }
  for (char* const block : blocks) spoil(block + 24);
  EXPECT_EQ(trestle::heap_check(), 0U);
  for (char* const block : blocks) trestle_free(block);
}

struct Seen {
  std::size_t requested;
  std::size_t served;
  trestle_block_state state;
  std::uint64_t heap_offset;
};

// A visitor must not allocate, so that it has its room beforehand.
std::map<const void*, Seen> walked() {
  static std::array<trestle_block, 100000> room;
  std::size_t count = 0;
  EXPECT_TRUE(trestle::walk([&](const trestle_block& block) {
    if (count < room.size()) room[count] = block;
    ++count;
    return true;
  }));
  EXPECT_LE(count, room.size());
  std::map<const void*, Seen> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_TRUE(
        blocks.emplace(room[i].address, Seen{room[i].requested, room[i].served, room[i].state, room[i].heap_offset})
            .second);
  }
  return blocks;
}

TEST(Walk, ShowsWhatIsLive) {
  std::vector<std::pair<char*, std::size_t>> mine;
  for (std::size_t size = 0; size < std::size_t{3} << 20; size = 2 * size + 1) mine.emplace_back(made(size), size);
  const auto before = walked();
  for (const auto& [block, size] : mine) {
    const auto at = before.find(block);
    ASSERT_NE(at, before.end()) << size;
    EXPECT_EQ(at->second.state, TRESTLE_BLOCK_LIVE);
    EXPECT_EQ(at->second.requested, is_fast() ? trestle_malloc_usable_size(block) : size);
    EXPECT_GE(at->second.served, size);
    trestle_free(block);
  }
  const auto after = walked();
  for (const auto& [block, size] : mine) {
    const auto at = after.find(block);
    EXPECT_TRUE(at == after.end() || at->second.state != TRESTLE_BLOCK_LIVE) << size;
  }
}

TEST(Walk, AgreesWithTheStats) {
  char* const small = made(100);
  char* const large = made(1000000);
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t retired = 0;
  trestle::walk([&](const trestle_block& block) {
    blocks += block.state == TRESTLE_BLOCK_LIVE ? 1 : 0;
    bytes += block.state == TRESTLE_BLOCK_LIVE ? block.requested : 0;
    retired += block.state == TRESTLE_BLOCK_RETIRED ? 1 : 0;
    return true;
  });
  const trestle_stats stats = trestle::stats();
  EXPECT_EQ(blocks, stats.live_blocks);
  EXPECT_EQ(bytes, stats.live_bytes);
  EXPECT_EQ(retired, stats.retired_blocks);
  trestle_free(small);
  trestle_free(large);
}

TEST(Walk, ShowsTheSameInCAndStopsWhereItIsTold) {
  char* const block = made(10);
  std::pair<std::size_t, std::size_t> count{0, 0};
  const auto visit = [](const trestle_block*, void* context) {
    auto& [seen, most] = *static_cast<std::pair<std::size_t, std::size_t>*>(context);
    return ++seen == most ? 42 : 0;
  };
  EXPECT_EQ(trestle_walk(visit, &count), 0);
  std::size_t in_cpp = 0;
  EXPECT_TRUE(trestle::walk([&](const trestle_block&) { return ++in_cpp > 0; }));
  EXPECT_EQ(count.first, in_cpp);

  count = {0, 1};
  EXPECT_EQ(trestle_walk(visit, &count), 42);
  EXPECT_EQ(count.first, 1U);
  EXPECT_FALSE(trestle::walk([](const trestle_block&) { return false; }));
  trestle_free(block);
}

TEST(Stats, CountCallsAndBytes) {
  const trestle_stats before = trestle::stats();
  char* const small = made(100);
  char* const large = made(1000000);
  const trestle_stats with = trestle::stats();
  EXPECT_EQ(with.allocations, before.allocations + 2);
  EXPECT_EQ(with.live_blocks, before.live_blocks + 2);
  EXPECT_EQ(with.live_bytes, before.live_bytes + 1000000 + (is_fast() ? trestle_malloc_usable_size(small) : 100));
  EXPECT_GE(with.peak_live_bytes, with.live_bytes);
  EXPECT_GE(with.committed_bytes, with.live_bytes);
  EXPECT_GE(with.reserved_bytes, with.committed_bytes);
  trestle_free(small);
  trestle_free(large);
  const trestle_stats after = trestle::stats();
  EXPECT_EQ(after.deallocations, before.deallocations + 2);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_EQ(after.peak_live_bytes, with.peak_live_bytes);
}

TEST(Stats, CountChecks) {
  const trestle_stats before = trestle::stats();
  EXPECT_EQ(trestle::heap_check(), 0U);
  const trestle_stats after = trestle::stats();
  EXPECT_EQ(after.checks, before.checks + 1);
  EXPECT_GT(after.check_nanoseconds, before.check_nanoseconds);
}

TEST(Stats, AreJson) {
  char* const block = made(77);
  const nlohmann::json json = nlohmann::json::parse(trestle::stats_json());
  EXPECT_EQ(json.at("policy"), trestle_policy_name());
  EXPECT_EQ(json.size(), 1 + sizeof(trestle_stats) / sizeof(std::uint64_t));
  EXPECT_GE(json.at("live_bytes").get<std::uint64_t>(), 77U);
  EXPECT_GE(json.at("allocations").get<std::uint64_t>(), json.at("deallocations").get<std::uint64_t>());
  trestle_free(block);
}

TEST(Stats, AreCutToTheRoomAsBySnprintf) {
  std::array<char, 12> room{};
  const std::size_t length = trestle_stats_json(room.data(), room.size());
  EXPECT_EQ(std::string_view(room.data()), "{\"policy\":\"");
  EXPECT_GT(length, 300U);
  EXPECT_EQ(trestle_stats_json(nullptr, 0), length);
}

TEST(Version, HasThreeNumbers) {
  EXPECT_TRUE(std::regex_match(trestle_version(), std::regex("[0-9]+\\.[0-9]+\\.[0-9]+"))) << trestle_version();
}

}  // namespace
