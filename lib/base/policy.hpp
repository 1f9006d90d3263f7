// A policy is a set of named constants, chosen at compile time and tested with `if constexpr`. No run-time branch chooses
// a policy; options only tune. Which mitigation costs what is in docs/design.md.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace trestle {

// Of which blocks the stacks of allocation and release are kept.
enum class HistoriesOf : std::uint8_t { nothing, spans, all };

struct Policy {
  char name[12];                  // as in libtrestle-NAME.so
  bool canary;                    // pad bytes carry the canary, checked on free, realloc and heap_check
  bool far_neighbour;             // free looks below a slot that begins a cache line as well, into the neighbour's
  bool poison;                    // freed bytes are filled with `poison_byte` and verified before reuse
  std::uint8_t poison_byte;       // what it is
  std::size_t poison_limit;       // bytes of a free block, from its start, that are poisoned and verified
  std::size_t largest_slot;       // what needs more bytes is a block, and waits as those do before its reuse
  bool random_reuse;              // blocks leave the quarantine in random order
  std::size_t slot_delay;         // freed slots of a class that wait in their thread's ring
  bool slots_quarantined;         // freed slots wait in the quarantine of the blocks instead
  std::size_t quarantine_blocks;  // at most this many blocks wait between free and reuse
  std::size_t quarantine_bytes;   // and at most this many bytes
  std::size_t sweep_blocks;       // blocks and slots, at most, that wait for sweeps; 0: none do, and `sweep` is refused
  bool sized_free_checked;        // size and alignment given to free must be the block's
  bool kind_checked;              // malloc, new and new[] must be released by their own
  bool kind_fatal;                // a kind mismatch aborts, and is no warning; default of abort_on_mismatch
  bool large_inaccessible;        // a freed large span is guarded until it is reused
  bool guard_pages;               // a guard page ends every block span and every large allocation
  std::size_t
      large_quarantine_spans;  // at most this many freed large spans wait, or keep their contents, before their reuse
  HistoriesOf histories;       // spans: of the blocks that have one of their own
  bool sampled;                // some small requests get a span of their own, against a guard page
  std::uint64_t sample;        // one in so many; 0: none; the option's default
  bool check_at_exit;          // default of the option of that name
  bool handle_segv;            // the same
};

inline constexpr std::size_t kAllBytes = SIZE_MAX;

inline constexpr Policy kFast{.name = "fast",
                              .canary = false,
                              .far_neighbour = false,
                              .poison = false,
                              .poison_byte = 0,
                              .poison_limit = 0,
                              .largest_slot = 64 << 10,
                              .random_reuse = true,
                              .slot_delay = 0,
                              .slots_quarantined = false,
                              .quarantine_blocks = 16,
                              .quarantine_bytes = 128 << 10,
                              .sweep_blocks = 0,
                              .sized_free_checked = false,
                              .kind_checked = false,
                              .kind_fatal = false,
                              .large_inaccessible = false,
                              .guard_pages = true,
                              .large_quarantine_spans = 16,
                              .histories = HistoriesOf::nothing,
                              .sampled = false,
                              .sample = 0,
                              .check_at_exit = false,
                              .handle_segv = false};

inline constexpr Policy kHardened{.name = "hardened",
                                  .canary = true,
                                  .far_neighbour = false,
                                  .poison = true,
                                  .poison_byte = 0,
                                  .poison_limit = 1024,
                                  .largest_slot = 32 << 10,
                                  .random_reuse = true,
                                  .slot_delay = 16,
                                  .slots_quarantined = false,
                                  .quarantine_blocks = 256,
                                  .quarantine_bytes = 1 << 20,
                                  .sweep_blocks = 1 << 20,
                                  .sized_free_checked = true,
                                  .kind_checked = true,
                                  .kind_fatal = false,
                                  .large_inaccessible = true,
                                  .guard_pages = true,
                                  .large_quarantine_spans = 16,
                                  .histories = HistoriesOf::spans,
                                  .sampled = true,
                                  .sample = 5000,
                                  .check_at_exit = false,
                                  .handle_segv = true};

inline constexpr Policy kDebug{.name = "debug",
                               .canary = true,
                               .far_neighbour = true,
                               .poison = true,
                               .poison_byte = 0xDF,
                               .poison_limit = kAllBytes,
                               .largest_slot = 32 << 10,
                               .random_reuse = false,
                               .slot_delay = 0,
                               .slots_quarantined = true,
                               .quarantine_blocks = 1 << 20,
                               .quarantine_bytes = 64 << 20,
                               .sweep_blocks = 1 << 20,
                               .sized_free_checked = true,
                               .kind_checked = true,
                               .kind_fatal = true,
                               .large_inaccessible = true,
                               .guard_pages = true,
                               .large_quarantine_spans = 256,
                               .histories = HistoriesOf::all,
                               .sampled = true,
                               .sample = 0,
                               .check_at_exit = true,
                               .handle_segv = true};

// Contradictory policies do not compile.
consteval bool is_consistent(const Policy& p) {
  return p.poison == (p.poison_limit != 0) && (p.sampled || p.sample == 0) && (p.kind_checked || !p.kind_fatal) &&
         (p.canary || !p.far_neighbour) && (!p.sampled || (p.large_inaccessible && p.guard_pages)) &&
         p.quarantine_blocks > 0 && (p.sweep_blocks == 0 || p.sweep_blocks >= p.quarantine_blocks) &&
         !(p.slots_quarantined && p.slot_delay != 0) && (p.poison_limit % 16 == 0 || p.poison_limit == kAllBytes);
}
consteval Policy with_poison(Policy p, bool poison, std::size_t limit) {
  p.poison = poison;
  p.poison_limit = limit;
  return p;
}
consteval Policy with_samples(Policy p) {
  p.sampled = true;
  return p;
}
static_assert(is_consistent(kFast) && is_consistent(kHardened) && is_consistent(kDebug));
static_assert(!is_consistent(with_samples(kFast)));
static_assert(is_consistent(with_poison(kFast, true, 32)));
static_assert(!is_consistent(with_poison(kFast, false, 32)) && !is_consistent(with_poison(kHardened, true, 0)) &&
              !is_consistent(with_poison(kHardened, true, 8)));

}  // namespace trestle
