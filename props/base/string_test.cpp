#include "base/string.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

namespace trestle {
namespace {

TEST(String, HeadIsAtMostAllOfIt) {
  EXPECT_EQ(head("abc", 0), "");
  EXPECT_EQ(head("abc", 2), "ab");
  EXPECT_EQ(head("abc", 3), "abc");
  EXPECT_EQ(head("abc", SIZE_MAX), "abc");
  EXPECT_EQ(head({}, 1), "");
}

TEST(String, BeforeEndsAtTheFirstMark) {
  EXPECT_EQ(before("a:b:c", ':'), "a");
  EXPECT_EQ(before(":b", ':'), "");
  EXPECT_EQ(before("abc", ':'), "abc");
  EXPECT_EQ(before("", ':'), "");
}

TEST(String, BeginsWithWhatItIsNotShorterThan) {
  EXPECT_TRUE(begins_with("abc", ""));
  EXPECT_TRUE(begins_with("abc", "ab"));
  EXPECT_TRUE(begins_with("abc", "abc"));
  EXPECT_FALSE(begins_with("abc", "abcd"));
  EXPECT_FALSE(begins_with("abc", "b"));
  EXPECT_FALSE(begins_with("", "a"));
}

// As RFC 3629 has it in section 3.
std::string utf8(unsigned code) {
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(String, EveryCharacterHasItsBytesAndNoHalfOfAPairIsOne) {
  for (unsigned code = 0; code < 0x120000; ++code) {
    const std::string character = utf8(code);
    const bool is_one = code < 0xD800 || (code > 0xDFFF && code < 0x110000);
    ASSERT_EQ(character_at_start(character + "\x80"), is_one ? character.size() : 0) << code;
    ASSERT_EQ(character_at_start(character.substr(0, character.size() - 1)), 0U) << code;
  }
}

TEST(String, WhatIsLongerThanItNeedBeOrOutOfPlaceIsNoCharacter) {
  for (const char* const odd :
       {"\x80", "\xBF\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xE2\x82(", "\xF0\x8F\xBF\xBF",
        "\xF0\x90\x80\xC0", "\xF5\x80\x80\x80", "\xFE", "\xFF"})
    EXPECT_EQ(character_at_start(odd), 0U) << odd;
}

TEST(String, AHeadOfCharactersCutsNone) {
  const std::string_view text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\x89z";
  const std::size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t count = 0; count < std::size(whole); ++count)
    EXPECT_EQ(head_of_characters(text, count), head(text, whole[count])) << count;
  EXPECT_EQ(head_of_characters("a\xE9\xE9\xE9\xE9", 3), "a\xE9\xE9") << "bytes that are no characters are cut anywhere";
  EXPECT_EQ(head_of_characters("a\xC3", SIZE_MAX), "a\xC3");
}

}  // namespace
}  // namespace trestle
