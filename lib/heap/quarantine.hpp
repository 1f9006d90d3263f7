// Between free and reuse: a ring of retired blocks, kept out of band. The oldest leaves first; with random reuse each
// newcomer first changes places with a random one, so that nobody can foretell when a block comes back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/keyed.hpp"
#include "base/policy.hpp"

namespace trestle {

template <Policy P>
class Quarantine {
 public:
  static constexpr std::size_t kRoom = P.quarantine_blocks;

  constexpr Quarantine() noexcept = default;

  void push(void* payload, std::size_t bytes, std::uint64_t& random) noexcept {
    ring_[(oldest_ + count_) % kRoom] = payload;
    ++count_;
    bytes_ += bytes;
    if constexpr (P.random_reuse) {
      std::swap(ring_[(oldest_ + count_ - 1) % kRoom], ring_[(oldest_ + random_below(random, count_)) % kRoom]);
    }
  }
  // Whether the oldest has to leave before another block of `bytes` comes.
  [[nodiscard]] bool is_full_for(std::size_t bytes) const noexcept {
    return count_ != 0 && (count_ == kRoom || bytes_ + bytes > most_bytes_);
  }
  [[nodiscard]] bool is_empty() const noexcept { return count_ == 0; }
  [[nodiscard]] void* oldest() const noexcept { return ring_[oldest_]; }
  void pop(std::size_t bytes) noexcept {
    oldest_ = (oldest_ + 1) % kRoom;
    --count_;
    bytes_ -= bytes;
  }
  // The oldest becomes the youngest.
  void rotate() noexcept {
    void* const payload = ring_[oldest_];
    oldest_ = (oldest_ + 1) % kRoom;
    ring_[(oldest_ + count_ - 1) % kRoom] = payload;
  }
  void clear() noexcept {
    count_ = bytes_ = oldest_ = 0;
    most_bytes_ = P.quarantine_bytes;
  }
  // So many bytes may wait, or as many as the policy has it, if that is more.
  void set_most(std::size_t bytes) noexcept { most_bytes_ = std::max(bytes, P.quarantine_bytes); }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] void* at(std::size_t i) const noexcept { return ring_[(oldest_ + i) % kRoom]; }

 private:
  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_bytes_ = P.quarantine_bytes;
  std::array<void*, kRoom> ring_{};
};

}  // namespace trestle
