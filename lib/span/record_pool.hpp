// Memory for what describes the heap: records of slabs, caches of threads. It lies in mappings of its own, each between guard
// pages and at an address that the system chose, so that no overflow of a user's reaches it. It is given back at stop; what
// is no longer needed before that is kept by those who had it. Thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/arith.hpp"
#include "base/sync.hpp"
#include "os/os.hpp"

namespace trestle {

inline constexpr std::size_t kRecordAlignment = 64;  // a cache line: no two records share one

template <Os O>
class RecordPool {
 public:
  constexpr RecordPool() noexcept = default;

  // So many bytes, zero and aligned to kRecordAlignment. Null iff memory is short. Cost: O(1), and now and then two calls of
  // the system.
  [[nodiscard]] std::byte* allocate(O& os, std::size_t bytes) noexcept {
    const Guard guard(lock_);
    bytes = align_up(bytes, kRecordAlignment);
    if (left() < bytes && !add_chunk(os, bytes)) return nullptr;
    Chunk& chunk = chunks_[count_ - 1];
    if (chunk.used + bytes > chunk.committed && !commit(os, chunk, chunk.used + bytes)) return nullptr;
    std::byte* const made = chunk.at + chunk.used;
    chunk.used += bytes;
    return made;
  }
  void stop(O& os) noexcept {
    for (std::size_t i = 0; i < count_; ++i) os.release(chunks_[i].at - kOsPage, chunks_[i].bytes + 2 * kOsPage);
    count_ = 0;
  }
  [[nodiscard]] std::size_t committed_bytes() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count_; ++i) sum += chunks_[i].committed;
    return sum;
  }
  // Calls visit(from, to) for each of its mappings.
  template <class Visit>
  void for_each_mapping(Visit visit) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) visit(chunks_[i].at, chunks_[i].at + chunks_[i].bytes);
  }

 private:
  static constexpr std::size_t kFirstChunk = std::size_t{256} << 10;
  static constexpr std::size_t kMaxChunks = 32;  // each twice the one before, so never reached
  static constexpr std::size_t kStep = std::size_t{16} << 10;

  struct Chunk {
    std::byte* at = nullptr;
    std::size_t bytes = 0;
    std::size_t committed = 0;
    std::size_t used = 0;
  };

  [[nodiscard]] std::size_t left() const noexcept {
    return count_ == 0 ? 0 : chunks_[count_ - 1].bytes - chunks_[count_ - 1].used;
  }
  bool add_chunk(O& os, std::size_t least) noexcept {
    if (count_ == kMaxChunks) return false;
    const std::size_t bytes = std::max(kFirstChunk << count_, align_up(least, kOsPage));
    std::byte* const at = os.reserve(bytes + 2 * kOsPage, kOsPage);
    if (at == nullptr) return false;
    chunks_[count_] = {at + kOsPage, bytes, 0, 0};
    ++count_;
    return true;
  }
  static bool commit(O& os, Chunk& chunk, std::size_t wanted) noexcept {
    const std::size_t target = std::min(chunk.bytes, align_up(wanted, kStep));
    if (!os.commit(chunk.at + chunk.committed, target - chunk.committed)) return false;
    chunk.committed = target;
    return true;
  }

  Mutex lock_;
  std::size_t count_ = 0;
  std::array<Chunk, kMaxChunks> chunks_{};
};

}  // namespace trestle
