// UnwindBytes: numbers and addresses as the tables for exceptions have them, and what is missing.
#include "report/unwind_bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace trestle {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(UnwindBytes, AddressesHaveALengthAndASign) {
  const Bytes all{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  struct {
    std::uint8_t encoding;
    std::uintptr_t value;
    std::ptrdiff_t bytes;
  } const expected[] = {{dwarf::kAbsolute, UINT64_MAX - 1, 8}, {dwarf::kUnsigned8, UINT64_MAX - 1, 8},
                        {dwarf::kSigned8, UINT64_MAX - 1, 8},  {dwarf::kUnsigned4, 0xFFFF'FFFE, 4},
                        {dwarf::kSigned4, UINT64_MAX - 1, 4},  {dwarf::kUnsigned2, 0xFFFE, 2},
                        {dwarf::kSigned2, UINT64_MAX - 1, 2}};
  for (const auto& [encoding, value, bytes] : expected) {
    UnwindBytes from(all);
    EXPECT_EQ(from.take_address(encoding), value) << int{encoding};
    EXPECT_EQ(from.at() - all.data(), bytes) << int{encoding};
    EXPECT_TRUE(from.is_whole());
  }
}

TEST(UnwindBytes, AddressesMayCountFromTheirOwnPlace) {
  const Bytes all{0xFF, 0xFE, 0xFF};
  UnwindBytes from(all);
  (void)from.take<std::uint8_t>();
  EXPECT_EQ(from.take_address(dwarf::kFromHere | dwarf::kSigned2), address_of(all.data() + 1) - 2);
  EXPECT_TRUE(from.is_whole() && from.is_at_end());
}

TEST(UnwindBytes, AddressesThatNoCompilerWritesAreMissing) {
  const Bytes all(16, 1);
  for (const std::uint8_t encoding : Bytes{0x20, 0x30, 0x40, 0x50}) {  // from the text, the data, the function; aligned
    UnwindBytes from(all);
    (void)from.take_address(encoding);
    EXPECT_FALSE(from.is_whole()) << int{encoding};
  }
  for (const std::uint8_t format :
       Bytes{0x01, 0x09, 0x05, 0x0F}) {  // of any length, and formats that there are none of
    UnwindBytes from(all);
    EXPECT_EQ(from.take_address(format), 0U) << int{format};
    EXPECT_FALSE(from.is_whole()) << int{format};
  }
}

// Ten bytes hold 64 bits; what more there are of them is read over.
TEST(UnwindBytes, NumbersOfAnyLengthKeepTheirLowest64Bits) {
  Bytes all(9, 0xFF);
  all.push_back(0x81);
  all.insert(all.end(), {0xFF, 0xFF, 0x7F, 0x2A});
  UnwindBytes from(all);
  EXPECT_EQ(from.take_unsigned(), UINT64_MAX);
  EXPECT_EQ(from.take<std::uint8_t>(), 0x2A);
  UnwindBytes with_sign(all);
  EXPECT_EQ(with_sign.take_signed(), -1);
  EXPECT_EQ(with_sign.take<std::uint8_t>(), 0x2A);
  EXPECT_TRUE(with_sign.is_whole() && with_sign.is_at_end());
  EXPECT_EQ(UnwindBytes(Bytes{0x7E}).take_signed(), -2);
  EXPECT_EQ(UnwindBytes(Bytes{0x80, 0x7F}).take_signed(), -128);
  EXPECT_EQ(UnwindBytes(Bytes{0xBF, 0x00}).take_signed(), 63);
}

TEST(UnwindBytes, WhatIsBeyondTheEndIsZeroAndTold) {
  const Bytes all{0xFF, 0xFF};
  UnwindBytes number(all);
  EXPECT_EQ(number.take_unsigned(), 0x3FFFU) << "the byte behind reads as zero, which ends it";
  EXPECT_FALSE(number.is_whole());
  UnwindBytes word(all);
  EXPECT_EQ(word.take<std::uint32_t>(), 0U);
  EXPECT_TRUE(!word.is_whole() && word.is_at_end());
  const Bytes block{5, 1, 2};
  UnwindBytes cut(block);
  EXPECT_TRUE(cut.take_block().empty());
  EXPECT_FALSE(cut.is_whole());
}

}  // namespace
}  // namespace trestle
