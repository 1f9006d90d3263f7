// A program: how the engine is set up, and the ops to perform. As bytes it is a row of records of eight:
//   record 0:   policy, flags, skew or refuse_every, page or processors, buffer bytes or refuse_nth (4, little endian)
//   record n:   op, slot and kind, size range, alignment or which mistake, magnitude (4, little endian)
// Every string of bytes is a legal program: a field that is too large wraps around, a last record that is not whole is
// left out. A vocabulary says what the bytes mean, so that no byte is spent on ops that an engine does not have.
//   decode(v, encode(v, p)) == p for every program whose operands v can express
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/policy.hpp"
#include "ops/op.hpp"

namespace trestle::ops {

inline constexpr std::size_t kRecordBytes = 8;
using Record = std::array<std::uint8_t, kRecordBytes>;

enum class PolicyName : std::uint8_t { fast, hardened, debug };
inline constexpr std::size_t kPolicies = 3;
// The policy, with quarantines that a program of some sixty ops fills over and over.
constexpr Policy with_short_quarantines(Policy policy) {
  policy.quarantine_blocks = std::min<std::size_t>(policy.quarantine_blocks, 8);
  policy.quarantine_bytes = std::min<std::size_t>(policy.quarantine_bytes, 16 << 10);
  policy.sweep_blocks = std::min<std::size_t>(policy.sweep_blocks, 8);
  policy.large_quarantine_spans = std::min<std::size_t>(policy.large_quarantine_spans, 2);
  return policy;
}
[[nodiscard]] const char* name_of(PolicyName policy) noexcept;

// The largest request that a slot serves: so little that small requests reach the blocks, or as much as in the library.
inline constexpr std::uint32_t kFewSlots = 1 << 10;
inline constexpr std::uint32_t kAllSlots = 64 << 10;
// The processors of the harness's system: as many arenas of slots has the heap.
inline constexpr std::uint8_t kFewProcessors = 2;
inline constexpr std::uint8_t kMostProcessors = 4;

// How the engine is set up. Over a buffer: its first size, how many units of 16 bytes it lies off a page's start, whether its
// bytes are zero when the engine gets them, and the pages' size where it is one of pages. Over the harness's system: the
// largest request that a slot serves, how many processors there are, and which of the system's calls are refused, the n-th and
// from there every so many; 0: none, and only that one.
struct Stage {
  PolicyName policy = PolicyName::hardened;
  std::uint32_t buffer_bytes = 0;
  std::uint8_t skew = 0;
  bool zeroed = false;
  std::uint32_t page_bytes = 0;          // 256 to 4096; 0: the buffer's heap has no pages
  std::uint32_t slot_limit = kFewSlots;  // or kAllSlots
  std::uint8_t processors = kFewProcessors;
  std::uint32_t refuse_nth = 0;
  std::uint8_t refuse_every = 0;
  bool operator==(const Stage&) const = default;
};

struct Program {
  Stage stage;
  std::vector<Op> ops;
  bool operator==(const Program&) const = default;
};

// Sizes from `first` to `last`.
struct SizeRange {
  std::size_t first;
  std::size_t last;
  [[nodiscard]] bool holds(std::size_t size) const noexcept { return first <= size && size <= last; }
};

// Buffers of the harness grow to this many bytes at most.
inline constexpr std::size_t kLargestBuffer = 32 << 10;
// Page sizes of a heap of pages, from the least on, each twice the one before.
inline constexpr std::uint32_t kLeastPage = 256;
inline constexpr std::size_t kPageSizes = 5;
// A program of 63 ops makes fewer calls of the system than this; most make a tenth.
inline constexpr std::uint32_t kLargestRefusal = 255;

// What the bytes of a record mean. A table holds an entry as often as it should come up in random bytes.
struct Vocabulary {
  const char* name;
  std::array<std::uint8_t, 32> ops;  // indices into Op
  std::array<SizeRange, 32> sizes;
  std::array<std::uint8_t, 32> alignment_shifts;
  Features features;
  std::uint32_t largest_first_buffer;  // bytes; 0 where there is no buffer
  bool heap_too = false;               // a buffer of no bytes stands for a heap over the harness's system
  bool pages = false;                  // the heap in the buffer is one of pages
};
extern const Vocabulary kHeapVocabulary;
extern const Vocabulary kBufferVocabulary;
extern const Vocabulary kBitmapVocabulary;
extern const Vocabulary kMisuseVocabulary;
extern const Vocabulary kCorruptVocabulary;
extern const Vocabulary kOomVocabulary;
extern const Vocabulary kThreadsVocabulary;
extern const Vocabulary kForeignVocabulary;

// Fills `into`, whose memory is used again.
void decode(const Vocabulary& vocabulary, std::span<const std::uint8_t> bytes, Program& into);
[[nodiscard]] Op decode(const Vocabulary& vocabulary, const Record& record);
// Nothing iff the vocabulary cannot express an operand, such as a size that is in none of its ranges, or the stage.
[[nodiscard]] std::optional<Record> encode(const Vocabulary& vocabulary, const Op& op);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> encode(const Vocabulary& vocabulary, const Program& program);

// One line for the stage and one an op: `allocate slot=3 size=100 alignment=16 kind=malloc`.
[[nodiscard]] std::string to_text(const Op& op);
[[nodiscard]] std::string to_text(const Program& program);
// What is wrong with a text, and in which line, counted from 1.
struct TextError {
  std::size_t line = 0;
  std::string what;
  bool operator==(const TextError&) const = default;
};
// The program of a text; fields may be left out, and come in any order. '#' begins a comment. The inverse of to_text.
[[nodiscard]] std::variant<Program, TextError> parse(std::string_view text);
// As C++ that pastes into a regression.
[[nodiscard]] std::string to_cpp(const Program& program);

}  // namespace trestle::ops
