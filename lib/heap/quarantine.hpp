// Between free and reuse: a ring of retired blocks, kept out of band. The oldest leaves first; with random reuse each
// newcomer first changes places with a random one, so that nobody can foretell when a block comes back. Few have room in it; for
// more, as debug and sweeps have them, room is lent.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/keyed.hpp"
#include "base/policy.hpp"

namespace trestle {

template <Policy P>
class Quarantine {
 public:
  static constexpr std::size_t kOwnRoom = std::min<std::size_t>(P.quarantine_blocks, 256);

  constexpr Quarantine() noexcept = default;
  // It stays where it is from now on.
  void start() noexcept {
    lent_ = nullptr;
    ring_ = own_.data();
    count_ = bytes_ = oldest_ = 0;
    mask_ = kOwnRoom - 1;
    be_impatient();
  }
  // Room for so many, a power of two above kOwnRoom.
  void lend(void** room, std::size_t places) noexcept {
    lent_ = room;
    lent_mask_ = places - 1;
    if (P.quarantine_blocks > kOwnRoom) be_impatient();
  }
  [[nodiscard]] bool has_lent_room() const noexcept { return lent_ != nullptr; }
  // Blocks that there is room for now.
  [[nodiscard]] std::size_t room() const noexcept { return mask_ + 1; }

  void push(void* payload, std::size_t bytes, std::uint64_t& random) noexcept {
    place(count_) = payload;
    ++count_;
    bytes_ += bytes;
    if constexpr (P.random_reuse) std::swap(place(count_ - 1), place(random_below(random, count_)));
  }
  // Whether the oldest has to leave before another block of `bytes` comes.
  [[nodiscard]] bool is_full_for(std::size_t bytes) const noexcept {
    return count_ != 0 && (count_ >= most_blocks_ || bytes_ + bytes > most_bytes_);
  }
  [[nodiscard]] bool is_empty() const noexcept { return count_ == 0; }
  [[nodiscard]] void* oldest() const noexcept { return ring_[oldest_]; }
  void pop(std::size_t bytes) noexcept {
    oldest_ = (oldest_ + 1) & mask_;
    --count_;
    bytes_ -= bytes;
  }
  // The oldest becomes the youngest.
  void rotate() noexcept {
    void* const payload = ring_[oldest_];
    oldest_ = (oldest_ + 1) & mask_;
    place(count_ - 1) = payload;
  }

  // From now on blocks wait until a sweep lets them go: so many bytes, or as many as the
  // policy has it, if that is more, and as many blocks as there is room for.
  void be_patient(std::size_t bytes) noexcept {
    if (lent_ != nullptr && ring_ != lent_) move_to(lent_, lent_mask_);
    most_blocks_ = room();
    most_bytes_ = std::max(bytes, P.quarantine_bytes);
  }
  // As the policy has it. Of lent room that it does not need it makes no use, once no more wait than there is room for without.
  void be_impatient() noexcept {
    if (P.quarantine_blocks > kOwnRoom)
      be_patient(0);
    else if (ring_ == lent_ && lent_ != nullptr && count_ <= kOwnRoom)
      move_to(own_.data(), kOwnRoom - 1);
    most_blocks_ = std::min(P.quarantine_blocks, room());
    most_bytes_ = P.quarantine_bytes;
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] void* at(std::size_t i) const noexcept { return ring_[(oldest_ + i) & mask_]; }

 private:
  static_assert(std::has_single_bit(kOwnRoom));

  [[nodiscard]] void*& place(std::size_t i) noexcept { return ring_[(oldest_ + i) & mask_]; }
  void move_to(void** ring, std::size_t mask) noexcept {
    for (std::size_t i = 0; i < count_; ++i) ring[i] = at(i);
    oldest_ = 0;
    ring_ = ring;
    mask_ = mask;
  }

  std::size_t oldest_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_blocks_ = 0;
  std::size_t most_bytes_ = 0;
  void** ring_ = nullptr;
  std::size_t mask_ = 0;  // of its places
  void** lent_ = nullptr;
  std::size_t lent_mask_ = 0;
  std::array<void*, kOwnRoom> own_{};
};

}  // namespace trestle
