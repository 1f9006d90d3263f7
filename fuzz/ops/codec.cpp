// Programs from bytes, and back.
#include <algorithm>
#include <bit>
#include <cstring>

#include "ops/program.hpp"

namespace trestle::ops {
namespace {

template <std::size_t I = 0>
Op make_op(std::size_t index, const Operands& operands) {
  if constexpr (I == std::variant_size_v<Op>) {
    return Check{};
  } else {
    if (index == I) return make_op<std::variant_alternative_t<I, Op>>(operands);
    return make_op<I + 1>(index, operands);
  }
}

std::uint32_t load_word(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}
void store_word(std::uint8_t* at, std::size_t word) {
  for (std::size_t i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(word >> (8 * i));
}

Kind kind_from(std::uint8_t bits) {
  return bits == 1 ? Kind::by_new : bits == 2 ? Kind::by_new_array : Kind::by_malloc;
}
std::uint8_t bits_of(Kind kind) {
  return static_cast<std::uint8_t>(kind == Kind::by_new ? 1 : kind == Kind::by_new_array ? 2 : 0);
}

template <class Table, class Matches>
std::optional<std::uint8_t> index_in(const Table& table, Matches matches) {
  const auto found = std::find_if(table.begin(), table.end(), matches);
  if (found == table.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - table.begin());
}

// Bits of the stage record's second byte.
constexpr std::uint8_t kZeroed = 1;
constexpr std::uint8_t kNoBuffer = 2;
constexpr std::uint8_t kMoreSlots = 4;
// By three bits of the fourth: how many processors, mostly two.
constexpr std::array<std::uint8_t, 8> kProcessors{2, 2, 1, 2, 2, 2, 3, 4};
constexpr int kProcessorsShift = 3;

Stage decode_stage(const Vocabulary& vocabulary, const std::uint8_t* record) {
  Stage stage;
  stage.policy = static_cast<PolicyName>(record[0] % kPolicies);
  if (vocabulary.features.refusals) {
    stage.refuse_nth = load_word(record + 4) % (kLargestRefusal + 1);
    stage.refuse_every = stage.refuse_nth == 0 ? std::uint8_t{0} : record[2];
  }
  const bool buffer = vocabulary.features.has_buffer() && (!vocabulary.heap_too || (record[1] & kNoBuffer) == 0);
  if (buffer) stage.buffer_bytes = load_word(record + 4) % (vocabulary.largest_first_buffer + 1);
  if (!vocabulary.features.has_buffer() || (vocabulary.heap_too && stage.buffer_bytes == 0)) {
    if ((record[1] & kMoreSlots) != 0) stage.slot_limit = kAllSlots;
    if (!vocabulary.features.opaque)
      stage.processors = kProcessors[(record[3] >> kProcessorsShift) % kProcessors.size()];
    return stage;
  }
  stage.zeroed = (record[1] & kZeroed) != 0;
  stage.skew = record[2];
  if (vocabulary.pages) stage.page_bytes = kLeastPage << record[3] % kPageSizes;
  return stage;
}

Record encode_stage(const Vocabulary& vocabulary, const Stage& stage) {
  const bool refuses = vocabulary.features.refusals;
  Record record{static_cast<std::uint8_t>(stage.policy)};
  record[1] = static_cast<std::uint8_t>((stage.zeroed ? kZeroed : 0) | (stage.buffer_bytes == 0 ? kNoBuffer : 0) |
                                        (stage.slot_limit == kAllSlots ? kMoreSlots : 0));
  record[2] = refuses ? stage.refuse_every : stage.skew;
  if (stage.page_bytes != 0)
    record[3] = static_cast<std::uint8_t>(std::countr_zero(stage.page_bytes) - std::countr_zero(kLeastPage));
  const auto processors = index_in(kProcessors, [&](std::uint8_t count) { return count == stage.processors; });
  if (stage.processors != kFewProcessors && processors)
    record[3] = static_cast<std::uint8_t>(*processors << kProcessorsShift);
  store_word(record.data() + 4, refuses ? stage.refuse_nth : stage.buffer_bytes);
  return record;
}

// The record's fourth byte: which misuse, corruption or setting, or the alignment.
std::optional<std::uint8_t> choice_of(const Vocabulary& vocabulary, const Op& op, const Operands& operands) {
  if (std::holds_alternative<Misuse>(op)) return static_cast<std::uint8_t>(operands.misuse);
  if (std::holds_alternative<Corrupt>(op)) return static_cast<std::uint8_t>(operands.corrupt);
  if (std::holds_alternative<Set>(op)) return static_cast<std::uint8_t>(operands.setting);
  return index_in(vocabulary.alignment_shifts,
                  [&](std::uint8_t shift) { return std::size_t{1} << shift == operands.alignment; });
}

}  // namespace

Op decode(const Vocabulary& vocabulary, const Record& record) {
  const SizeRange range = vocabulary.sizes[record[2] % vocabulary.sizes.size()];
  const std::size_t width = range.last - range.first + 1;
  Operands operands;
  operands.slot = static_cast<SlotId>(record[1] % kSlots);
  operands.kind = kind_from(static_cast<std::uint8_t>(record[1] / kSlots));
  operands.size = range.first + (width == 0 ? 0 : load_word(record.data() + 4) % width);
  operands.alignment = std::size_t{1} << vocabulary.alignment_shifts[record[3] % vocabulary.alignment_shifts.size()];
  operands.misuse = static_cast<MisuseKind>(record[3] % kMisuseNames.size());
  operands.corrupt = static_cast<CorruptKind>(record[3] % kCorruptNames.size());
  operands.setting = static_cast<Setting>(record[3] % kSettingNames.size());
  return make_op(vocabulary.ops[record[0] % vocabulary.ops.size()], operands);
}

void decode(const Vocabulary& vocabulary, std::span<const std::uint8_t> bytes, Program& into) {
  into.stage = Stage{};
  into.ops.clear();
  if (bytes.size() < kRecordBytes) return;
  into.stage = decode_stage(vocabulary, bytes.data());
  for (std::size_t at = kRecordBytes; at + kRecordBytes <= bytes.size(); at += kRecordBytes) {
    Record record;
    std::memcpy(record.data(), bytes.data() + at, kRecordBytes);
    into.ops.push_back(decode(vocabulary, record));
  }
}

std::optional<Record> encode(const Vocabulary& vocabulary, const Op& op) {
  const Operands operands = std::visit([](const auto& one) { return operands_of(one); }, op);
  const auto op_at = index_in(vocabulary.ops, [&](std::uint8_t index) { return index == op.index(); });
  const auto size_at = index_in(vocabulary.sizes, [&](const SizeRange& range) {
    return range.holds(operands.size) && operands.size - range.first <= UINT32_MAX;
  });
  const auto choice = choice_of(vocabulary, op, operands);
  if (!op_at || !size_at || !choice) return std::nullopt;
  const auto slot = static_cast<std::uint8_t>(index_of(operands.slot) + kSlots * bits_of(operands.kind));
  Record record{*op_at, slot, *size_at, *choice};
  store_word(record.data() + 4, operands.size - vocabulary.sizes[*size_at].first);
  return record;
}

std::optional<std::vector<std::uint8_t>> encode(const Vocabulary& vocabulary, const Program& program) {
  const Record stage = encode_stage(vocabulary, program.stage);
  if (decode_stage(vocabulary, stage.data()) != program.stage) return std::nullopt;
  std::vector<std::uint8_t> bytes(stage.begin(), stage.end());
  for (const Op& op : program.ops) {
    const std::optional<Record> record = encode(vocabulary, op);
    if (!record) return std::nullopt;
    bytes.insert(bytes.end(), record->begin(), record->end());
  }
  return bytes;
}

}  // namespace trestle::ops
