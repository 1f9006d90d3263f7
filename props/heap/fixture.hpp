// One Heap a policy over the real system, started and stopped by each test.
#pragma once

#include <map>

#include "faults.hpp"
#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "policies.hpp"

namespace trestle {

template <Policy P>
inline constinit Heap<P, LinuxOs> heap_under{};

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kMaxBlockRequest = kBlockSpanBytes / kBlocksPerSpan;
inline constexpr std::size_t kAnyBlockRequest = kMaxSlot + 1000;
inline constexpr std::size_t kLeastMaxSlot = kHardened.largest_slot;  // of any policy
// Sizes on both sides of every change of tier.
inline constexpr std::size_t kAllSizes[] = {0,
                                            1,
                                            15,
                                            16,
                                            17,
                                            100,
                                            1000,
                                            4096,
                                            kLeastMaxSlot - 1,
                                            kLeastMaxSlot,
                                            kLeastMaxSlot + 1,
                                            kMaxSlot - 1,
                                            kMaxSlot,
                                            kMaxSlot + 1,
                                            100 * kKiB,
                                            kMaxBlockRequest - 1,
                                            kMaxBlockRequest,
                                            kMaxBlockRequest + 1,
                                            300 * kKiB,
                                            kMiB,
                                            3 * kMiB + 5};

template <class T>
class HeapTest : public testing::Test {
 protected:
  static constexpr Policy kPolicy = T::kPolicy;
  using HeapType = Heap<kPolicy, LinuxOs>;
  static constexpr HeapConfig kConfig{.secret = 0x5EED, .region_bytes = std::size_t{4} << 30};

  void SetUp() override { ASSERT_TRUE(heap_.start(kConfig)); }
  void TearDown() override { heap_.stop(); }

  // What the heap knows of a request's size: without canaries a slot's own.
  static constexpr std::size_t told_size(std::size_t size, std::size_t alignment = kMinAlignment) {
    const bool slot = size != 0 && align_up(size, alignment) <= kPolicy.largest_slot;
    return kPolicy.canary || !slot ? size : slot_bytes(class_for(size, alignment));
  }

  // So many frees of small and large blocks that none freed before is in a quarantine still.
  void turn_over() {
    constexpr std::size_t kBlock = 128 * kKiB;
    for (std::size_t bytes = 0; bytes < 4 * kPolicy.quarantine_bytes + 4 * kMiB; bytes += kBlock) {
      ASSERT_EQ(give(heap_, take(heap_, kBlock)), FaultKind::none);
    }
    for (std::size_t i = 0; i <= kPolicy.large_quarantine_spans; ++i)
      ASSERT_EQ(give(heap_, take(heap_, kMiB)), FaultKind::none);
  }

  HeapType& heap_ = heap_under<kPolicy>;
};

}  // namespace trestle
