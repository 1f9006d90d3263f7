// The bytes that a heap's users have, and the most that they had. Tiers tell it what they gained or lost, in steps of their
// own, so the peak may miss what came and went between two of them.
#pragma once

#include <cstdint>

#include "base/sync.hpp"

namespace trestle {

class LiveBytes {
 public:
  constexpr LiveBytes() noexcept = default;
  // `change` is added as a number that wraps: what one thread allocated may be given back, and told of, by another before.
  void add(std::uint64_t change) noexcept {
    const auto now = static_cast<std::int64_t>(now_.add(change));
    if (now > 0) most_.raise_to(static_cast<std::uint64_t>(now));
  }
  [[nodiscard]] std::uint64_t most() const noexcept { return most_; }
  void clear() noexcept { now_ = most_ = 0; }

 private:
  Shared<std::uint64_t> now_;
  Shared<std::uint64_t> most_;
};

}  // namespace trestle
