// The mistakes that programs make with a heap, and the parts of it that they overwrite, by the names that ops give them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trestle::ops {

enum class MisuseKind : std::uint8_t {
  double_free,         // freed, and at once again
  stale_realloc,       // freed, and then reallocated
  stale_size,          // freed, and then asked for its size
  interior_free,       // the pointer given is inside the block
  interior_realloc,    // so is the one to reallocate
  wild_free,           // the pointer given is nobody's
  wrong_size,          // a sized free claims another size
  wrong_alignment,     // or an alignment that the block does not have
  wrong_kind,          // new released by free, and the like
  write_past_end,      // one byte of the pad is overwritten
  write_before_start,  // one byte before the block is
  write_after_free,    // freed, and then written to
  interior_size,       // asked for the size of a pointer inside the block
  wild_realloc,        // a pointer that is nobody's is to be reallocated
  wild_size,           // or asked for its size
};
inline constexpr std::array kMisuseNames{"double_free",      "stale_realloc",  "stale_size",         "interior_free",
                                         "interior_realloc", "wild_free",      "wrong_size",         "wrong_alignment",
                                         "wrong_kind",       "write_past_end", "write_before_start", "write_after_free",
                                         "interior_size",    "wild_realloc",   "wild_size"};
static_assert(kMisuseNames.size() == static_cast<std::size_t>(MisuseKind::wild_size) + 1);

// Whether the block is gone after the mistake.
[[nodiscard]] constexpr bool frees(MisuseKind what) noexcept {
  return what == MisuseKind::double_free || what == MisuseKind::stale_realloc || what == MisuseKind::stale_size ||
         what == MisuseKind::write_after_free;
}

enum class CorruptKind : std::uint8_t {
  header,    // one bit of a block's header
  footer,    // one bit of a free block's footer
  link,      // one bit of a free block's links
  canary,    // one bit of a live block's pad
  poison,    // one bit of a freed block's bytes
  record,    // one bit of what the heap keeps about itself under a seal
  anything,  // a few bytes anywhere: the check sees them or not, and no call leaves its bounds
  table,     // one bit of the table that tells to which span a granule belongs
  book,      // one bit of its counts, bins and lists
};
inline constexpr std::array<const char*, 9> kCorruptNames{"header", "footer",   "link",  "canary", "poison",
                                                          "record", "anything", "table", "book"};
static_assert(kCorruptNames.size() == static_cast<std::size_t>(CorruptKind::book) + 1);

[[nodiscard]] constexpr const char* name_of(MisuseKind what) noexcept {
  return kMisuseNames[static_cast<std::size_t>(what) % kMisuseNames.size()];
}
[[nodiscard]] constexpr const char* name_of(CorruptKind what) noexcept {
  return kCorruptNames[static_cast<std::size_t>(what) % kCorruptNames.size()];
}

}  // namespace trestle::ops
