// The sixteen bytes under every payload, and the sixteen at the end of a free block. A program's bug may have overwritten
// them, so nothing reads them but load_header and load_footer, and nothing writes them but their store twins.
//
//   live      | header | payload ......... | canary |        size = 16 + requested + pad
//   free      | header | next | prev | body | footer |
//
// A place is a block's distance from its heap's own record, modulo 2^64, so that tags and links hold wherever the heap is
// mapped. Word: bits 0..3 flags, 4..47 size (a multiple of 16), 48..59 pad, 60..61 kind, 62 purged, 63 zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/arith.hpp"
#include "base/engine.hpp"
#include "base/keyed.hpp"
#include "base/poison.hpp"

namespace trestle {

inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kFooterBytes = 16;
inline constexpr std::size_t kLinkBytes = 16;
inline constexpr std::size_t kMinBlock = 64;
inline constexpr std::size_t kMaxPad = 4095;
inline constexpr std::uint64_t kMaxBlockBytes = (std::uint64_t{1} << 40);

// A header that has passed its checks.
class Header {
 public:
  [[nodiscard]] static constexpr Header free(std::size_t size, bool previous_used, bool clean,
                                             bool purged = false) noexcept {
    return Header{size | (previous_used ? kPreviousUsed : 0) | (clean ? kClean : 0) | (purged ? kPurged : 0)};
  }
  [[nodiscard]] static constexpr Header live(std::size_t size, bool previous_used, Kind kind,
                                             std::size_t pad) noexcept {
    return Header{size | kUsed | (previous_used ? kPreviousUsed : 0) | (static_cast<std::uint64_t>(pad) << kPadShift) |
                  (static_cast<std::uint64_t>(kind) << kKindShift)};
  }
  // The end of an extent: a header of size 0 that no block may run past.
  [[nodiscard]] static constexpr Header end(bool previous_used) noexcept {
    return Header{kUsed | (previous_used ? kPreviousUsed : 0)};
  }
  [[nodiscard]] static constexpr std::optional<Header> parse(std::uint64_t word) noexcept {
    const Header header{word};
    if ((word & (header.is_used() ? kNotOfUsed : kNotOfFree)) != 0) return std::nullopt;
    if (header.is_end()) return (word & ~kPreviousUsed) == kUsed ? std::optional{header} : std::nullopt;
    if (header.size() < kMinBlock) return std::nullopt;  // so a walk always advances
    if (header.pad() > header.size() - kHeaderBytes) return std::nullopt;
    return header;
  }

  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return word_ & kSizeMask; }
  [[nodiscard]] constexpr std::size_t served() const noexcept { return size() - kHeaderBytes; }
  [[nodiscard]] constexpr std::size_t pad() const noexcept { return word_ >> kPadShift & kMaxPad; }
  [[nodiscard]] constexpr std::size_t requested() const noexcept { return served() - pad(); }
  [[nodiscard]] constexpr Kind kind() const noexcept { return static_cast<Kind>(word_ >> kKindShift & 3U); }
  [[nodiscard]] constexpr bool is_end() const noexcept { return size() == 0; }
  [[nodiscard]] constexpr bool is_used() const noexcept { return (word_ & kUsed) != 0; }
  [[nodiscard]] constexpr bool is_free() const noexcept { return !is_used(); }
  [[nodiscard]] constexpr bool is_retired() const noexcept { return (word_ & kRetired) != 0; }
  [[nodiscard]] constexpr bool is_live() const noexcept { return is_used() && !is_retired() && !is_end(); }
  [[nodiscard]] constexpr bool is_previous_used() const noexcept { return (word_ & kPreviousUsed) != 0; }
  // Every byte of the free block's body is poison, not only those up to the policy's limit.
  [[nodiscard]] constexpr bool is_clean() const noexcept { return (word_ & kClean) != 0; }

  // The whole OS pages inside the free block's body went back to the system, and nobody has had them since.
  [[nodiscard]] constexpr bool is_purged() const noexcept { return (word_ & kPurged) != 0; }

  [[nodiscard]] constexpr Header with_previous_used(bool used) const noexcept {
    return Header{used ? word_ | kPreviousUsed : word_ & ~kPreviousUsed};
  }
  [[nodiscard]] constexpr Header purged() const noexcept { return Header{word_ | kPurged}; }
  [[nodiscard]] constexpr Header retired() const noexcept { return Header{word_ | kRetired}; }

 private:
  static constexpr std::uint64_t kUsed = 1;
  static constexpr std::uint64_t kPreviousUsed = 2;
  static constexpr std::uint64_t kRetired = 4;
  static constexpr std::uint64_t kClean = 8;
  static constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << 48) - 16;
  static constexpr unsigned kPadShift = 48;
  static constexpr unsigned kKindShift = 60;
  static constexpr std::uint64_t kPurged = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kReserved = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kNotOfUsed = kReserved | kPurged | kClean;
  static constexpr std::uint64_t kNotOfFree =
      kReserved | kRetired | std::uint64_t{kMaxPad} << kPadShift | std::uint64_t{3} << kKindShift;

  constexpr explicit Header(std::uint64_t word) noexcept : word_(word) {}

  std::uint64_t word_;
};

// Where the header of a block with that payload is. The pointer may be any at all, so no pointer arithmetic is done on it.
[[nodiscard]] inline const std::byte* header_under(const void* payload) noexcept {
  return reinterpret_cast<const std::byte*>(address_of(payload) - kHeaderBytes);
}

[[nodiscard]] inline std::optional<Header> load_header(const Key& key, std::uint64_t place,
                                                       const std::byte* at) noexcept {
  const std::uint64_t word = load_word(at);  // one read: what is checked is what is used
  if (load_word(at + 8) != tag_of(key, place, word)) [[unlikely]]
    return std::nullopt;
  return Header::parse(word);
}
inline void store_header(const Key& key, std::uint64_t place, std::byte* at, Header header) noexcept {
  store_word(at, header.word());
  store_word(at + 8, tag_of(key, place, header.word()));
}

// The footer repeats a free block's size, so that its right neighbour finds its start.
inline constexpr std::uint64_t kFooterSalt = 0x466F'6F74'6572;
inline constexpr std::uint64_t kLinkSalt = 0x4C69'6E6B;

[[nodiscard]] inline std::optional<std::size_t> load_footer(const Key& key, std::uint64_t place,
                                                            const std::byte* at) noexcept {
  const std::uint64_t size = load_word(at);
  if (load_word(at + 8) != tag_of(key, place ^ kFooterSalt, size)) [[unlikely]]
    return std::nullopt;
  if (size < kMinBlock || size > kMaxBlockBytes) [[unlikely]]
    return std::nullopt;
  return size;
}
inline void store_footer(const Key& key, std::uint64_t place, std::byte* at, std::size_t size) noexcept {
  store_word(at, size);
  store_word(at + 8, tag_of(key, place ^ kFooterSalt, size));
}

// A link is a place, masked with a word of its own; place 0 is nobody's and ends a list.
[[nodiscard]] inline std::uint64_t load_link(const Key& key, std::uint64_t place, const std::byte* at) noexcept {
  return load_word(at) ^ tag_of(key, place, kLinkSalt);
}
inline void store_link(const Key& key, std::uint64_t place, std::byte* at, std::uint64_t target) noexcept {
  store_word(at, target ^ tag_of(key, place, kLinkSalt));
}

}  // namespace trestle
