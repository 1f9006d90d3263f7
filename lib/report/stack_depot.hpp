// Stacks, each kept once, for as long as the process lives: what allocations and releases leave behind. Out of band, in
// mappings of its own. Thread-safe; a stack that is there already is found without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/sync.hpp"

namespace trestle {

// One of them: return addresses, the innermost first, which follow in memory, inverted. Of a caller without frame pointers any
// pointer may be taken for one, and who searches memory for pointers is not to find it here.
class Trace {
 public:
  [[nodiscard]] std::size_t depth() const noexcept { return depth_; }
  // `frame` below the depth.
  [[nodiscard]] const void* return_address(std::size_t frame) const noexcept {
    return reinterpret_cast<const void*>(~words()[frame]);
  }

 private:
  friend class StackDepot;
  [[nodiscard]] const std::uintptr_t* words() const noexcept {
    return reinterpret_cast<const std::uintptr_t*>(this + 1);
  }

  std::uint32_t next_;  // of its list
  std::uint32_t hash_;
  std::uint64_t depth_;
};

class StackDepot {
 public:
  // How traces are named; 0: none.
  using Id = std::uint32_t;
  static constexpr std::size_t kMaxDepth = 32;  // frames of a trace; those further out are cut off

  // How many lists the stacks are spread over, a power of two: as many as there may be stacks, or they are long; but each has 4
  // bytes of a table, of which hardly two stacks use the same page.
  static constexpr std::size_t kListsOfMany = std::size_t{1} << 18;
  static constexpr std::size_t kListsOfFew = std::size_t{1} << 13;
  constexpr explicit StackDepot(std::size_t lists = kListsOfMany) noexcept : lists_(lists) {}
  StackDepot(const StackDepot&) = delete;
  StackDepot& operator=(const StackDepot&) = delete;

  // 0: there is no memory, or no room for more, or a signal interrupted the thread in here. Cost: a hash of the frames and,
  // mostly, one comparison.
  [[nodiscard]] Id put(std::span<const void* const> return_addresses) noexcept;
  // Null for 0. Only for what put gave.
  [[nodiscard]] const Trace* find(Id id) const noexcept;

  // Around fork: see Mutex.
  void keep() noexcept { lock_.keep(); }
  void let_go() noexcept { lock_.let_go(); }
  void reset() noexcept { lock_.reset(); }

  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMostChunks = 1024;
  static constexpr std::size_t kUnit = 8;  // an id counts these
  static constexpr std::size_t kMostIds = kMostChunks * kChunkBytes / kUnit;

 private:
  static constexpr std::size_t kUnits = kChunkBytes / kUnit;
  using List = std::atomic<Id>;  // its first

  [[nodiscard]] Id search(Id from, Id until, std::uint32_t hash,
                          std::span<const void* const> return_addresses) const noexcept;
  [[nodiscard]] Id carve(std::size_t bytes) noexcept TRESTLE_REQUIRES(lock_);
  [[nodiscard]] Trace* at(Id id) const noexcept {
    return reinterpret_cast<Trace*>(chunks_[id / kUnits].load(std::memory_order_acquire) + id % kUnits * kUnit);
  }

  std::size_t lists_;
  std::atomic<List*> table_{nullptr};
  std::array<std::atomic<std::byte*>, kMostChunks> chunks_{};
  Mutex lock_;
  // Where the next trace goes; no trace is named 0.
  std::size_t chunk_ TRESTLE_GUARDED_BY(lock_) = 0;
  std::size_t used_ TRESTLE_GUARDED_BY(lock_) = kUnit;  // bytes of that chunk
};

}  // namespace trestle
