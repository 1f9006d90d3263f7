// The canary of every length at every offset: whole when written, and any change of any of its bytes is found where it is.
#include <gtest/gtest.h>

#include <array>

#include "base/canary.hpp"
#include "faults.hpp"
#include "property.hpp"

namespace trestle {
namespace {

constexpr std::size_t kLongest = 255;
constexpr std::size_t kOffsets = 32;
constexpr std::size_t kRoom = kOffsets + kLongest + 16;

struct Pad {
  std::uint64_t word = 0;
  std::size_t from = 0;
  std::size_t to = 0;
  alignas(16) std::array<std::byte, kRoom> bytes{};

  [[nodiscard]] const std::byte* broken() const { return broken_canary(bytes.data(), from, to, word); }
};

Pad any_pad() {
  Pad pad;
  pad.word = canary_word(key_from(*any<std::uint64_t>()), *any<std::uint64_t>());
  pad.from = *rc::gen::inRange<std::size_t>(0, kOffsets);
  pad.to = pad.from + *rc::gen::inRange<std::size_t>(0, kLongest + 1);
  pad.bytes.fill(*rc::gen::map(any<std::uint8_t>(), [](std::uint8_t byte) { return std::byte{byte}; }));
  return pad;
}

TEST(CanaryProperty, WritesItsRangeAndNothingElse) {
  EXPECT_TRUE(holds(
      "a canary is whole as written, repeats its word, holds no zero, and leaves what is beside it",
      [] {
        Pad pad = any_pad();
        const std::array before = pad.bytes;
        write_canary(pad.bytes.data(), pad.from, pad.to, pad.word);
        RC_ASSERT((pad.broken() == nullptr));
        for (std::size_t i = 0; i < kRoom; ++i) {
          const bool inside = i >= pad.from && i < pad.to;
          const std::byte wanted = inside ? static_cast<std::byte>(pad.word >> (i % 8 * 8) & 0xFF) : before[i];
          RC_ASSERT(pad.bytes[i] == wanted);
          RC_ASSERT((!inside || pad.bytes[i] != std::byte{0}));
        }
      },
      20));
}

TEST(CanaryProperty, FindsAnyChangeAtItsByte) {
  EXPECT_TRUE(holds(
      "each flipped bit and any other value of each byte of a canary is found at that byte",
      [] {
        Pad pad = any_pad();
        const auto change = static_cast<std::byte>(*rc::gen::inRange(1, 256));
        write_canary(pad.bytes.data(), pad.from, pad.to, pad.word);
        for (std::size_t i = pad.from; i < pad.to; ++i) {
          const std::byte kept = pad.bytes[i];
          for (unsigned bit = 0; bit < 8; ++bit) {
            flip_bit(&pad.bytes[i], bit);
            RC_ASSERT((pad.broken() == &pad.bytes[i]));
            pad.bytes[i] = kept;
          }
          pad.bytes[i] ^= change;
          RC_ASSERT((pad.broken() == &pad.bytes[i]));
          pad.bytes[i] = kept;
        }
      },
      4));
}

TEST(CanaryProperty, LooksAtItsRangeAlone) {
  EXPECT_TRUE(holds(
      "bytes beside a canary may change at will",
      [] {
        Pad pad = any_pad();
        write_canary(pad.bytes.data(), pad.from, pad.to, pad.word);
        for (std::size_t i = 0; i < kRoom; ++i)
          if (i < pad.from || i >= pad.to) pad.bytes[i] ^= std::byte{0xFF};
        RC_ASSERT((pad.broken() == nullptr));
      },
      20));
}

}  // namespace
}  // namespace trestle
