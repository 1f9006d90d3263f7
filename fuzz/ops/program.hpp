// A program: how the engine is set up, and the ops to perform. As bytes it is a row of records of eight:
//   record 0:   policy, flags, skew, 0, buffer bytes (4, little endian)
//   record n:   op, slot and kind, size range, alignment, magnitude (4, little endian)
// Every string of bytes is a legal program: a field that is too large wraps around, a last record that is not whole is
// left out. A vocabulary says what the bytes mean, so that no byte is spent on ops that an engine does not have.
//   decode(v, encode(v, p)) == p for every program whose operands v can express
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/op.hpp"

namespace trestle::ops {

inline constexpr std::size_t kRecordBytes = 8;
using Record = std::array<std::uint8_t, kRecordBytes>;

enum class PolicyName : std::uint8_t { fast, hardened, debug };
inline constexpr std::size_t kPolicies = 3;
[[nodiscard]] const char* name_of(PolicyName policy) noexcept;

// The last three are of engines over a buffer: its first size, how many units of 16 bytes it lies off a page's start, and
// whether its bytes are zero when the engine gets them.
struct Stage {
  PolicyName policy = PolicyName::hardened;
  std::uint32_t buffer_bytes = 0;
  std::uint8_t skew = 0;
  bool zeroed = false;
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

// What the bytes of a record mean. A table holds an entry as often as it should come up in random bytes.
struct Vocabulary {
  const char* name;
  std::array<std::uint8_t, 32> ops;  // indices into Op
  std::array<SizeRange, 32> sizes;
  std::array<std::uint8_t, 32> alignment_shifts;
  Features features;
  std::uint32_t largest_first_buffer;  // bytes; 0 where there is no buffer
};
extern const Vocabulary kHeapVocabulary;
extern const Vocabulary kBufferVocabulary;

// Fills `into`, whose memory is used again.
void decode(const Vocabulary& vocabulary, std::span<const std::uint8_t> bytes, Program& into);
[[nodiscard]] Op decode(const Vocabulary& vocabulary, const Record& record);
// Nothing iff the vocabulary cannot express an operand, such as a size that is in none of its ranges.
[[nodiscard]] std::optional<Record> encode(const Vocabulary& vocabulary, const Op& op);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> encode(const Vocabulary& vocabulary, const Program& program);

// One line an op: `allocate slot=3 size=100 alignment=16 kind=malloc`.
[[nodiscard]] std::string to_text(const Op& op);
[[nodiscard]] std::string to_text(const Program& program);
// As C++ that pastes into a regression.
[[nodiscard]] std::string to_cpp(const Program& program);

}  // namespace trestle::ops
