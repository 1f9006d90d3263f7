// One record a granule, out of band; the first granule's describes the span. Only the seal's owner writes one: a change
// ends with seal(), a use begins with is_sound(). The links are not sealed: both ends of each are compared instead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "base/keyed.hpp"

namespace trestle {

inline constexpr std::size_t kGranule = std::size_t{64} << 10;
inline constexpr std::size_t kMaxSpanBytes = std::size_t{1} << 42;

// A count of granules, or an index of one in its region. Not a count of bytes.
struct Granules {
  std::uint32_t count = 0;

  [[nodiscard]] constexpr std::size_t bytes() const noexcept { return std::size_t{count} * kGranule; }
  // `bytes` at most kMaxSpanBytes.
  [[nodiscard]] static constexpr Granules covering(std::size_t bytes) noexcept {
    return {static_cast<std::uint32_t>((bytes + kGranule - 1) / kGranule)};
  }
  friend constexpr auto operator<=>(const Granules&, const Granules&) = default;
  friend constexpr Granules operator+(Granules a, Granules b) noexcept { return {a.count + b.count}; }
  friend constexpr Granules operator-(Granules a, Granules b) noexcept { return {a.count - b.count}; }
};

// From `first` up to `end`, as indices in their region. Empty where the two do not say so: first >= end.
struct GranuleRange {
  Granules first{};
  Granules end{};

  [[nodiscard]] constexpr bool is_empty() const noexcept { return first >= end; }
  [[nodiscard]] constexpr Granules length() const noexcept { return is_empty() ? Granules{} : end - first; }
  // What of it lies in the other.
  [[nodiscard]] constexpr GranuleRange within(const GranuleRange& other) const noexcept {
    return {std::max(first, other.first), std::min(end, other.end)};
  }
  // The shortest that holds both.
  [[nodiscard]] constexpr GranuleRange hull(const GranuleRange& other) const noexcept {
    if (is_empty()) return other;
    if (other.is_empty()) return *this;
    return {std::min(first, other.first), std::max(end, other.end)};
  }
};

enum class SpanState : std::uint8_t {
  none,       // not the first granule of a span
  free,       // in a bin
  blocks,     // tiled by blocks
  large,      // one allocation
  slots,      // cut into equal slots, by the record that its granules name
  addresses,  // the same, but nothing in it can be read: a slot is an address and no more
  retired,    // a large allocation that was freed and waits before it is free
};

inline constexpr std::uint32_t kNoSpan = UINT32_MAX;

struct SpanLink {
  std::uint32_t next = kNoSpan;
  std::uint32_t previous = kNoSpan;
};

struct SpanDescriptor {
  static constexpr std::uint32_t kMostPages = UINT32_MAX >> 1;

  std::uint64_t seal_word = 0;
  Granules first{};
  Granules length{};
  SpanState state = SpanState::none;
  Kind kind = Kind::none;
  bool dirty = false;            // free: may hold pages; retired: has its contents, and is guarded as it was when large
  bool accessible = true;        // large, retired: nothing behind the payload is guarded
  std::uint32_t fence : 31 = 0;  // large, retired: OS pages from the span's start to those that are guarded
  std::uint32_t is_below_guarded : 1 = 0;  // large, retired: what lies before the payload is as well
  // large: bytes from the span's start to the payload; slots, addresses: where the record is; free and dirty: granules from
  // the span's start to those that may hold pages
  std::uint64_t payload = 0;
  std::uint64_t requested = 0;   // large: bytes; free: how many granules may hold pages
  std::uint64_t changed_ms = 0;  // free and dirty, or retired: since when
  SpanLink bin{};                // free: the other spans of its bin
  SpanLink age{};                // free and dirty, or retired: from the oldest to the youngest

  // The tag of all words but the links, keyed by the record's own address.
  [[nodiscard]] std::uint64_t tag(const Key& key) const noexcept {
    using Word = std::uint64_t __attribute__((may_alias));
    const Word* const words = reinterpret_cast<const Word*>(this) + 1;
    const std::uint64_t place = address_of(this);
    return fold(words[0] ^ key.low, words[1] ^ key.high ^ place) ^
           fold(words[2] ^ key.high ^ kOdd1, words[3] ^ key.low ^ place) ^
           fold(words[4] ^ key.low ^ kOdd2, key.high ^ place ^ kOdd3);
  }
  void seal(const Key& key) noexcept { seal_word = tag(key); }
  [[nodiscard]] bool is_sound(const Key& key) const noexcept { return seal_word == tag(key); }

  [[nodiscard]] GranuleRange range() const noexcept { return {first, first + length}; }
  // Of a free span: what may hold pages.
  [[nodiscard]] GranuleRange dirty_range() const noexcept {
    const Granules from = first + Granules{static_cast<std::uint32_t>(payload)};
    return {from, from + Granules{static_cast<std::uint32_t>(requested)}};
  }
  void set_dirty_range(const GranuleRange& what) noexcept {
    dirty = !what.is_empty();
    payload = dirty ? (what.first - first).count : 0;
    requested = what.length().count;
  }

  [[nodiscard]] bool is_in_use() const noexcept {
    return state != SpanState::none && state != SpanState::free && state != SpanState::retired;
  }
};
static_assert(kMaxSpanBytes / 4096 <= SpanDescriptor::kMostPages);
static_assert(sizeof(SpanDescriptor) == 64 && offsetof(SpanDescriptor, first) == 8 &&
              offsetof(SpanDescriptor, bin) == 48);

}  // namespace trestle
