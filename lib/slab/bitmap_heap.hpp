// A heap in one buffer of the caller's for a few small blocks: units of 16 bytes, two bits for each of them at its page's
// start and nothing else, so that a block costs what it needs in whole units. A block is a run of units in one page. The
// buffer may be mapped anywhere: the record at its start holds no address. Which family of functions a block came from is
// not known, since the codes tell runs apart instead.
//
//   | BitmapHeap | seal, codes | unit | unit | ... | seal, codes | unit | ...       one page behind the other
//   seal_ = tag over {bytes_, page_bytes_, first_open_}, I17; a page's seal: over its place and its codes, I22
//   every free unit is poison, whole, where the policy poisons; every page before first_open_ is full
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "base/engine.hpp"
#include "base/keyed.hpp"
#include "base/poison.hpp"
#include "base/policy.hpp"
#include "slab/slot_canary.hpp"
#include "slab/unit_map.hpp"

namespace trestle {

template <Policy P>
class BitmapHeap {
 public:
  static constexpr std::size_t kUnit = kMinAlignment;
  static constexpr std::size_t kLeastPage = 256;
  static constexpr std::size_t kMostPage = 4096;
  static constexpr std::size_t kLeastPad = P.canary ? 1 : 0;
  static constexpr std::size_t kRecordBytes = 48;

  // Of a page's own, at its start; the first has the heap's record before it. Whole units, all of which the seal covers.
  [[nodiscard]] static constexpr std::size_t header_bytes(std::size_t page_bytes) noexcept {
    const std::uint32_t words = UnitMap::words_for(static_cast<std::uint32_t>(page_bytes / kUnit));
    return align_up((1 + words) * sizeof(std::uint64_t), kUnit);
  }

  // Null iff the buffer is null or misaligned, or has no room for a page, or page_bytes is no power of two from kLeastPage to
  // kMostPage. What is left over behind the last whole page is not used.
  [[nodiscard]] static BitmapHeap* create(void* buffer, std::size_t bytes, std::uint64_t secret, std::size_t page_bytes,
                                          bool zeroed) noexcept {
    if (buffer == nullptr || !is_aligned(buffer, kMinAlignment) || !is_page(page_bytes)) return nullptr;
    if (bytes < page_bytes || bytes / page_bytes > kMostPages) return nullptr;
    auto* const heap = new (buffer) BitmapHeap;
    heap->key_ = key_from(secret);
    heap->page_bytes_ = static_cast<std::uint32_t>(page_bytes);
    heap->bytes_ = align_down(bytes, page_bytes);
    heap->write_seal();
    for (std::uint32_t page = 0; page < heap->pages(); ++page) heap->make(page, zeroed);
    return heap;
  }
  // `bytes`: how many there are at `buffer`; null iff no sound heap of at most that size is there.
  [[nodiscard]] static BitmapHeap* attach(void* buffer, std::size_t bytes) noexcept {
    if (buffer == nullptr || !is_aligned(buffer, kMinAlignment) || bytes < kLeastPage) return nullptr;
    auto* const heap = static_cast<BitmapHeap*>(buffer);
    return heap->is_sealed() && heap->size() <= bytes ? heap : nullptr;
  }

  Allocation allocate(std::size_t size, std::size_t alignment, Kind kind) noexcept;
  Verdict deallocate(void* payload, const Release& how) noexcept;
  Allocation reallocate(void* payload, std::size_t size) noexcept;
  [[nodiscard]] Sized usable_size(const void* payload) const noexcept;
  void check(CheckLevel level, FaultSink& sink) const noexcept;
  bool walk(BlockVisitor visitor) const noexcept;

  // What the last call that hands out blocks found; kept here so that the public face needs no state of its own.
  [[nodiscard]] FaultKind last_fault() const noexcept { return last_fault_; }
  void set_last_fault(FaultKind kind) noexcept { last_fault_ = kind; }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }
  // The most that one block can hold, in a page that is not the first.
  [[nodiscard]] std::size_t largest_request() const noexcept {
    return page_bytes_ - header_bytes(page_bytes_) - kLeastPad;
  }
  // Whole pages at the end: more of them, and fewer. grow: false iff there is no whole page more. shrink: false iff that is
  // more than there are, or a page that would go is in use or unsound.
  bool grow(std::size_t bytes, bool zeroed) noexcept;
  bool shrink(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t smallest_size() const noexcept;

 private:
  BitmapHeap() noexcept = default;

  // Of a page: which units, from the first of them on. count == 0: none.
  struct Run {
    std::uint32_t page = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    [[nodiscard]] std::size_t bytes() const noexcept { return std::size_t{count} * kUnit; }
    [[nodiscard]] std::uint32_t end() const noexcept { return first + count; }
  };
  // At a page's start, but for the first, where the heap's record precedes it.
  struct Header {
    std::uint64_t seal;
    std::uint64_t codes[1];  // NOLINT(modernize-avoid-c-arrays): as many as the page's size wants
  };

  static constexpr std::size_t kMostPages = UINT32_MAX;

  [[nodiscard]] static constexpr bool is_page(std::size_t bytes) noexcept {
    return is_power_of_two(bytes) && bytes >= kLeastPage && bytes <= kMostPage;
  }
  [[nodiscard]] std::uint32_t pages() const noexcept { return static_cast<std::uint32_t>(bytes_ / page_bytes_); }
  [[nodiscard]] std::byte* start() const noexcept {
    return reinterpret_cast<std::byte*>(const_cast<BitmapHeap*>(this));
  }
  [[nodiscard]] std::size_t header_at(std::uint32_t page) const noexcept {
    return std::size_t{page} * page_bytes_ + (page == 0 ? kRecordBytes : 0);
  }
  [[nodiscard]] Header& header(std::uint32_t page) const noexcept {
    return *reinterpret_cast<Header*>(start() + header_at(page));
  }
  // Offset of the page's first unit.
  [[nodiscard]] std::size_t units_at(std::uint32_t page) const noexcept {
    return header_at(page) + header_bytes(page_bytes_);
  }
  [[nodiscard]] std::uint32_t units(std::uint32_t page) const noexcept {
    return static_cast<std::uint32_t>(((std::size_t{page} + 1) * page_bytes_ - units_at(page)) / kUnit);
  }
  [[nodiscard]] UnitMap map(std::uint32_t page) const noexcept { return {header(page).codes, units(page)}; }
  [[nodiscard]] std::byte* at(const Run& run) const noexcept {
    return start() + units_at(run.page) + std::size_t{run.first} * kUnit;
  }
  [[nodiscard]] SlotCanary canary(const Run& run) const noexcept {
    return {key_, at(run), run.bytes(), static_cast<std::uint64_t>(at(run) - start())};
  }
  [[nodiscard]] static std::uint32_t units_for(std::size_t size) noexcept {
    return static_cast<std::uint32_t>(std::max(align_up(size + kLeastPad, kUnit), kUnit) / kUnit);
  }

  [[nodiscard]] std::uint64_t seal() const noexcept {
    return tag_of(key_, bytes_, std::uint64_t{page_bytes_} << 32 | first_open_);
  }
  void write_seal() noexcept { seal_ = seal(); }
  [[nodiscard]] bool is_sealed() const noexcept {
    return seal_ == seal() && is_page(page_bytes_) && bytes_ >= page_bytes_ && bytes_ % page_bytes_ == 0 &&
           bytes_ / page_bytes_ <= kMostPages && first_open_ <= pages();
  }
  void set_first_open(std::uint32_t page) noexcept {
    if (page == first_open_) return;
    first_open_ = page;
    write_seal();
  }
  // Over the whole header but the seal itself.
  [[nodiscard]] std::uint64_t seal_of(std::uint32_t page) const noexcept {
    const std::uint64_t* const codes = header(page).codes;
    std::uint64_t sum = key_.high;
    for (std::size_t i = 0; i < header_bytes(page_bytes_) / sizeof(std::uint64_t) - 1; ++i)
      sum = fold(sum ^ codes[i] ^ kOdd2, key_.low ^ kOdd1) + codes[i];
    return tag_of(key_, page, sum);
  }
  [[nodiscard]] Verdict vet_page(std::uint32_t page) const noexcept {
    if (header(page).seal == seal_of(page)) [[likely]]
      return {};
    return {FaultKind::control_corrupt, &header(page)};
  }
  void make(std::uint32_t page, bool zeroed) noexcept;

  void mark(const Run& run, unsigned code) noexcept {
    map(run.page).set(run.first, run.count, code);
    header(run.page).seal = seal_of(run.page);
  }
  void use(const Run& run, std::size_t size) noexcept {
    mark(run, map(run.page).code_apart(run.first, run.count));
    if constexpr (P.canary) canary(run).write(size);
  }
  void set_free(const Run& run) noexcept;
  // The first byte of free units that is no poison; none where they are sound.
  [[nodiscard]] Verdict vet_poison(const Run& run) const noexcept {
    if constexpr (!P.poison) return {};
    if (const std::byte* const wrong = first_other(at(run), run.bytes(), P.poison_byte)) [[unlikely]]
      return {FaultKind::write_after_free, wrong};
    return {};
  }
  [[nodiscard]] Verdict vet_pad(const Run& run, std::size_t& requested) const noexcept {
    requested = run.bytes();
    if constexpr (P.canary) {
      if (const std::byte* const wrong = canary(run).broken(requested)) [[unlikely]]
        return {FaultKind::write_past_end, wrong};
    }
    return {};
  }
  // The block whose first byte that is, in a page whose seal is whole.
  [[nodiscard]] Verdict find(const void* payload, Run& run) const noexcept;
  [[nodiscard]] Verdict find_live(const void* payload, Run& run, std::size_t& requested) const noexcept {
    if (const Verdict v = find(payload, run); v.is_fault()) [[unlikely]]
      return v;
    return vet_pad(run, requested);
  }
  // The lowest free units that do; count == 0: nowhere. `open` moves on to the first page that is not full. Codes that are not
  // sealed are not gone by, nor is their page passed over. Cost: O(pages from `open` on).
  [[nodiscard]] Verdict find_room(std::uint32_t count, std::size_t alignment, std::uint32_t& open,
                                  Run& run) const noexcept;
  [[nodiscard]] Run find_room_in(std::uint32_t page, std::uint32_t count, std::size_t alignment) const noexcept;
  // True iff the block now has as many units, and has not moved. A fault: among the units that it would take.
  [[nodiscard]] Verdict resize(const Run& run, std::size_t requested, std::size_t size, bool& done) noexcept;
  void check_page(std::uint32_t page, FaultSink& sink) const noexcept;
  void add_pad_fault(const Run& run, const Verdict& v, std::size_t requested, FaultSink& sink) const noexcept;

  Key key_;
  std::uint64_t bytes_ = 0;
  std::uint32_t page_bytes_ = 0;
  std::uint32_t first_open_ = 0;  // no page before it has a free unit
  std::uint64_t seal_ = 0;
  FaultKind last_fault_ = FaultKind::none;
};

static_assert(sizeof(BitmapHeap<kHardened>) == BitmapHeap<kHardened>::kRecordBytes);
static_assert(Engine<BitmapHeap<kHardened>>);

template <Policy P>
void BitmapHeap<P>::make(std::uint32_t page, bool zeroed) noexcept {
  std::memset(&header(page), 0, header_bytes(page_bytes_));
  header(page).seal = seal_of(page);
  if (P.poison && !(zeroed && P.poison_byte == 0))
    fill(start() + units_at(page), std::size_t{units(page)} * kUnit, P.poison_byte);
}

template <Policy P>
Verdict BitmapHeap<P>::find(const void* payload, Run& run) const noexcept {
  const std::uint64_t offset = address_of(payload) - address_of(this);
  if (offset >= bytes_) return {FaultKind::wild_pointer, payload};
  run.page = static_cast<std::uint32_t>(offset / page_bytes_);
  if (offset < units_at(run.page)) return {FaultKind::not_a_block, payload};
  if (const Verdict v = vet_page(run.page); v.is_fault()) [[unlikely]]
    return v;
  const UnitMap codes = map(run.page);
  run.first = static_cast<std::uint32_t>((offset - units_at(run.page)) / kUnit);
  const bool aligned = is_aligned(payload, kUnit);
  if (codes.code(run.first) == UnitMap::kFree)
    return {aligned ? FaultKind::double_free : FaultKind::not_a_block, payload};
  if (!aligned || codes.run_start(run.first) != run.first) return {FaultKind::interior_pointer, payload};
  run.count = codes.run_end(run.first) - run.first;
  return {};
}

template <Policy P>
auto BitmapHeap<P>::find_room_in(std::uint32_t page, std::uint32_t count, std::size_t alignment) const noexcept -> Run {
  const UnitMap codes = map(page);
  for (std::uint32_t first = codes.next_free(0); first != codes.units();) {
    const std::uint32_t end = codes.next_used(first);
    const std::uint64_t here = address_of(at({page, first, 1}));
    const std::uint64_t skipped = (align_up(here, alignment) - here) / kUnit;
    if (skipped + count <= end - first) return {page, first + static_cast<std::uint32_t>(skipped), count};
    first = codes.next_free(end);
  }
  return {page, 0, 0};
}

template <Policy P>
Verdict BitmapHeap<P>::find_room(std::uint32_t count, std::size_t alignment, std::uint32_t& open,
                                 Run& run) const noexcept {
  for (std::uint32_t page = open; page < pages(); ++page) {
    if (const Verdict v = vet_page(page); v.is_fault()) [[unlikely]]
      return v;
    if (page == open && map(page).next_free(0) == units(page)) {
      ++open;
      continue;
    }
    run = find_room_in(page, count, alignment);
    if (run.count != 0) return {};
  }
  return {};
}

template <Policy P>
Allocation BitmapHeap<P>::allocate(std::size_t size, std::size_t alignment, Kind) noexcept {
  if (!is_sealed()) [[unlikely]]
    return {this, FaultKind::control_corrupt};
  if (size > largest_request()) return {};
  Run run;
  std::uint32_t open = first_open_;
  if (const Verdict v = find_room(units_for(size), alignment, open, run); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (const Verdict v = vet_poison(run); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  set_first_open(open);
  if (run.count == 0) return {};
  use(run, size);
  return {at(run)};
}

template <Policy P>
void BitmapHeap<P>::set_free(const Run& run) noexcept {
  if constexpr (P.poison) fill(at(run), run.bytes(), P.poison_byte);
  mark(run, UnitMap::kFree);
  set_first_open(std::min(first_open_, run.page));
}

template <Policy P>
Verdict BitmapHeap<P>::deallocate(void* payload, const Release& how) noexcept {
  if (payload == nullptr) return {};
  if (!is_sealed()) [[unlikely]]
    return {FaultKind::control_corrupt, this};
  Run run;
  std::size_t requested = 0;
  if (const Verdict v = find_live(payload, run, requested); v.is_fault()) [[unlikely]]
    return v;
  if constexpr (P.sized_free_checked) {
    if (how.size != Release::kNoClaim && how.size != requested) return {FaultKind::size_mismatch, payload};
    if (how.alignment != 0 && !is_aligned(payload, how.alignment)) return {FaultKind::alignment_mismatch, payload};
  }
  set_free(run);
  return {};
}

template <Policy P>
Verdict BitmapHeap<P>::resize(const Run& run, std::size_t requested, std::size_t size, bool& done) noexcept {
  const std::uint32_t count = units_for(size);
  if (count <= run.count) {
    if (count != run.count) set_free({run.page, run.first + count, run.count - count});
  } else {
    const Run more{run.page, run.end(), count - run.count};
    if (map(run.page).next_used(run.end()) < more.end()) return {};
    if (const Verdict v = vet_poison(more); v.is_fault()) [[unlikely]]
      return v;
  }
  // What was canary becomes the owner's, and shows nothing of the key.
  if constexpr (P.canary) fill(at(run) + requested, run.bytes() - requested, P.poison_byte);
  use({run.page, run.first, count}, size);
  done = true;
  return {};
}

template <Policy P>
Allocation BitmapHeap<P>::reallocate(void* payload, std::size_t size) noexcept {
  if (payload == nullptr) return allocate(size, kMinAlignment, Kind::by_malloc);
  if (!is_sealed()) [[unlikely]]
    return {this, FaultKind::control_corrupt};
  Run run;
  std::size_t requested = 0;
  if (const Verdict v = find_live(payload, run, requested); v.is_fault()) [[unlikely]]
    return Allocation::failed(as_stale(v));
  if (size > largest_request()) return {};
  bool done = false;
  if (const Verdict v = resize(run, requested, size, done); v.is_fault()) [[unlikely]]
    return Allocation::failed(v);
  if (done) return {payload};
  const Allocation moved = allocate(size, kMinAlignment, Kind::by_malloc);
  if (moved.is_fault() || moved.payload == nullptr) return moved;
  std::memcpy(moved.payload, payload, std::min(size, requested));
  set_free(run);
  return moved;
}

template <Policy P>
Sized BitmapHeap<P>::usable_size(const void* payload) const noexcept {
  if (payload == nullptr) return {};
  if (!is_sealed()) [[unlikely]]
    return {0, FaultKind::control_corrupt};
  Run run;
  std::size_t requested = 0;
  if (const Verdict v = find_live(payload, run, requested); v.is_fault()) [[unlikely]]
    return {0, as_stale(v).kind};
  return {requested, FaultKind::none};
}

template <Policy P>
bool BitmapHeap<P>::grow(std::size_t bytes, bool zeroed) noexcept {
  if (!is_sealed() || bytes / page_bytes_ <= pages() || bytes / page_bytes_ > kMostPages) return false;
  const std::uint32_t before = pages();
  bytes = align_down(bytes, page_bytes_);
  if (zeroed && P.poison && first_other(start() + bytes_, bytes - bytes_, 0) != nullptr) zeroed = false;
  bytes_ = bytes;
  write_seal();
  for (std::uint32_t page = before; page < pages(); ++page) make(page, zeroed);
  return true;
}

template <Policy P>
bool BitmapHeap<P>::shrink(std::size_t bytes) noexcept {
  if (!is_sealed()) return false;
  bytes = align_down(bytes, page_bytes_);
  if (bytes > bytes_ || bytes < smallest_size()) return false;
  bytes_ = bytes;
  first_open_ = std::min(first_open_, pages());
  write_seal();
  return true;
}

template <Policy P>
std::size_t BitmapHeap<P>::smallest_size() const noexcept {
  if (!is_sealed()) return 0;
  std::uint32_t needed = pages();
  while (needed > 1 && !vet_page(needed - 1).is_fault() && map(needed - 1).next_used(0) == units(needed - 1)) --needed;
  return std::size_t{needed} * page_bytes_;
}

}  // namespace trestle

#include "slab/bitmap_heap_check.hpp"
