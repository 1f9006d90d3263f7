#include "base/poison.hpp"

#include <gtest/gtest.h>

#include <array>
#include <type_traits>

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

template <class T>
class Steps : public testing::Test {};
template <std::size_t Width>
using WidthOf = std::integral_constant<std::size_t, Width>;
// Every width that the library may be built for, whatever this build's is.
using Widths = testing::Types<WidthOf<8>, WidthOf<16>, WidthOf<32>, WidthOf<64>>;
TYPED_TEST_SUITE(Steps, Widths);

TYPED_TEST(Steps, AreFilledToTheByteAndEachOtherByteIsSeen) {
  constexpr std::size_t kWidth = TypeParam::value;
  alignas(16) std::array<std::byte, 2048> room{};
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0xDF}}) {
    for (std::size_t bytes = 16; bytes <= kFewBytes; bytes += 16) {
      room.fill(std::byte{0x11});
      fill_steps<kWidth>(room.data() + 16, bytes, value);
      EXPECT_EQ(first_other(room.data(), 16, 0x11), nullptr);
      EXPECT_EQ(first_other(room.data() + 16, bytes, value), nullptr);
      EXPECT_EQ(first_other(room.data() + 16 + bytes, 16, 0x11), nullptr);
      ASSERT_TRUE(are_steps_unasked<kWidth>(room.data() + 16, bytes, value));
      for (std::size_t i = 0; i < bytes; ++i) {
        room[16 + i] ^= std::byte{0x80};
        ASSERT_FALSE(are_steps_unasked<kWidth>(room.data() + 16, bytes, value)) << i << " of " << bytes;
        room[16 + i] ^= std::byte{0x80};
      }
    }
  }
}

TYPED_TEST(Steps, TheFirstOtherByteIsFoundByEveryWidth) {
  alignas(16) std::array<std::byte, kRoom> room{};
  for (std::size_t bytes = 0; bytes <= 200; ++bytes) {
    room.fill(std::byte{0x11});
    fill(room.data() + 3, bytes, 0);
    ASSERT_EQ(first_other_unasked<TypeParam::value>(room.data() + 3, bytes, 0), nullptr);
    for (std::size_t i = bytes; i-- > 0;) {
      room[3 + i] = std::byte{1};
      ASSERT_EQ(first_other_unasked<TypeParam::value>(room.data() + 3, bytes, 0), room.data() + 3 + i);
    }
  }
}

// A length above those that go by steps.
TEST(ManySteps, AreFilledToTheByteAndEachOtherByteIsSeen) {
  constexpr std::size_t kBytes = kFewBytes + 16;
  std::array<std::byte, kBytes + 32> room{};
  room.fill(std::byte{0x11});
  fill_steps(room.data() + 16, kBytes, 0xDF);
  EXPECT_EQ(first_other(room.data(), 16, 0x11), nullptr);
  EXPECT_EQ(first_other(room.data() + 16 + kBytes, 16, 0x11), nullptr);
  for (std::size_t i = 0; i < kBytes; ++i) {
    ASSERT_TRUE(are_steps(room.data() + 16, kBytes, 0xDF));
    room[16 + i] ^= std::byte{0x80};
    ASSERT_FALSE(are_steps(room.data() + 16, kBytes, 0xDF)) << i;
    room[16 + i] ^= std::byte{0x80};
  }
}

}  // namespace
}  // namespace trestle
