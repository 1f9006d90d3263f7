// What every heap offers, whatever it is made of: the harnesses, the models and the replay are written against this.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "base/fault.hpp"

namespace trestle {

// Which family of functions an allocation came from, and so which one has to release it.
enum class Kind : std::uint8_t {
  none = TRESTLE_KIND_NONE,
  by_malloc = TRESTLE_KIND_MALLOC,
  by_new = TRESTLE_KIND_NEW,
  by_new_array = TRESTLE_KIND_NEW_ARRAY,
};

inline constexpr std::size_t kMinAlignment = 16;

// How a block is given back: by which family, and what the caller claims its size (kNoClaim: nothing) and
// its alignment (0: nothing) to be.
struct Release {
  static constexpr std::size_t kNoClaim = SIZE_MAX;

  Kind kind = Kind::by_malloc;
  std::size_t size = kNoClaim;
  std::size_t alignment = 0;
};

enum class CheckLevel : std::uint8_t {
  quick,  // descriptors, headers and counts
  full,   // every byte that the allocator owns
};

enum class BlockState : std::uint8_t {
  live = TRESTLE_BLOCK_LIVE,
  retired = TRESTLE_BLOCK_RETIRED,
  free = TRESTLE_BLOCK_FREE,
};

// One block as a walk shows it. Sizes in bytes; `requested` is 0 unless the block is live.
struct BlockView {
  const std::byte* payload = nullptr;
  std::size_t requested = 0;
  std::size_t served = 0;
  BlockState state = BlockState::free;
  Kind kind = Kind::none;
};

// A visitor and its context, without allocation. Returning false ends the walk.
struct BlockVisitor {
  bool (*visit)(const BlockView& block, void* context);
  void* context;
  bool operator()(const BlockView& block) const { return visit(block, context); }
};

// allocate: alignment a power of two, at least kMinAlignment. A null payload means out of memory, with errno untouched.
// reallocate: on null or fault the old block is kept as it was. `size` 0 gives a block of no bytes, it never frees.
// check: adds each fault found to the sink; never aborts. walk: every block, live, retired and free.
template <class E>
concept Engine = requires(E engine, const E& constant, void* payload, std::size_t size, std::size_t alignment,
                          Kind kind, Release how, CheckLevel level, FaultSink& sink, BlockVisitor visitor) {
  { engine.allocate(size, alignment, kind) } noexcept -> std::same_as<Allocation>;
  { engine.deallocate(payload, how) } noexcept -> std::same_as<Verdict>;
  { engine.reallocate(payload, size) } noexcept -> std::same_as<Allocation>;
  { engine.usable_size(payload) } noexcept -> std::same_as<Sized>;
  { engine.check(level, sink) } noexcept -> std::same_as<void>;
  { engine.walk(visitor) } noexcept -> std::same_as<bool>;
};
static_assert(!Engine<int>);

}  // namespace trestle
