// The oracle: what a heap owes its caller, judged against the model. It looks at the answers, at the bytes of the blocks
// and at what the heap says of itself; it never trusts one of them to explain another.
// Nothing here allocates until something is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/engine.hpp"
#include "ops/model.hpp"

namespace trestle::ops {

enum class Expectation : std::uint8_t {
  met,
  engine_starts,
  legal_call_succeeds,
  memory_is_there,
  impossible_size_refused,
  block_inside_heap,
  block_aligned,
  blocks_disjoint,
  usable_size_exact,
  memory_zeroed,
  contents_kept,
  heap_sound,
  walk_complete,
  walk_matches,
  stats_match,
  place_told,
  caller_told,
  mappings_told,
  block_told,
  access_told,
  mend_told,
  free_apart_from_live,
  settings_hold,
  buffer_resizes,
  buffer_moves,
  os_contract_kept,
  misuse_named,
  corruption_seen,
  threads_go_on,
};
[[nodiscard]] const char* name_of(Expectation expectation) noexcept;

// What was violated, at which op (counted from 0), and the evidence in words.
struct Failure {
  Expectation what = Expectation::met;
  std::size_t op = 0;
  std::string detail;
};

// Above this, null is the only right answer.
inline constexpr std::size_t kLargestRequest = static_cast<std::size_t>(PTRDIFF_MAX);

class Oracle {
 public:
  Oracle() = default;
  explicit Oracle(const Model& model) : model_(model) {}

  [[nodiscard]] Model& model() noexcept { return model_; }
  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] bool is_violated() const noexcept { return what_ != Expectation::met; }
  [[nodiscard]] Failure failure(std::size_t op) const { return {what_, op, detail_}; }

  // Remembers the first violation; the text as by printf.
  void violate(Expectation what, const char* format, ...) __attribute__((format(printf, 3, 4)));

  // A new block of `size` bytes at `address`: aligned, within [first, last), apart from every live block but `but`.
  void judge_place(const std::byte* address, std::size_t size, std::size_t alignment, const std::byte* first,
                   const std::byte* last, const LiveBlock* but = nullptr);
  void judge_zeroed(const std::byte* address, std::size_t size);
  void judge_usable(const LiveBlock& block, const Sized& answer);

  // The owner writes its bytes, and later wants them back. Blocks above 256 bytes: at the head, in the middle, at the tail.
  static void fill(const LiveBlock& block) noexcept;
  // The bytes of `block`, of which only the first `kept` still lie at `address`.
  void judge_contents(const LiveBlock& block, const std::byte* address, std::size_t kept);
  // The same of a block that was filled whole, byte by byte: its bytes may have been copied.
  void judge_moved(const LiveBlock& block, const std::byte* address, std::size_t kept);
  void judge_contents(const LiveBlock& block) { judge_contents(block, block.address, block.size); }
  void judge_all_contents();

  // What a walk has shown so far, and by which block it passed last, in address order.
  struct Shown {
    std::size_t live = 0;
    std::size_t cursor = 0;
  };
  // For each block that a walk shows; then the sum. False: something is wrong.
  bool judge_shown(const BlockView& shown, Shown& seen);
  void judge_walk_end(bool complete, const Shown& seen);
  // What the heap counts of itself.
  void judge_stats(const trestle_stats& stats);
  // `count` faults, of which `first` is the first.
  void judge_soundness(const Fault& first, std::size_t count);

  // The longest run of bytes in [first, last) that no live block's own bytes lie in.
  [[nodiscard]] static std::size_t longest_gap(const Model& model, const std::byte* first,
                                               const std::byte* last) noexcept;

 private:
  void judge_bytes(const LiveBlock& block, const std::byte* address, std::size_t first, std::size_t bytes);
  bool judge_shown_live(const BlockView& shown, const LiveBlock* block);
  // Whether that may be what the heap knows of the block's size.
  [[nodiscard]] std::size_t most_told(const LiveBlock& block) const noexcept;
  [[nodiscard]] bool is_size(const LiveBlock& block, std::size_t told) const noexcept;

  Model model_;
  Expectation what_ = Expectation::met;
  std::string detail_;
};

}  // namespace trestle::ops
