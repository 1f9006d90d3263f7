// BufferHeap keeps every expectation under all programs and policies, in buffers of a fixed size, that grow, shrink and move.
#include <gtest/gtest.h>

#include "ops/buffer_host.hpp"
#include "ops/program_property.hpp"

namespace trestle::ops {
namespace {

template <Policy P>
void expect_sound() {
  BufferHeapHost<P> host;
  EXPECT_TRUE(holds_for_all_programs(std::string("BufferHeap is sound under ") + P.name, kBufferVocabulary, host));
}

TEST(BufferHeapProperty, HoldsUnderFast) { expect_sound<kFast>(); }
TEST(BufferHeapProperty, HoldsUnderHardened) { expect_sound<kHardened>(); }
TEST(BufferHeapProperty, HoldsUnderDebug) { expect_sound<kDebug>(); }

template <Policy P>
void expect_named_and_seen() {
  BufferHeapHost<P> host;
  EXPECT_TRUE(holds_for_all_programs(std::string("BufferHeap names misuse under ") + P.name, kMisuseVocabulary, host,
                                     give_buffer));
  EXPECT_TRUE(holds_for_all_programs(std::string("BufferHeap sees flips under ") + P.name, kCorruptVocabulary, host,
                                     give_buffer));
}

TEST(BufferHeapProperty, NamesMisuseAndSeesCorruptionUnderFast) { expect_named_and_seen<kFast>(); }
TEST(BufferHeapProperty, NamesMisuseAndSeesCorruptionUnderHardened) { expect_named_and_seen<kHardened>(); }
TEST(BufferHeapProperty, NamesMisuseAndSeesCorruptionUnderDebug) { expect_named_and_seen<kDebug>(); }

}  // namespace
}  // namespace trestle::ops
