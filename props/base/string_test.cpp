#include "base/string.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace trestle
