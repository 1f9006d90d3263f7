// Who allocated a block, and who freed it: for each grain that a block began in, the threads and traces of the two calls. Out
// of band, in a table by address, which is filled in where the heap is used: 16 bytes for each grain. What is known of a freed
// block stays until another begins in its grain. Thread-safe; a lock is taken for a new stack alone.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "report/stack.hpp"
#include "report/stack_depot.hpp"

namespace trestle {

// A call that allocated or freed. No thread: none is known of. No trace: its stack found no room.
struct PastCall {
  int thread = 0;
  const Trace* trace = nullptr;
};
// Where the block is live, nobody freed it.
struct History {
  PastCall allocated;
  PastCall freed;
  std::optional<std::size_t> request_low = std::nullopt;

  // How many bytes were asked for, of as many as served, of which one is pad, and 4 KiB at most; 0: not known.
  [[nodiscard]] std::size_t request_of(std::size_t served) const noexcept {
    if (!request_low || served == 0) return 0;
    const std::size_t most = served - 1;
    const std::size_t less = (most - *request_low) % kRequestLow;
    return less < most ? most - less : 0;
  }

  static constexpr std::size_t kRequestLow = std::size_t{1} << 12;
};

class Histories {
 public:
  static constexpr std::size_t kUnknownRequest = SIZE_MAX;

  // Blocks begin at multiples of so many bytes, a power of two, or no two begin between two multiples.
  // For `lists` see StackDepot.
  constexpr explicit Histories(std::size_t grain, std::size_t lists = StackDepot::kListsOfMany) noexcept
      : depot_(lists), grain_shift_(static_cast<unsigned>(std::countr_zero(grain))) {}
  Histories(const Histories&) = delete;
  Histories& operator=(const Histories&) = delete;

  // The block, of so many bytes, was allocated, or given another size, by this call. kUnknownRequest: it may have more pad than
  // 4 KiB.
  void begin(const void* block, std::size_t requested, const CallSite& site) noexcept;
  // This call is about to free it. False: nothing is known of a block there, or another call was the first to free it, and is
  // the one that stays known.
  [[nodiscard]] bool end(const void* block, const CallSite& site) noexcept;
  // The call that `end` was for did not free it.
  void revive(const void* block) noexcept;
  [[nodiscard]] History of(const void* block) const noexcept;

  // Around fork: see Mutex.
  void keep() noexcept { depot_.keep(); }
  void let_go() noexcept { depot_.let_go(); }
  void reset() noexcept { depot_.reset(); }

 private:
  // Calls: the trace in the lowest bits, then those of the request, then the thread; 0: none. None looks like an address, to
  // whoever searches memory for those.
  using Call = std::uint64_t;
  static constexpr Call kCall = Call{1} << 63;
  static constexpr unsigned kRequestShift = 27;
  static constexpr Call kRequest = Call{1} << 39;  // it is known
  static constexpr unsigned kThreadShift = 40;
  static_assert(StackDepot::kMostIds <= Call{1} << kRequestShift);
  static_assert(Call{History::kRequestLow} << kRequestShift == kRequest);
  struct Record {
    std::atomic<Call> allocated;
    std::atomic<Call> freed;
  };
  static constexpr unsigned kLeafShift = 16;
  static constexpr unsigned kBranchShift = 14;
  static constexpr unsigned kRootShift = 13;
  static_assert(4 + kLeafShift + kBranchShift + kRootShift == 47, "a program's addresses, by 16 bytes");
  using Leaf = std::array<Record, std::size_t{1} << kLeafShift>;
  using Branch = std::array<std::atomic<Leaf*>, std::size_t{1} << kBranchShift>;
  using Root = std::array<std::atomic<Branch*>, std::size_t{1} << kRootShift>;

  // The entries that lead to the record of an address.
  struct Way {
    std::size_t root;
    std::size_t branch;
    std::size_t leaf;
  };
  [[nodiscard]] Way way_to(const void* block) const noexcept;
  [[nodiscard]] Record* find(const void* block) const noexcept;
  [[nodiscard]] Record* find_or_make(const void* block) noexcept;
  [[nodiscard]] Call note(const CallSite& site) noexcept;
  [[nodiscard]] PastCall past(Call call) const noexcept;

  std::atomic<Root*> root_{nullptr};
  StackDepot depot_;
  unsigned grain_shift_;
};

}  // namespace trestle
