// BufferHeap keeps every expectation under all programs and policies, in buffers of a fixed size, that grow, shrink and move.
#include <gtest/gtest.h>

#include "ops/program_property.hpp"
#include "ops/runners.hpp"

namespace trestle::ops {
namespace {

using BufferHeapProperty = UnderEachPolicy;
INSTANTIATE_TEST_SUITE_P(Under, BufferHeapProperty, kEachPolicy, name_of_parameter);

TEST_P(BufferHeapProperty, Holds) {
  EXPECT_TRUE(holds_for_all_programs("BufferHeap is sound", kBufferVocabulary, GetParam(), run_on_buffer));
}

TEST_P(BufferHeapProperty, NamesMisuseAndSeesCorruption) {
  EXPECT_TRUE(
      holds_for_all_programs("BufferHeap names misuse", kMisuseVocabulary, GetParam(), run_on_buffer, give_buffer));
  EXPECT_TRUE(
      holds_for_all_programs("BufferHeap sees flips", kCorruptVocabulary, GetParam(), run_on_buffer, give_buffer));
}

}  // namespace
}  // namespace trestle::ops
