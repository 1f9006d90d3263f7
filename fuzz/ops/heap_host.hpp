// A Heap over the harness's own operating system: a fixed secret, a small region, a clock that the ops move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "heap/heap.hpp"
#include "ops/oracle.hpp"
#include "ops/program.hpp"
#include "ops/test_os.hpp"
#include "ops/world.hpp"

namespace trestle::ops {

template <Policy P>
class HeapHost {
 public:
  using EngineType = Heap<P, TestOs>;
  static constexpr const Policy& kPolicy = P;
  // All the memory there is, in regions so small that a program fills one and goes on in the next.
  static constexpr std::size_t kArenaBytes = std::size_t{12} << 20;
  static constexpr std::size_t kRegionBytes = std::size_t{2} << 20;
  // The smallest there is: a check after every op reads every free byte, and small requests already reach the large tier.
  static constexpr std::size_t kBlockSpan = std::size_t{64} << 10;
  static constexpr std::size_t kCommit = std::size_t{64} << 10;
  static constexpr std::size_t kMoveFrom = std::size_t{32} << 10;

  bool start(const Stage& stage, Oracle& oracle) {
    arena_.reset();
    refused_before_ = 0;
    arena_.refuse(refuse_nth_ != 0 ? refuse_nth_ : stage.refuse_nth, stage.refuse_every);
    const bool started = heap_.start(HeapConfig{.secret = kSecret,
                                                .region_bytes = kRegionBytes,
                                                .commit_bytes = kCommit,
                                                .block_span_bytes = kBlockSpan,
                                                .move_from_bytes = kMoveFrom});
    if (!started && arena_.refused() == 0)
      oracle.violate(Expectation::engine_starts, "start failed, %zu calls of the OS", arena_.calls());
    return started;
  }
  [[nodiscard]] EngineType& engine() { return heap_; }
  [[nodiscard]] Features features() const {
    return {.zeroed = true, .trim = true, .clock = true, .misuse = true, .corrupt = true, .refusals = true};
  }
  [[nodiscard]] const std::byte* first() const { return arena_.first(); }
  [[nodiscard]] const std::byte* last() const { return arena_.last(); }
  [[nodiscard]] const char* wrong() const { return arena_.breach(); }
  const char* stop() {
    heap_.stop();
    if (arena_.breach() == nullptr && arena_.has_reservations()) return "a reservation was not released";
    return arena_.breach();
  }

  // Called before each op.
  void begin_op() { refused_before_ = arena_.refused(); }
  // Null is legal where the OS has refused something during the op, and where all that was ever asked for would fill a
  // quarter of the arena: reusing nothing, with guards, alignment and what is left over at the end of each region, all of it.
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    constexpr std::size_t kPlenty = kArenaBytes / 4;
    return arena_.refused() != refused_before_ || size > kPlenty || model.asked_bytes() + size + alignment > kPlenty;
  }

  [[nodiscard]] bool in_block_span(const std::byte* at) {
    bool found = false;
    heap_.for_each_span([&](const SpanDescriptor& span, const std::byte* start) {
      const auto offset = static_cast<std::size_t>(at - start);
      found = found || (span.state == SpanState::blocks && at >= start && offset < span.length.bytes());
    });
    return found;
  }
  [[nodiscard]] bool is_accessible(const std::byte* at, std::size_t bytes) const {
    return arena_.is_accessible(at, bytes);
  }
  template <class Visit>
  void for_each_record(Visit visit) {
    heap_.for_each_span([&](SpanDescriptor& span, const std::byte*) {
      visit(reinterpret_cast<std::byte*>(&span), offsetof(SpanDescriptor, bin));
    });
  }

  void wait(std::size_t milliseconds) { arena_.advance(milliseconds); }
  // In every run from now on the OS refuses its n-th call (1: the first); 0: none.
  void refuse_call(std::size_t nth) { refuse_nth_ = nth; }
  [[nodiscard]] std::size_t os_calls() const { return arena_.calls(); }

 private:
  static constexpr std::uint64_t kSecret = 0x5EC2'E7F0'2A11'0155U;

  TestArena arena_{kArenaBytes};
  EngineType heap_{TestOs{arena_}};
  std::size_t refuse_nth_ = 0;
  std::size_t refused_before_ = 0;
};

static_assert(Host<HeapHost<kFast>>);

}  // namespace trestle::ops
