#include "base/keyed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>

namespace trestle {
namespace {

struct Input {
  std::uint64_t place;
  std::uint64_t word;
};
constexpr std::array<Input, 5> kInputs{
    {{0, 0}, {16, 0x40}, {0x1000, 0x4001}, {~std::uint64_t{0}, ~std::uint64_t{0}}, {0x7F12'3456'7890, 3}}};

TEST(Keyed, EveryBitOfWordAndPlaceChangesTheTag) {
  for (const std::uint64_t secret : {0ULL, 1ULL, 0xFEED'FACEULL}) {
    const Key key = key_from(secret);
    for (const Input& input : kInputs) {
      const std::uint64_t tag = tag_of(key, input.place, input.word);
      for (unsigned bit = 0; bit < 64; ++bit) {
        EXPECT_NE(tag_of(key, input.place ^ std::uint64_t{1} << bit, input.word), tag)
            << "bit " << bit << " of the place";
        EXPECT_NE(tag_of(key, input.place, input.word ^ std::uint64_t{1} << bit), tag)
            << "bit " << bit << " of the word";
      }
    }
  }
}

TEST(Keyed, EveryBitOfTheKeyChangesTheTag) {
  const Key key = key_from(7);
  const std::uint64_t tag = tag_of(key, 0x1230, 0x81);
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_NE(tag_of({key.low ^ std::uint64_t{1} << bit, key.high}, 0x1230, 0x81), tag);
    EXPECT_NE(tag_of({key.low, key.high ^ std::uint64_t{1} << bit}, 0x1230, 0x81), tag);
  }
}

TEST(Keyed, AFlippedBitFlipsAboutHalfOfTheTag) {
  const Key key = key_from(0);
  int flipped = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    flipped += std::popcount(tag_of(key, 4096, 0x41) ^ tag_of(key, 4096 ^ std::uint64_t{1} << bit, 0x41));
    flipped += std::popcount(tag_of(key, 4096, 0x41) ^ tag_of(key, 4096, 0x41 ^ std::uint64_t{1} << bit));
  }
  EXPECT_GT(flipped, 128 * 28);
  EXPECT_LT(flipped, 128 * 36);
}

TEST(Keyed, SecretsGiveKeysApart) {
  for (std::uint64_t secret = 0; secret < 1000; ++secret) {
    const Key one = key_from(secret);
    const Key next = key_from(secret + 1);
    EXPECT_TRUE(one.low != next.low && one.high != next.high && one.low != one.high) << secret;
  }
}

TEST(Keyed, RandomBelowReachesEveryNumberAndNoOther) {
  std::uint64_t state = 42;
  for (const std::uint64_t bound : {1ULL, 2ULL, 3ULL, 7ULL, 256ULL}) {
    std::array<unsigned, 256> seen{};
    for (std::uint64_t i = 0; i < bound * 64; ++i) {
      const std::uint64_t drawn = random_below(state, bound);
      ASSERT_LT(drawn, bound);
      ++seen[drawn];
    }
    for (std::uint64_t number = 0; number < bound; ++number)
      EXPECT_GT(seen[number], 16U) << number << " below " << bound;
  }
}

}  // namespace
}  // namespace trestle
