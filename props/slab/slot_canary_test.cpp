// Pads of every length, one by one: whole as written, and no longer so with any of their bits flipped.
#include "slab/slot_canary.hpp"

#include <gtest/gtest.h>

#include <array>

#include "faults.hpp"

namespace trestle {
namespace {

constexpr std::size_t kLongest = 1024;
constexpr std::uint64_t kPlace = 0x7E46'D215'0000;

class SlotCanaryTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  // Of the smallest slot that has room for the pad.
  [[nodiscard]] SlotCanary canary(std::size_t pad) {
    bytes_ = slot_bytes(class_for(pad));
    return {key_from(GetParam()), room_.data(), bytes_, kPlace};
  }

  std::size_t bytes_ = 0;
  alignas(16) std::array<std::byte, 2 * kLongest> room_{};
};

TEST_P(SlotCanaryTest, AWholePadOfEachLengthTellsIt) {
  for (std::size_t pad = 1; pad <= kLongest; ++pad) {
    const SlotCanary pads = canary(pad);
    pads.write(bytes_ - pad);
    std::size_t told = SlotCanary::kNone;
    ASSERT_TRUE(pads.is_whole(told)) << pad;
    ASSERT_EQ(told, bytes_ - pad);
    ASSERT_EQ(pads.broken(told), nullptr) << pad;
    ASSERT_EQ(told, bytes_ - pad);
  }
}

// No bit is excepted: a code with one flipped is none, by its parity, and a long pad's length with one flipped is another's,
// under which no byte of the word is what it was. Within a pad of more than 256 bytes each key has a share of them, since that
// is one word again and again: a bit of every other byte or so.
TEST_P(SlotCanaryTest, EachFlippedBitOfAPadOfEachLengthIsSeen) {
  constexpr std::size_t kBegin = std::size_t{9} * 8;
  constexpr std::size_t kEnd = std::size_t{17} * 8;
  for (std::size_t pad = 1; pad <= kLongest; ++pad) {
    const SlotCanary pads = canary(pad);
    pads.write(bytes_ - pad);
    std::byte* const first = room_.data() + bytes_ - pad;
    const std::size_t share = pad <= 256 ? 1 : 17;
    for (std::size_t bit = 0; bit < pad * 8; ++bit) {
      if (bit >= kBegin && bit + kEnd < pad * 8 && (bit + pad) % share != GetParam() * 4 % share) continue;
      flip_bit(first, static_cast<unsigned>(bit));
      std::size_t told = 0;
      ASSERT_FALSE(pads.is_whole(told)) << "bit " << bit << " of a pad of " << pad;
      flip_bit(first, static_cast<unsigned>(bit));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, SlotCanaryTest, testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace trestle
