// The engine's sizes at their limits, and its bins on a heap: what can be served is, by a run that fits.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "block/block_engine.hpp"
#include "block/buffer.hpp"
#include "property.hpp"

namespace trestle {
namespace {

__extension__ using Wide = unsigned __int128;
using Bins = BufferHeap<kFast>::Bins;

// `pad`: of which there is at least as much.
template <Policy P>
bool block_bytes_hold(std::size_t pad) {
  return holds(
      "block_bytes is 16 + request + pad, rounded up, at least 64; nothing beyond the largest block",
      [=] {
        const std::size_t request = *sizes_at_limits();
        const std::optional<std::size_t> bytes = BufferHeap<P>::block_bytes(request);
        const Wide wanted = std::max<Wide>((Wide{request} + pad + 16 + 15) / 16 * 16, 64);
        RC_ASSERT(bytes.has_value() == (request <= kMaxBlockBytes - 2 * kMinBlock));
        if (bytes) RC_ASSERT(*bytes == wanted && *bytes <= kMaxBlockBytes);
        if (bytes) RC_ASSERT(Bins::bin_of(*bytes / kMinAlignment) < Bins::kBins);
      },
      50);
}

TEST(BlockEngineProperty, ABlockHoldsItsHeaderItsRequestAndItsPadOrThereIsNone) {
  EXPECT_TRUE(block_bytes_hold<kFast>(0));
  EXPECT_TRUE(block_bytes_hold<kHardened>(1));
  EXPECT_TRUE(block_bytes_hold<kDebug>(1));
}

// Holes of the given sizes between live blocks, and then requests.
struct Holes {
  std::vector<std::size_t> sizes;
  std::vector<std::size_t> requests;
};
Holes any_holes() {
  const auto size = rc::gen::oneOf(rc::gen::inRange<std::size_t>(0, 200), rc::gen::inRange<std::size_t>(0, 6000));
  return {*rc::gen::container<std::vector<std::size_t>>(size), *rc::gen::container<std::vector<std::size_t>>(size)};
}

template <class Heap>
std::vector<std::uint64_t> free_units(Heap& heap) {
  std::vector<std::uint64_t> units;
  for (const BlockView& block : blocks_of(heap))
    if (block.state == BlockState::free) units.push_back((block.served + kHeaderBytes) / kMinAlignment);
  return units;
}

// Held against a look at every free block: null is an answer only where no bin that surely fits holds one.
template <class Heap>
void serve_what_fits(Heap& heap, std::size_t request) {
  const std::vector<std::uint64_t> before = free_units(heap);
  const std::uint64_t need = *Heap::block_bytes(request) / kMinAlignment;
  const auto any_of = [&](auto is) { return std::any_of(before.begin(), before.end(), is); };
  const std::byte* const got = take(heap, request);
  if (any_of([&](std::uint64_t units) { return Bins::bin_of(units) >= Bins::bin_for(need); }))
    RC_ASSERT((got != nullptr));
  if (got != nullptr) RC_ASSERT(any_of([&](std::uint64_t units) { return units >= need; }));
  RC_ASSERT(faults_of(heap).empty());
}

template <Policy P>
void expect_fit_and_no_loss() {
  EXPECT_TRUE(holds(std::string("a heap serves what a bin that surely fits holds, under ") + P.name, [] {
    const Holes holes = any_holes();
    Buffer<P> buffer(512 << 10);
    std::vector<std::byte*> freed;
    for (const std::size_t size : holes.sizes) {
      freed.push_back(take(*buffer, size));
      RC_ASSERT((take(*buffer, 1) != nullptr));  // a wall, so that holes stay apart
    }
    const auto rest = buffer->largest_free();
    RC_ASSERT((take(*buffer, rest) != nullptr));
    for (std::byte* const at : freed) RC_ASSERT(give(*buffer, at) == FaultKind::none);
    RC_ASSERT(free_units(*buffer).size() == freed.size());
    for (const std::size_t request : holes.requests) serve_what_fits(*buffer, request);
  }));
}

TEST(BlockEngineProperty, ServesWhatFitsUnderFast) { expect_fit_and_no_loss<kFast>(); }
TEST(BlockEngineProperty, ServesWhatFitsUnderHardened) { expect_fit_and_no_loss<kHardened>(); }
TEST(BlockEngineProperty, ServesWhatFitsUnderDebug) { expect_fit_and_no_loss<kDebug>(); }

// The frame of a free block in a heap, as it lies there: every bit of header, links and footer.
TEST(BlockEngineProperty, EachBitOfEveryFreeFrameIsReported) {
  EXPECT_TRUE(holds("each flipped bit of a free block's header, links or footer is reported by a quick check", [] {
    const Holes holes = any_holes();
    RC_PRE(!holes.sizes.empty());
    Buffer<kHardened> buffer(512 << 10);
    std::vector<std::byte*> freed;
    for (const std::size_t size : holes.sizes) {
      freed.push_back(take(*buffer, size));
      RC_ASSERT((take(*buffer, 1) != nullptr));
    }
    for (std::byte* const at : freed) RC_ASSERT(give(*buffer, at) == FaultKind::none);
    const std::vector<BlockView> blocks = blocks_of(*buffer);
    const BlockView block = *rc::gen::suchThat(rc::gen::elementOf(blocks),
                                               [](const BlockView& each) { return each.state == BlockState::free; });
    auto* const payload = const_cast<std::byte*>(block.payload);
    for (std::byte* const part : {payload - kHeaderBytes, payload, payload + block.served - kFooterBytes}) {
      for (unsigned bit = 0; bit < 128; ++bit) {
        flip_bit(part, bit);
        RC_ASSERT(!faults_of(*buffer, CheckLevel::quick).empty());
        flip_bit(part, bit);
      }
    }
    RC_ASSERT(faults_of(*buffer).empty());
  }));
}

}  // namespace
}  // namespace trestle
