// BitmapHeap keeps every expectation under all programs and policies: pages of every size, buffers that grow, shrink and move,
// mistakes and flipped bits.
#include <gtest/gtest.h>

#include "ops/program_property.hpp"
#include "ops/runners.hpp"

namespace trestle::ops {
namespace {

using BitmapHeapProperty = UnderEachPolicy;
INSTANTIATE_TEST_SUITE_P(Under, BitmapHeapProperty, kEachPolicy, name_of_parameter);

TEST_P(BitmapHeapProperty, Holds) {
  EXPECT_TRUE(holds_for_all_programs("BitmapHeap is sound", kBitmapVocabulary, GetParam(), run_on_bitmap));
}

TEST_P(BitmapHeapProperty, NamesMisuseAndSeesCorruption) {
  EXPECT_TRUE(
      holds_for_all_programs("BitmapHeap names misuse", kMisuseVocabulary, GetParam(), run_on_bitmap, give_pages));
  EXPECT_TRUE(
      holds_for_all_programs("BitmapHeap sees flips", kCorruptVocabulary, GetParam(), run_on_bitmap, give_pages));
}

}  // namespace
}  // namespace trestle::ops
