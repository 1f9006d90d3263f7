// What one thread has to itself: a magazine a size class, counts, and the gate by which the others keep it out. Only the owner
// changes anything, inside the gate; others do so with the gate closed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/sync.hpp"
#include "heap/magazine.hpp"
#include "span/record_pool.hpp"

namespace trestle {

template <Policy P>
class alignas(kRecordAlignment) ThreadCache {
 public:
  // Bytes that a cache takes with its arrays, which lie behind it.
  [[nodiscard]] static constexpr std::size_t bytes() noexcept {
    std::size_t slots = 0;
    for (std::uint8_t i = 0; i < kSizeClasses; ++i) slots += Magazine<P>::room({i});
    return sizeof(ThreadCache) + slots * sizeof(void*);
  }

  ThreadCache() noexcept = default;
  void start(std::uint64_t seed) noexcept {
    random = seed;
    auto** array = reinterpret_cast<void**>(this + 1);
    for (std::uint8_t i = 0; i < kSizeClasses; ++i) {
      magazines_[i].start(array, {i});
      array += Magazine<P>::room({i});
    }
  }

  [[nodiscard]] Magazine<P>& magazine(SizeClass size_class) noexcept { return magazines_[size_class.index]; }

  template <class Visit>
  void for_each_magazine(Visit visit) noexcept {
    for (Magazine<P>& magazine : magazines_) visit(magazine);
  }

  // What was allocated less what was freed here, which is below zero where others allocated it: as requested where the policy
  // has canaries that tell, whole slots otherwise.
  [[nodiscard]] std::uint64_t live_bytes() const noexcept {
    if constexpr (P.canary) return requested_bytes;
    std::uint64_t sum = 0;
    for (std::uint8_t i = 0; i < kSizeClasses; ++i)
      sum += (magazines_[i].taken - magazines_[i].given) * slot_bytes({i});
    return sum;
  }
  [[nodiscard]] std::uint64_t allocations() const noexcept {
    std::uint64_t sum = 0;
    for (const Magazine<P>& magazine : magazines_) sum += magazine.taken;
    return sum;
  }
  [[nodiscard]] std::uint64_t deallocations() const noexcept {
    std::uint64_t sum = 0;
    for (const Magazine<P>& magazine : magazines_) sum += magazine.given;
    return sum;
  }
  void count_requested(std::uint64_t change) noexcept {
    if constexpr (P.canary) requested_bytes = requested_bytes + change;
  }

  Gate gate;
  std::uint64_t random = 0;
  Shared<std::uint64_t> requested_bytes;
  std::uint64_t published_bytes = 0;  // of live_bytes, what the heap's own count has heard of
  std::uint32_t arena = 0;
  std::uint32_t contended = 0;  // batches for which another thread was in the way, since the last change of arena
  std::uint32_t batches = 0;    // since the last look at what is idle
  std::uint64_t blocks_to_sample = 0;  // requests of blocks until one that is a sample
  Shared<std::uint64_t> owner;         // the thread; 0: nobody
  ThreadCache* next = nullptr;         // of all caches of the heap
 private:
  std::array<Magazine<P>, kSizeClasses> magazines_{};
};

}  // namespace trestle
