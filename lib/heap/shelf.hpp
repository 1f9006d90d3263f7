// Retired blocks that have left the quarantine, kept by their size: a request of just that size gets one as it is, without
// bins and coalescing. Whoever needs the place of another makes that one free.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/keyed.hpp"

namespace trestle {

class Shelf {
 public:
  struct Entry {
    void* payload = nullptr;
    std::size_t bytes = 0;  // of the whole block
  };
  static constexpr std::size_t kPlaces = 16;

  constexpr Shelf() noexcept = default;

  // The payload of a block of so many bytes, which is not here any more. Null: there is none.
  [[nodiscard]] void* take(std::size_t bytes) noexcept {
    Entry& entry = places_[place_of(bytes)];
    return entry.bytes == bytes ? std::exchange(entry, {}).payload : nullptr;
  }
  // Who is in the place that a block of so many bytes needs; a null payload: nobody.
  [[nodiscard]] const Entry& in_the_way_of(std::size_t bytes) const noexcept { return places_[place_of(bytes)]; }
  void remove(std::size_t bytes) noexcept { places_[place_of(bytes)] = {}; }
  void put(void* payload, std::size_t bytes) noexcept { places_[place_of(bytes)] = {payload, bytes}; }

  [[nodiscard]] const std::array<Entry, kPlaces>& places() const noexcept { return places_; }
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t count = 0;
    for (const Entry& entry : places_) count += entry.payload != nullptr;
    return count;
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const Entry& entry : places_) sum += entry.bytes;
    return sum;
  }
  void clear() noexcept { places_ = {}; }

 private:
  [[nodiscard]] static std::size_t place_of(std::size_t bytes) noexcept {
    return static_cast<std::size_t>(std::uint64_t{bytes} * kOdd1 >> 32) % kPlaces;
  }

  std::array<Entry, kPlaces> places_{};
};

}  // namespace trestle
