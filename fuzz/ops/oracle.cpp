#include "ops/oracle.hpp"

#include <array>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "ops/instrument.hpp"
#include "ops/random.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kVerifiedWhole = 256;  // blocks to this size are verified whole after every op
constexpr std::size_t kWindow = 96;          // of larger ones: this much at the head, in the middle and at the tail
constexpr std::size_t kFilledWhole =
    32 << 10;  // blocks to this size are filled whole, and verified so when they are moved
constexpr std::size_t kZeroedWhole = 128 << 10;  // zeroed blocks to this size are verified whole
constexpr std::size_t kPeriod = 1021;            // no distance that a heap moves bytes by

// Byte i of a block of seed s is table[(s * 37 + i) % kPeriod]: of the position, so that a moved tail does not pass.
using Pattern = std::array<std::byte, kPeriod + kFilledWhole>;
constexpr Pattern make_pattern() {
  Pattern pattern{};
  Random random(0x5EED);
  for (std::size_t i = 0; i < kPeriod; ++i) pattern[i] = static_cast<std::byte>(random.byte() | 1);
  for (std::size_t i = kPeriod; i < pattern.size(); ++i) pattern[i] = pattern[i - kPeriod];
  return pattern;
}
constexpr Pattern kPattern = make_pattern();

struct Window {
  std::size_t first;
  std::size_t bytes;
};
constexpr std::size_t kWindows = 3;
// The window of that index, from the head to the tail; one of no bytes where the first is the whole block.
Window window_of(std::size_t size, std::size_t index) noexcept {
  if (size <= kVerifiedWhole) return index == 0 ? Window{0, size} : Window{size, 0};
  return index == 0 ? Window{0, kWindow} : index == 1 ? Window{size / 2, kWindow / 3} : Window{size - kWindow, kWindow};
}

const std::byte* pattern_at(std::uint32_t seed, std::size_t position) noexcept {
  return kPattern.data() + (seed * std::size_t{37} + position) % kPeriod;
}

// The first byte that differs, or `bytes`. Words first: this runs over every live block after every op.
TRESTLE_READS_WHOLE_RANGES std::size_t first_difference(const std::byte* a, const std::byte* b,
                                                        std::size_t bytes) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t x;
    std::uint64_t y;
    __builtin_memcpy(&x, a + i, 8);
    __builtin_memcpy(&y, b + i, 8);
    if (x != y) break;
  }
  while (i < bytes && a[i] == b[i]) ++i;
  return i;
}

std::size_t first_nonzero(const std::byte* at, std::size_t bytes) noexcept {
  std::size_t i = 0;
  for (std::uint64_t word; i + sizeof word <= bytes; i += sizeof word) {
    __builtin_memcpy(&word, at + i, sizeof word);
    if (word != 0) break;
  }
  while (i < bytes && at[i] == std::byte{0}) ++i;
  return i;
}

}  // namespace

const char* name_of(Expectation expectation) noexcept {
  constexpr std::array kNames{
      "met",
      "the engine did not start",
      "a legal call was answered with a fault",
      "null although there is memory",
      "a size above PTRDIFF_MAX was served",
      "block outside of the heap",
      "block misaligned",
      "blocks overlap",
      "usable size is not the request",
      "memory not zeroed",
      "contents lost",
      "heap_check found a fault",
      "walk incomplete",
      "walk differs from the model",
      "stats differ from the model",
      "an address told to lie elsewhere",
      "the caller is taken to be inside, or not to be",
      "the heap's memory told wrongly",
      "a block told as another",
      "a refused access told wrongly",
      "what is mended, or can be, told wrongly",
      "walk shows a free block over a live one",
      "a setting was forgotten",
      "buffer resized wrongly",
      "buffer did not survive a move",
      "contract with the OS broken",
      "a misuse was not named",
      "a flipped bit was not seen",
      "threads that go on no more",
  };
  static_assert(kNames.size() == static_cast<std::size_t>(Expectation::threads_go_on) + 1);
  const auto index = static_cast<std::size_t>(expectation);
  return index < kNames.size() ? kNames[index] : "unknown";
}

void Oracle::violate(Expectation what, const char* format, ...) {
  if (is_violated()) return;
  std::array<char, 400> text;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  what_ = what;
  detail_ = text.data();
}

void Oracle::judge_place(const std::byte* address, std::size_t size, std::size_t alignment, const std::byte* first,
                         const std::byte* last, const LiveBlock* but) {
  const void* const shown = address;
  const LiveBlock fresh{const_cast<std::byte*>(address), size};
  // C owes a small block no more than the alignment of the largest object that fits into it.
  if (model_.features().opaque && alignment == kMinAlignment && size < kMinAlignment)
    alignment = std::bit_floor(std::max<std::size_t>(size, 1));
  if (address < first || address > last || fresh.extent() > static_cast<std::size_t>(last - address))
    return violate(Expectation::block_inside_heap, "%p, %zu bytes", shown, size);
  if (reinterpret_cast<std::uintptr_t>(address) % alignment != 0)
    return violate(Expectation::block_aligned, "%p, asked for %zu", shown, alignment);
  for (const SlotId slot : model_.live()) {
    const LiveBlock& other = model_.at(slot);
    if (&other == but || other.address >= fresh.end() || address >= other.end()) continue;
    return violate(Expectation::blocks_disjoint, "%p, %zu bytes, and slot %zu at %p, %zu bytes", shown, size,
                   index_of(slot), static_cast<void*>(other.address), other.size);
  }
}

void Oracle::judge_zeroed(const std::byte* address, std::size_t size) {
  const bool whole = size <= kZeroedWhole;
  for (std::size_t i = 0; i < (whole ? 1 : kWindows); ++i) {
    const Window window = whole ? Window{0, size} : window_of(size, i);
    const std::size_t wrong = first_nonzero(address + window.first, window.bytes);
    if (wrong == window.bytes) continue;
    const std::size_t at = window.first + wrong;
    return violate(Expectation::memory_zeroed, "byte %zu of %zu is 0x%02x", at, size,
                   static_cast<unsigned>(address[at]));
  }
}

void Oracle::judge_usable(const LiveBlock& block, const Sized& answer) {
  if (answer.is_fault())
    return violate(Expectation::legal_call_succeeds, "usable_size: %s", traits_of(answer.kind).name);
  if (!is_size(block, answer.bytes))
    violate(Expectation::usable_size_exact, "%zu instead of %zu", answer.bytes, block.size);
}

// Of a block of that size: the most that the heap may tell, being exact but for slots of which it knows no more than their
// size.
std::size_t Oracle::most_told(const LiveBlock& block) const noexcept {
  if (const std::size_t unit = model_.features().unit; unit != 0)
    return std::max(unit, (block.size + unit - 1) / unit * unit);
  const std::size_t aligned = (block.size + block.alignment - 1) / block.alignment * block.alignment;
  return !model_.features().slots_rounded || aligned > model_.slot_limit() ? block.size : aligned + aligned / 8;
}

bool Oracle::is_size(const LiveBlock& block, std::size_t told) const noexcept {
  return told >= block.size && (model_.features().opaque || told <= most_told(block));
}

void Oracle::fill(const LiveBlock& block) noexcept {
  if (block.size <= kFilledWhole) {
    std::memcpy(block.address, pattern_at(block.seed, 0), block.size);
    return;
  }
  for (std::size_t i = 0; i < kWindows; ++i) {
    const Window window = window_of(block.size, i);
    std::memcpy(block.address + window.first, pattern_at(block.seed, window.first), window.bytes);
  }
}

void Oracle::judge_contents(const LiveBlock& block, const std::byte* address, std::size_t kept) {
  for (std::size_t i = 0; i < kWindows; ++i) {
    const Window window = window_of(block.size, i);
    if (window.first >= kept) return;
    judge_bytes(block, address, window.first, std::min(window.bytes, kept - window.first));
  }
}

void Oracle::judge_moved(const LiveBlock& block, const std::byte* address, std::size_t kept) {
  if (block.size > kFilledWhole) return judge_contents(block, address, kept);
  judge_bytes(block, address, 0, kept);
}

void Oracle::judge_bytes(const LiveBlock& block, const std::byte* address, std::size_t first, std::size_t bytes) {
  const std::byte* const expected = pattern_at(block.seed, first);
  const std::size_t wrong = first_difference(address + first, expected, bytes);
  if (wrong == bytes) return;
  violate(Expectation::contents_kept, "byte %zu of the block of %zu at %p is 0x%02x instead of 0x%02x", first + wrong,
          block.size, static_cast<const void*>(address), static_cast<unsigned>(address[first + wrong]),
          static_cast<unsigned>(expected[wrong]));
}

void Oracle::judge_all_contents() {
  for (const SlotId slot : model_.live()) judge_contents(model_.at(slot));
}

bool Oracle::judge_shown(const BlockView& shown, Shown& seen) {
  const LiveBlock* const above = model_.first_ending_after(shown.payload, seen.cursor);
  if (shown.state == BlockState::live) {
    ++seen.live;
    return judge_shown_live(shown, above);
  }
  if (above == nullptr || shown.payload + shown.served <= above->address) return true;
  violate(Expectation::free_apart_from_live, "%zu bytes at %p, and the live block at %p", shown.served,
          static_cast<const void*>(shown.payload), static_cast<void*>(above->address));
  return false;
}

bool Oracle::judge_shown_live(const BlockView& shown, const LiveBlock* block) {
  const void* const at = shown.payload;
  if (block == nullptr || block->address != shown.payload) {
    violate(Expectation::walk_matches, "a live block at %p that nobody holds", at);
    return false;
  }
  const bool kind_told = shown.kind == (model_.features().kinds ? block->kind : Kind::none);
  if (is_size(*block, shown.requested) && kind_told && shown.served >= shown.requested) return true;
  violate(Expectation::walk_matches, "at %p: %zu bytes of kind %d in %zu, instead of %zu of kind %d", at,
          shown.requested, static_cast<int>(shown.kind), shown.served, block->size, static_cast<int>(block->kind));
  return false;
}

void Oracle::judge_walk_end(bool complete, const Shown& seen) {
  if (is_violated()) return;
  if (!complete) return violate(Expectation::walk_complete, "it ended after %zu live blocks", seen.live);
  if (seen.live != model_.live().size())
    violate(Expectation::walk_matches, "%zu live blocks instead of %zu", seen.live, model_.live().size());
}

void Oracle::judge_stats(const trestle_stats& stats) {
  std::uint64_t bytes = 0;
  std::uint64_t rounded = 0;
  for (const SlotId slot : model_.live()) {
    bytes += model_.at(slot).size;
    rounded += most_told(model_.at(slot));
  }
  const std::uint64_t blocks = model_.live().size();
  const std::uint64_t standing = stats.allocations - stats.deallocations;
  const bool agree = stats.live_bytes >= bytes && stats.live_bytes <= rounded;
  if (stats.live_blocks == blocks && agree && standing == blocks && stats.peak_live_bytes >= bytes) return;
  violate(Expectation::stats_match, "%llu blocks of %llu bytes, %llu standing, peak %llu, instead of %llu of %llu",
          static_cast<unsigned long long>(stats.live_blocks), static_cast<unsigned long long>(stats.live_bytes),
          static_cast<unsigned long long>(standing), static_cast<unsigned long long>(stats.peak_live_bytes),
          static_cast<unsigned long long>(blocks), static_cast<unsigned long long>(bytes));
}

void Oracle::judge_soundness(const Fault& first, std::size_t count) {
  if (count == 0) return;
  violate(Expectation::heap_sound,
          "%s at %p (block %p, requested %zu, served %zu, expected 0x%llx, found 0x%llx), %zu in all",
          traits_of(first.kind).name, first.address, first.block, first.requested, first.served,
          static_cast<unsigned long long>(first.expected), static_cast<unsigned long long>(first.found), count);
}

std::size_t Oracle::longest_gap(const Model& model, const std::byte* first, const std::byte* last) noexcept {
  std::size_t longest = 0;
  for (const SlotId slot : model.live()) {
    const LiveBlock& block = model.at(slot);
    longest = std::max(longest, static_cast<std::size_t>(block.address - first));
    first = block.end();
  }
  return std::max(longest, static_cast<std::size_t>(last - first));
}

}  // namespace trestle::ops
