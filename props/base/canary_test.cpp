// The canary is exact: whichever of its bytes changes, that byte is the one that is found.
#include "base/canary.hpp"

#include <gtest/gtest.h>

#include <array>

namespace trestle {
namespace {

constexpr std::size_t kRoom = 192;
constexpr std::size_t kLongest = 130;
constexpr std::byte kOwners{0xEE};

struct Buffer {
  alignas(16) std::array<std::byte, kRoom> bytes;

  Buffer() { bytes.fill(kOwners); }
  [[nodiscard]] std::byte* data() { return bytes.data(); }
};

TEST(Canary, FindsEachOverwrittenByteAtItsAddress) {
  const std::uint64_t word = canary_word(key_from(5), 0x1000);
  for (std::size_t from = 0; from < 24; ++from) {
    for (std::size_t to = from; to <= from + kLongest; ++to) {
      Buffer buffer;
      write_canary(buffer.data(), from, to, word);
      ASSERT_EQ(broken_canary(buffer.data(), from, to, word), nullptr) << from << " to " << to;
      for (std::size_t i = from; i < to; ++i) {
        buffer.bytes[i] ^= std::byte{0x10};
        ASSERT_EQ(broken_canary(buffer.data(), from, to, word), buffer.data() + i) << from << " to " << to;
        buffer.bytes[i] ^= std::byte{0x10};
      }
    }
  }
}

TEST(Canary, OfSeveralOverwrittenBytesTheFirstIsFound) {
  const std::uint64_t word = canary_word(key_from(5), 0x1000);
  Buffer buffer;
  write_canary(buffer.data(), 3, 99, word);
  for (std::size_t i = 99; i-- > 3;) {
    buffer.bytes[i] = std::byte{0};
    EXPECT_EQ(broken_canary(buffer.data(), 3, 99, word), buffer.data() + i);
  }
}

TEST(Canary, WritesAndReadsNothingBesideItsRange) {
  const std::uint64_t word = canary_word(key_from(9), 0x40);
  for (std::size_t from = 0; from < 17; ++from) {
    for (std::size_t to = from; to < from + 40; ++to) {
      Buffer buffer;
      write_canary(buffer.data(), from, to, word);
      for (std::size_t i = 0; i < kRoom; ++i) {
        if (i >= from && i < to) continue;
        ASSERT_EQ(buffer.bytes[i], kOwners) << i << " beside " << from << " to " << to;
        buffer.bytes[i] = std::byte{0x33};
      }
      ASSERT_EQ(broken_canary(buffer.data(), from, to, word), nullptr);
    }
  }
}

TEST(Canary, NeverHasAZeroByte) {
  for (std::uint64_t secret = 0; secret < 50; ++secret) {
    const Key key = key_from(secret);
    for (std::uint64_t place = 0; place < 4096; place += 16) {
      const std::uint64_t word = canary_word(key, place);
      for (std::size_t i = 0; i < 8; ++i) ASSERT_NE(canary_byte(word, i), 0) << secret << " at " << place;
    }
  }
}

// Zero bytes are replaced by one value; the other bytes of the word stay what the tag makes them.
TEST(Canary, ReplacesZeroBytesOnly) {
  const Key key = key_from(1);
  unsigned replaced = 0;
  for (std::uint64_t place = 0; place < 16384; place += 16) {
    const std::uint64_t tag = tag_of(key, place, kOdd3);
    const std::uint64_t word = canary_word(key, place);
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint8_t drawn = canary_byte(tag, i);
      ASSERT_EQ(canary_byte(word, i), drawn == 0 ? 0xA5 : drawn);
      replaced += drawn == 0;
    }
  }
  EXPECT_GT(replaced, 0U);
}

TEST(Canary, DiffersFromPlaceToPlaceAndSecretToSecret) {
  EXPECT_NE(canary_word(key_from(1), 16), canary_word(key_from(1), 32));
  EXPECT_NE(canary_word(key_from(1), 16), canary_word(key_from(2), 16));
}

}  // namespace
}  // namespace trestle
