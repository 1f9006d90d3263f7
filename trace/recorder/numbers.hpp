// The numbers of events: what happened to a block before something else has the lower number, whichever threads did it. A
// block's end takes its number before the next malloc gets the block back, a block's begin after it was had.
//   A thread takes numbers from a range of its own, and a new range from a counter that all share. Each piece of 64 bytes of
//   the address space has an owner (pieces that are 1 GiB apart have the same one): the thread that was numbered there last.
//   One that finds another owner becomes it and then takes a new range; it is the owner when it sees that it still is.
// Why that is the right order. Let thread A number an event and thread B a later one of the same block. A had its range
// before it saw that it was the owner. B made itself the owner after that, or A would not have seen itself, and took its
// range after that: it got a higher one. Where nobody was owner before B, no event was there. All of these accesses are
// sequentially consistent, and what the program and its malloc do to hand a block over puts A's before B's.
#pragma once

#include <atomic>
#include <cstdint>

namespace trestle::trace {

class Numbers {
 public:
  static constexpr std::uint64_t kRange = 32;
  // When others have taken so many numbers since, a thread leaves its range: else a call that it makes after a long
  // time would be told as one of long ago.
  static constexpr std::uint64_t kStale = 1024;

  // Once, before there is any. False where there is no memory for the owners.
  [[nodiscard]] static bool begin() noexcept;
  // The highest that any thread has got.
  [[nodiscard]] static std::uint64_t latest() noexcept { return latest_.load(std::memory_order_relaxed); }

  // The calling thread's; no other one has the same `thread`, which is less than 2^32 - 1.
  void begin_thread(std::uint32_t thread) noexcept { self_ = thread + 1; }

  // Of an event of the block at `address`, or of none where that is 0. Higher than the thread's last one.
  [[nodiscard, gnu::always_inline]] std::uint64_t next(std::uint64_t address) noexcept {
    if (last_ == end_ || latest() - end_ > kStale) [[unlikely]]
      take_range();
    if (address != 0) {
      std::atomic<std::uint32_t>& owner = owners_[address / kPiece % kOwners];
      if (owner.load() != self_) [[unlikely]]
        own(owner);
    }
    return ++last_;
  }

 private:
  static constexpr std::uint64_t kPiece = 64;
  static constexpr std::uint64_t kOwners = 1 << 24;

  void take_range() noexcept;
  void own(std::atomic<std::uint32_t>& owner) noexcept;

  alignas(64) static constinit inline std::atomic<std::uint64_t> latest_{0};
  alignas(64) static constinit inline std::atomic<std::uint32_t>* owners_ = nullptr;  // 0: nobody

  std::uint64_t last_ = 0;
  std::uint64_t end_ = 0;  // the highest of the range
  std::uint32_t self_ = 0;
};

}  // namespace trestle::trace
