// A heap over the harness's atomics and system, a table of blocks that its threads hand to one another, and small programs that
// come through every tier: what may befall a thread in the midst of them is tried at each of its accesses.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/policy.hpp"
#include "heap/heap.hpp"
#include "ops/edge.hpp"
#include "ops/test_os.hpp"
#include "stepper.hpp"

namespace trestle::stepped {

// What one thread does: with the blocks at some places of the table, or with the whole heap.
struct Deed {
  enum What : std::uint8_t { take, give, resize, trim, check, fork } what;
  std::size_t place = 0;
  std::size_t bytes = 0;
};
struct Script {
  const char* name;
  std::span<const Deed> deeds;
  std::size_t times = 1;  // so much longer than the others that so many times fewer of its accesses are tried
};

inline constexpr std::size_t kHandedOver =
    8;  // places of the table that a scene fills before it begins: of each tier two
inline constexpr std::size_t kPlaces = 24;
inline constexpr std::size_t kTierSizes[] = {100, 20'000, 100'000, 400'000};

// Of slots, up to a batch and back; of blocks; of spans that grow and shrink; of no bytes, and what looks at everything.
inline constexpr Deed kSlotDeeds[] = {{Deed::take, 8, 100},     {Deed::take, 9, 20'000}, {Deed::give, 0, 0},
                                      {Deed::take, 10, 20'000}, {Deed::resize, 8, 3000}, {Deed::give, 9, 0},
                                      {Deed::give, 1, 0},       {Deed::give, 10, 0}};
inline constexpr Deed kBlockDeeds[] = {
    {Deed::take, 8, 50'000}, {Deed::give, 4, 0}, {Deed::resize, 8, 200'000}, {Deed::give, 5, 0}, {Deed::give, 8, 0}};
inline constexpr Deed kSpanDeeds[] = {{Deed::take, 8, 300'000},   {Deed::resize, 8, 700'000}, {Deed::give, 6, 0},
                                      {Deed::resize, 8, 280'000}, {Deed::give, 8, 0},         {Deed::resize, 7, 40}};
inline constexpr Deed kWholeDeeds[] = {{Deed::take, 8, 0}, {Deed::trim, 0, 0}, {Deed::give, 8, 0}, {Deed::check, 0, 0}};
inline constexpr Script kScripts[] = {
    {"slots", kSlotDeeds}, {"blocks", kBlockDeeds}, {"spans", kSpanDeeds}, {"whole", kWholeDeeds, 40}};

template <Policy P>
class Scene {
 public:
  using HeapType = Heap<P, ops::TestOs>;

  Scene() { start(); }
  ~Scene() { heap_.stop(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] HeapType& heap() { return heap_; }
  [[nodiscard]] ops::TestArena& arena() { return arena_; }
  // The first thing that did not hold; null: all did.
  [[nodiscard]] const char* wrong() const { return wrong_ != nullptr ? wrong_ : arena_.breach(); }

  void perform(std::span<const Deed> deeds) {
    for (const Deed& deed : deeds) perform(deed);
  }
  // A block of each tier, of its own and of those that were handed over, comes and goes; the heap is sound.
  void use_all(std::size_t first_place) {
    for (std::size_t i = 0; i < std::size(kTierSizes); ++i) perform({Deed::take, first_place + i, kTierSizes[i]});
    for (std::size_t i = 0; i < std::size(kTierSizes); ++i)
      perform({Deed::resize, first_place + i, 2 * kTierSizes[i] / 3});
    for (std::size_t place = 0; place < kHandedOver; ++place) perform({Deed::give, place, 0});
    for (std::size_t i = 0; i < std::size(kTierSizes); ++i) perform({Deed::give, first_place + i, 0});
  }
  // The edge lets no signal interrupt a check.
  void set_checks_interrupted(bool are) { checks_interrupted_ = are; }
  void must_be_sound() {
    Fault first;
    FaultSink sink(&first, 1);
    if (checks_interrupted_) {
      heap_.check(CheckLevel::full, sink);
    } else {
      const Unstepped undisturbed;
      heap_.check(CheckLevel::full, sink);
    }
    if (sink.count() != 0) fail(traits_of(first.kind).name);
  }
  void must_hold_all() {
    for (const Block& block : blocks_) must_hold(block, block.bytes);
  }
  // Of blocks that a thread is at nobody knows how they are; nor has anybody else anything to do with them.
  void must_hold_all_left() {
    for (const Block& block : blocks_) {
      if (!block.busy) must_hold(block, block.bytes);
    }
  }

 private:
  struct Block {
    std::byte* at = nullptr;
    std::size_t bytes = 0;
    bool busy = false;  // a thread is at it
  };

  void start() {
    const HeapConfig config{.secret = 0x5EED,
                            .region_bytes = std::size_t{32} << 20,
                            .commit_bytes = std::size_t{64} << 10,
                            .block_span_bytes = std::size_t{512} << 10,
                            .move_from_bytes = std::size_t{32} << 10};
    if (!heap_.start(config)) return fail("it starts");
    for (std::size_t thread = kMostThreads; thread-- > 0;) {
      arena_.run_on(thread);
      for (std::size_t i = 0; i < std::size(kTierSizes); ++i) {
        const std::size_t place = 2 * i + thread % 2;
        if (thread < 2) perform({Deed::take, place, kTierSizes[i]});
      }
      if (thread >= 2) perform({Deed::take, kHandedOver + thread, 40});
      if (thread >= 2) perform({Deed::give, kHandedOver + thread, 0});
    }
  }
  void fail(const char* what) {
    if (wrong_ == nullptr) wrong_ = what;
  }
  [[nodiscard]] static std::byte sign_of(const Block& block) {
    return std::byte{static_cast<unsigned char>(block.bytes % 251 + 1)};
  }
  void must_hold(const Block& block, std::size_t bytes) {
    if (block.at == nullptr) return;
    at_places(block.bytes, [&](std::size_t at) {
      if (at < bytes && block.at[at] != sign_of(block)) fail("a block keeps what it holds");
    });
  }
  // At its start, its middle and its end.
  template <class Visit>
  static void at_places(std::size_t bytes, Visit visit) {
    for (const std::size_t at : {std::size_t{0}, bytes / 2, bytes - 1}) {
      if (bytes != 0) visit(at);
    }
  }
  static void fill(const Block& block) {
    at_places(block.bytes, [&](std::size_t at) { block.at[at] = sign_of(block); });
  }
  void perform(const Deed& deed) {
    Block& block = blocks_[deed.place];
    switch (deed.what) {
      case Deed::take:
        return take(block, deed.bytes);
      case Deed::give:
        return give(block);
      case Deed::resize:
        return resize(block, deed.bytes);
      case Deed::trim:
        (void)heap_.trim(0);
        return;
      case Deed::check:
        return must_be_sound();
      case Deed::fork:  // as far as its handlers go, in the parent
        heap_.lock_all();
        return heap_.unlock_all();
    }
  }
  void take(Block& block, std::size_t bytes) {
    if (block.at != nullptr || block.busy) return;
    block.busy = true;
    const Allocation made = ops::allocate_at_edge(heap_, bytes, kMinAlignment, Kind::by_malloc);
    settle(block, made, bytes);
  }
  void give(Block& block) {
    if (block.at == nullptr || block.busy) return;
    block.busy = true;
    must_hold(block, block.bytes);
    const Verdict verdict = ops::deallocate_at_edge(heap_, block.at, {.kind = Kind::by_malloc});
    if (verdict.is_fault()) fail(traits_of(verdict.kind).name);
    block = {};
  }
  void resize(Block& block, std::size_t bytes) {
    if (block.at == nullptr || block.busy) return;
    block.busy = true;
    const Block old = block;
    const Allocation made = heap_.reallocate(block.at, bytes);
    if (made.payload != nullptr && !made.is_fault())
      must_hold({static_cast<std::byte*>(made.payload), old.bytes, true}, std::min(old.bytes, bytes));
    settle(block, made, bytes);
  }
  void settle(Block& block, const Allocation& made, std::size_t bytes) {
    if (made.is_fault()) return fail(traits_of(made.kind).name);
    if (made.payload == nullptr) return fail("memory is there");
    block = {static_cast<std::byte*>(made.payload), bytes, false};
    fill(block);
  }

  ops::TestArena arena_{std::size_t{48} << 20};
  HeapType heap_{ops::TestOs{arena_}};
  std::array<Block, kPlaces> blocks_{};
  const char* wrong_ = nullptr;
  bool checks_interrupted_ = true;
};

}  // namespace trestle::stepped
