// A Heap over the harness's own operating system: a fixed secret, a small region, a clock that the ops move.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include "heap/heap.hpp"
#include "ops/heap_books.hpp"
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
  static constexpr Features kFeatures{.zeroed = true,
                                      .trim = true,
                                      .clock = true,
                                      .misuse = true,
                                      .corrupt = true,
                                      .stats = true,
                                      .refusals = true,
                                      .threads = true,
                                      .settings = true,
                                      .slots_rounded = !P.canary};
  static_assert(kAllSlots == kMaxSlot);
  // All the memory there is, in regions so small that a program fills one and goes on in the next.
  static constexpr std::size_t kArenaBytes = std::size_t{12} << 20;
  static constexpr std::size_t kRegionBytes = std::size_t{2} << 20;
  // The smallest there is: a check after every op reads every free byte, and small requests already reach the large tier.
  static constexpr std::size_t kBlockSpan = std::size_t{64} << 10;
  static constexpr std::size_t kDirty = std::size_t{256} << 10;
  static constexpr std::size_t kCommit = std::size_t{64} << 10;
  static constexpr std::size_t kMoveFrom = std::size_t{32} << 10;

  bool start(const Stage& stage, Oracle& oracle) {
    arena_.reset();
    arena_.set_processors(stage.processors);
    refused_before_ = forks_ = 0;
    sampled_ = expects_sweep_ = false;
    arena_.refuse(stage.refuse_nth, stage.refuse_every);
    const bool started = heap_.start(HeapConfig{.secret = kSecret,
                                                .region_bytes = kRegionBytes,
                                                .dirty_bytes = kDirty,
                                                .commit_bytes = kCommit,
                                                .block_span_bytes = kBlockSpan,
                                                .move_from_bytes = kMoveFrom,
                                                .slot_limit = stage.slot_limit});
    if (!started && arena_.refused() == 0)
      oracle.violate(Expectation::engine_starts, "start failed, %zu calls of the OS", arena_.calls());
    if (started && heap_.slots_.config_.arenas != stage.processors)
      oracle.violate(Expectation::engine_starts, "%zu arenas of slots on %d processors", heap_.slots_.config_.arenas,
                     stage.processors);
    return started;
  }
  [[nodiscard]] EngineType& engine() { return heap_; }
  [[nodiscard]] const std::byte* first() const { return arena_.first(); }
  [[nodiscard]] const std::byte* last() const { return arena_.last(); }
  // A region is a reservation.
  [[nodiscard]] const std::byte* region_of(const std::byte* at) const { return arena_.reserved_from(at); }
  [[nodiscard]] std::size_t accessible_bytes(const std::byte* from, const std::byte* to) const {
    return arena_.accessible_bytes(from, to);
  }
  [[nodiscard]] const char* wrong() const { return arena_.breach(); }
  const char* stop() {
    heap_.stop();
    if (arena_.breach() == nullptr && arena_.has_reservations()) return "a reservation was not released";
    return arena_.breach();
  }

  // Called before each op.
  void begin_op() { refused_before_ = arena_.refused_memory(); }
  // Null is legal where the OS has refused memory during the op, and where a heap that reuses nothing would by now have filled
  // a quarter of the arena: what is left over at the end of each region and block span is less than what was put into it.
  [[nodiscard]] bool may_refuse(const Model& model, std::size_t size, std::size_t alignment) const {
    constexpr std::size_t kPlenty = kArenaBytes / 4;
    // A sample takes a granule or two more than what is charged.
    const std::size_t samples = sampled_ ? (model.live().size() + 1) * 2 * kGranule : 0;
    return arena_.refused_memory() != refused_before_ || size > kPlenty || alignment > kPlenty ||
           model.charged_bytes() + model.charge_of(size, alignment) + samples > kPlenty;
  }

  [[nodiscard]] Tier tier_of(const std::byte* at) {
    Tier found = Tier::large;
    heap_.for_each_span([&](const SpanDescriptor& span, const std::byte* start) {
      if (at < start || static_cast<std::size_t>(at - start) >= span.length.bytes()) return;
      found = span.state == SpanState::blocks      ? Tier::block
              : span.state == SpanState::slots     ? Tier::slot
              : span.state == SpanState::addresses ? Tier::address
                                                   : Tier::large;
    });
    return found;
  }
  [[nodiscard]] bool is_accessible(const std::byte* at, std::size_t bytes) const {
    return arena_.is_accessible(at, bytes);
  }
  // Behind all that the last region has handed out, if there is any.
  [[nodiscard]] Stray never_a_block() {
    std::byte* behind = nullptr;
    heap_.spans_.for_each_region([&](auto& region) {
      std::byte* const last = region.base() + region.reserved_bytes() - kMinAlignment;
      behind = last < region.base() + region.frontier().bytes() ? nullptr : last;
      return true;
    });
    return {behind, FaultKind::not_a_block};
  }
  template <class Visit>
  void for_each_record(Visit visit) {
    heap_.for_each_span([&](SpanDescriptor& span, const std::byte*) {
      visit(reinterpret_cast<std::byte*>(&span), offsetof(SpanDescriptor, bin));
      const bool free = span.state == SpanState::free;
      if (free) visit(reinterpret_cast<std::byte*>(&span.bin), sizeof span.bin);
      if ((free && span.dirty) || span.state == SpanState::retired)
        visit(reinterpret_cast<std::byte*>(&span.age), sizeof span.age);
    });
  }
  template <class Visit>
  void for_each_table(Visit visit) {
    for_each_table_range(heap_, visit);
  }
  template <class Visit>
  void for_each_book(Visit visit) {
    ops::for_each_book(heap_, visit);
  }
  [[nodiscard]] bool is_followed_blindly(const std::byte* at) { return ops::is_followed_blindly(heap_, at); }
  void save() {
    arena_.save();
    std::memcpy(saved_.get(), static_cast<const void*>(&heap_), sizeof heap_);
  }
  void restore() {
    std::memcpy(static_cast<void*>(&heap_), saved_.get(), sizeof heap_);
    arena_.restore();
  }

  void wait(std::size_t milliseconds) { arena_.advance(milliseconds); }
  // Whether the heap has it so from then on. Where the hot paths are off, they do nothing.
  [[nodiscard]] bool set(Setting what, std::size_t to) {
    const SpanConfig& spans = heap_.spans_.config_;
    switch (what) {
      case Setting::decay:
        heap_.set_decay(to);
        return spans.decay_ms == to;
      case Setting::dirty_bytes:
        heap_.set_dirty_bytes(to);
        return spans.dirty_bytes == to;
      case Setting::hot:
        heap_.set_hot(to % 2 != 0);
        return to % 2 != 0 ? heap_.slots_.hot_id_ == heap_.slots_.id_ : is_cold();
      case Setting::sample:
        heap_.set_sample(to % 16, to / 16 % 16);
        sampled_ = sampled_ || heap_.slots_.takes_samples();
        return heap_.slots_.sample_ == (P.sampled ? to % 16 : 0) && heap_.samples_below_ == to / 16 % 16;
      case Setting::sweep:
        return sweep(to);
    }
    return false;
  }
  void run_on(std::size_t thread) { arena_.run_on(thread); }
  void go_on_with(std::size_t thread) { arena_.go_on_with(thread); }
  // Both sides of a fork in turn. The child, which goes on with the program, has none of the other threads: their caches are
  // there for those that begin.
  void fork() {
    heap_.lock_all();
    if (forks_++ % 2 == 0) return heap_.unlock_all();
    arena_.lose_other_threads();
    heap_.reset_locks();
  }
  void end_thread() {
    heap_.leave_thread();
    arena_.end_thread();
  }
  [[nodiscard]] std::size_t os_calls() const { return arena_.calls(); }

 private:
  // Whether the hot paths do nothing, although a slot is there to be freed and, then, to be had again.
  [[nodiscard]] bool is_cold() {
    void* const slot = heap_.allocate(1, kMinAlignment, Kind::by_malloc).payload;
    if (slot != nullptr && (heap_.deallocate_hot(slot, {}) || heap_.deallocate_away(slot, {}))) return false;
    return !heap_.deallocate(slot, {}).is_fault() && heap_.allocate_hot(1, Kind::by_malloc) == nullptr;
  }

  // Whether nothing that waits is damaged, and no more of it has gone than may. A sweep is due to those who expect one, and not
  // at once.
  [[nodiscard]] bool sweep(std::size_t to) {
    const bool expected = std::exchange(expects_sweep_, to != 0);
    if (heap_.is_sweep_due() && !expected) return false;
    if (to == 0)
      heap_.expect_no_sweep();
    else
      std::ignore = heap_.expect_sweep(to);
    if (heap_.is_sweep_due()) return false;
    std::size_t chosen = 0;
    const auto may_go = [&](const void* at) {
      const bool goes = std::popcount(address_of(at) ^ to) % 2 != 0;
      chosen += goes ? 1 : 0;
      return goes;
    };
    std::uint64_t swept = 0;
    return !heap_.sweep(may_go, swept).is_fault() && swept <= chosen;
  }

  TestArena arena_{kArenaBytes};
  EngineType heap_{TestOs{arena_}};
  std::unique_ptr<std::byte[]> saved_{new std::byte[sizeof(EngineType)]};
  std::size_t refused_before_ = 0;
  std::size_t forks_ = 0;
  bool sampled_ = false;  // some request may have been a sample
  bool expects_sweep_ = false;
};

static_assert(Host<HeapHost<kFast>> && MappedHost<HeapHost<kFast>> && ExplainingHost<HeapHost<kFast>>);

}  // namespace trestle::ops
