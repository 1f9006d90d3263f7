#include "base/poison.hpp"

#include <gtest/gtest.h>

#include <array>

namespace trestle {
namespace {

constexpr std::size_t kRoom = 300;

TEST(Poison, FindsTheFirstOtherByteAtEveryOffsetOfEveryLength) {
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0xDF}}) {
    alignas(64) std::array<std::byte, kRoom> bytes{};
    fill(bytes.data(), kRoom, value);
    for (std::size_t start = 0; start <= 16; ++start) {
      for (std::size_t length = 0; length <= 200; ++length) {
        ASSERT_EQ(first_other(bytes.data() + start, length, value), nullptr);
        for (std::size_t i = 0; i < length; ++i) {
          bytes[start + i] ^= std::byte{1};
          ASSERT_EQ(first_other(bytes.data() + start, length, value), bytes.data() + start + i) << length;
          bytes[start + i] ^= std::byte{1};
        }
      }
    }
  }
}

TEST(Poison, OfSeveralOtherBytesTheFirstIsFound) {
  std::array<std::byte, kRoom> bytes{};
  for (std::size_t i = kRoom; i-- > 0;) {
    bytes[i] = std::byte{0x80};
    EXPECT_EQ(first_other(bytes.data(), kRoom, 0), bytes.data() + i);
  }
}

TEST(Poison, LooksAtNothingBesideTheRange) {
  std::array<std::byte, kRoom> bytes{};
  for (std::size_t length = 0; length < 140; ++length) {
    bytes.fill(std::byte{0xFF});
    fill(bytes.data() + 8, length, 0);
    EXPECT_EQ(first_other(bytes.data() + 8, length, 0), nullptr) << length;
    EXPECT_EQ(bytes[7], std::byte{0xFF});
    EXPECT_EQ(bytes[8 + length], std::byte{0xFF});
  }
}

TEST(Poison, RepeatsAByteThroughAWord) {
  EXPECT_EQ(repeated(0xDF), 0xDFDF'DFDF'DFDF'DFDFU);
  EXPECT_EQ(repeated(0), 0U);
}

TEST(Steps, AreFilledToTheByteAndEachOtherByteIsSeen) {
  alignas(16) std::array<std::byte, 2048> room{};
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0xDF}}) {
    for (std::size_t bytes = 16; bytes <= 1040; bytes += 16) {
      room.fill(std::byte{0x11});
      fill_steps(room.data() + 16, bytes, value);
      EXPECT_EQ(first_other(room.data(), 16, 0x11), nullptr);
      EXPECT_EQ(first_other(room.data() + 16, bytes, value), nullptr);
      EXPECT_EQ(first_other(room.data() + 16 + bytes, 16, 0x11), nullptr);
      ASSERT_TRUE(are_steps(room.data() + 16, bytes, value));
      for (std::size_t i = 0; i < bytes; ++i) {
        room[16 + i] ^= std::byte{0x80};
        ASSERT_FALSE(are_steps(room.data() + 16, bytes, value)) << i << " of " << bytes;
        room[16 + i] ^= std::byte{0x80};
      }
    }
  }
}

}  // namespace
}  // namespace trestle
