#include "report/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace trestle {
namespace {

TEST(Text, AppendsWords) {
  Text<32> text;
  text.add("one ").add(std::uint64_t{2}).add(" ").add_hex(0xBEEF).add(" ").add_byte(std::byte{0x0A});
  EXPECT_EQ(text.view(), "one 2 0xbeef 0a");
}

TEST(Text, WritesTheLargestNumbers) {
  Text<200> text;
  text.add(UINT64_MAX).add(" ").add_hex(UINT64_MAX).add(" ").add(UINT64_MAX, 2);
  EXPECT_EQ(text.view(), "18446744073709551615 0xffffffffffffffff " + std::string(64, '1'));
}

TEST(Text, WritesAddressesAsHexadecimal) {
  Text<32> text;
  text.add_address(nullptr).add(" ").add_address(reinterpret_cast<const void*>(std::uintptr_t{0x1000}));
  EXPECT_EQ(text.view(), "0x0 0x1000");
}

TEST(Text, CutsOffWhatDoesNotFit) {
  Text<5> text;
  text.add("1234").add("5678").add(std::uint64_t{9});
  EXPECT_EQ(text.view(), "12345");
  EXPECT_EQ(text.chars().size(), 5U);
}

TEST(Text, CutsANumberInTheMiddle) {
  Text<3> text;
  text.add(std::uint64_t{123456});
  EXPECT_EQ(text.view(), "123");
}

TEST(Text, CopiesWithANul) {
  Text<16> text;
  text.add("abc");
  std::array<char, 8> room{};
  room.fill('x');
  text.copy_to(room);
  EXPECT_EQ(std::string_view(room.data()), "abc");
  EXPECT_EQ(room[4], 'x');
}

TEST(Text, CutsACopyToItsRoom) {
  Text<16> text;
  text.add("abcdef");
  std::array<char, 4> room{};
  text.copy_to(room);
  EXPECT_EQ(std::string_view(room.data()), "abc");
  std::array<char, 1> least{'x'};
  text.copy_to(least);
  EXPECT_EQ(least[0], '\0');
  text.copy_to({});
}

}  // namespace
}  // namespace trestle
