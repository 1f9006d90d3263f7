// BitmapHeap keeps every expectation under all programs and policies: pages of every size, buffers that grow, shrink and move,
// mistakes and flipped bits.
#include <gtest/gtest.h>

#include "ops/bitmap_host.hpp"
#include "ops/program_property.hpp"

namespace trestle::ops {
namespace {

template <Policy P>
void expect_sound() {
  BitmapHeapHost<P> host;
  EXPECT_TRUE(holds_for_all_programs(std::string("BitmapHeap is sound under ") + P.name, kBitmapVocabulary, host));
}

TEST(BitmapHeapProperty, HoldsUnderFast) { expect_sound<kFast>(); }
TEST(BitmapHeapProperty, HoldsUnderHardened) { expect_sound<kHardened>(); }
TEST(BitmapHeapProperty, HoldsUnderDebug) { expect_sound<kDebug>(); }

template <Policy P>
void expect_named_and_seen() {
  BitmapHeapHost<P> host;
  EXPECT_TRUE(holds_for_all_programs(std::string("BitmapHeap names misuse under ") + P.name, kMisuseVocabulary, host,
                                     give_pages));
  EXPECT_TRUE(holds_for_all_programs(std::string("BitmapHeap sees flips under ") + P.name, kCorruptVocabulary, host,
                                     give_pages));
}

TEST(BitmapHeapProperty, NamesMisuseAndSeesCorruptionUnderFast) { expect_named_and_seen<kFast>(); }
TEST(BitmapHeapProperty, NamesMisuseAndSeesCorruptionUnderHardened) { expect_named_and_seen<kHardened>(); }
TEST(BitmapHeapProperty, NamesMisuseAndSeesCorruptionUnderDebug) { expect_named_and_seen<kDebug>(); }

}  // namespace
}  // namespace trestle::ops
