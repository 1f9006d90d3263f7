// What the heap says when something is wrong. Deciding is apart from dying: the layers below the API return a Verdict
// (two registers, for the hot paths) or a Fault (with evidence, for heap_check); only the API edge reports and aborts.
#pragma once

#include <trestle/trestle.h>

#include <cstddef>
#include <cstdint>

namespace trestle {

enum class FaultKind : std::uint8_t {
  none = TRESTLE_FAULT_NONE,
  double_free = TRESTLE_FAULT_DOUBLE_FREE,
  interior_pointer = TRESTLE_FAULT_INTERIOR_POINTER,
  not_a_block = TRESTLE_FAULT_NOT_A_BLOCK,
  wild_pointer = TRESTLE_FAULT_WILD_POINTER,
  stale_pointer = TRESTLE_FAULT_STALE_POINTER,
  write_past_end = TRESTLE_FAULT_WRITE_PAST_END,
  write_before_start = TRESTLE_FAULT_WRITE_BEFORE_START,
  write_after_free = TRESTLE_FAULT_WRITE_AFTER_FREE,
  size_mismatch = TRESTLE_FAULT_SIZE_MISMATCH,
  alignment_mismatch = TRESTLE_FAULT_ALIGNMENT_MISMATCH,
  kind_mismatch = TRESTLE_FAULT_KIND_MISMATCH,
  header_corrupt = TRESTLE_FAULT_HEADER_CORRUPT,
  footer_corrupt = TRESTLE_FAULT_FOOTER_CORRUPT,
  block_overruns_span = TRESTLE_FAULT_BLOCK_OVERRUNS_SPAN,
  boundary_tag_mismatch = TRESTLE_FAULT_BOUNDARY_TAG_MISMATCH,
  uncoalesced_neighbours = TRESTLE_FAULT_UNCOALESCED_NEIGHBOURS,
  free_link_corrupt = TRESTLE_FAULT_FREE_LINK_CORRUPT,
  bin_mismatch = TRESTLE_FAULT_BIN_MISMATCH,
  accounting_mismatch = TRESTLE_FAULT_ACCOUNTING_MISMATCH,
  descriptor_corrupt = TRESTLE_FAULT_DESCRIPTOR_CORRUPT,
  span_tiling = TRESTLE_FAULT_SPAN_TILING,
  uncoalesced_spans = TRESTLE_FAULT_UNCOALESCED_SPANS,
  span_bin_mismatch = TRESTLE_FAULT_SPAN_BIN_MISMATCH,
  quarantine_corrupt = TRESTLE_FAULT_QUARANTINE_CORRUPT,
  control_corrupt = TRESTLE_FAULT_CONTROL_CORRUPT,
  access_past_end = TRESTLE_FAULT_ACCESS_PAST_END,
  access_after_free = TRESTLE_FAULT_ACCESS_AFTER_FREE,
  wild_access = TRESTLE_FAULT_WILD_ACCESS,
  leak = TRESTLE_FAULT_LEAK,
  access_before_start = TRESTLE_FAULT_ACCESS_BEFORE_START,
};

// The standard's name of a kind, what it means in a sentence, and the invariant that it breaks (docs/invariants.md; 0: none).
struct FaultTraits {
  const char* name;
  const char* meaning;
  int invariant;
};
[[nodiscard]] const FaultTraits& traits_of(FaultKind kind) noexcept;

// Whether a fault of the kind is that bytes of a pad or of poison are not as they were written.
[[nodiscard]] constexpr bool is_about_bytes(FaultKind kind) noexcept {
  return kind == FaultKind::write_past_end || kind == FaultKind::write_before_start ||
         kind == FaultKind::write_after_free;
}
// Whether it is about the pointer that a call was given, where no block begins, or none that is live.
[[nodiscard]] constexpr bool is_about_pointer(FaultKind kind) noexcept {
  return kind >= FaultKind::double_free && kind <= FaultKind::stale_pointer;
}
// Whether it is about what a release claims of a block.
[[nodiscard]] constexpr bool is_about_claim(FaultKind kind) noexcept {
  return kind >= FaultKind::size_mismatch && kind <= FaultKind::kind_mismatch;
}

// One fault with its evidence. `requested` and `served` are 0 and `block` is null where no block is known.
struct Fault {
  FaultKind kind = FaultKind::none;
  const void* address = nullptr;
  const void* block = nullptr;
  std::size_t requested = 0;
  std::size_t served = 0;
  std::uint64_t expected = 0;
  std::uint64_t found = 0;

  [[nodiscard]] bool is_fault() const noexcept { return kind != FaultKind::none; }
};

// Small enough for two registers: the answer of every vet on a hot path. `at` is the first wrong byte or the pointer given.
struct [[nodiscard]] Verdict {
  FaultKind kind = FaultKind::none;
  const void* at = nullptr;

  [[nodiscard]] bool is_fault() const noexcept { return kind != FaultKind::none; }
};
static_assert(sizeof(Verdict) == 16);

// A freed block is a double free to free, and a stale pointer to everything else.
inline Verdict as_stale(const Verdict& v) noexcept {
  return v.kind == FaultKind::double_free ? Verdict{FaultKind::stale_pointer, v.at} : v;
}

// What an allocation gives: a payload (null: out of memory), or a fault found on the way, `payload` then saying where.
struct [[nodiscard]] Allocation {
  void* payload = nullptr;
  FaultKind kind = FaultKind::none;
  bool is_alone = false;  // it has a span of its own

  [[nodiscard]] bool is_fault() const noexcept { return kind != FaultKind::none; }
  [[nodiscard]] Verdict verdict() const noexcept { return {kind, payload}; }
  static Allocation failed(const Verdict& v) noexcept { return {const_cast<void*>(v.at), v.kind}; }
};
static_assert(sizeof(Allocation) == 16);

// What a question about a block gives: its requested size, or a fault.
struct [[nodiscard]] Sized {
  std::size_t bytes = 0;
  FaultKind kind = FaultKind::none;

  [[nodiscard]] bool is_fault() const noexcept { return kind != FaultKind::none; }
};

// Where heap_check puts what it finds: counts all, and keeps the first `capacity`, or hands each on. Never allocates.
class FaultSink {
 public:
  constexpr FaultSink() noexcept = default;
  constexpr FaultSink(Fault* room, std::size_t capacity) noexcept : room_(room), capacity_(capacity) {}

  using Put = void (*)(const Fault& fault, std::size_t index, void* context);
  constexpr FaultSink(Put put, void* context) noexcept : put_(put), context_(context) {}

  void add(const Fault& fault) noexcept {
    if (count_ < capacity_) room_[count_] = fault;
    if (put_ != nullptr) put_(fault, count_, context_);
    ++count_;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  Fault* room_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
  Put put_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace trestle
