// Programs from bytes, and back.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "ops/program.hpp"

namespace trestle::ops {
namespace {

constexpr std::size_t kHuge = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
// Any size below 4 GiB can be written down, in one record of 32.
constexpr SizeRange kAnySize{0, UINT32_MAX};

template <class T, std::size_t I = 0>
consteval std::uint8_t op_index() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Op>, T>)
    return I;
  else
    return op_index<T, I + 1>();
}

struct Share {
  std::uint8_t op;
  std::size_t records;  // of 32
};
template <std::size_t N>
consteval std::array<std::uint8_t, 32> shared_out(const Share (&shares)[N]) {
  std::array<std::uint8_t, 32> table{};
  std::size_t at = 0;
  for (const Share& share : shares)
    for (std::size_t i = 0; i < share.records; ++i) table.at(at++) = share.op;
  if (at != table.size()) throw "the shares do not add up";
  return table;
}

template <std::size_t I = 0>
Op make_op(std::size_t index, const Operands& operands) {
  if constexpr (I == std::variant_size_v<Op>) {
    return Check{};
  } else {
    if (index == I) return std::variant_alternative_t<I, Op>::from(operands);
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

Stage decode_stage(const Vocabulary& vocabulary, const std::uint8_t* record) {
  Stage stage;
  stage.policy = static_cast<PolicyName>(record[0] % kPolicies);
  if (!vocabulary.features.has_buffer()) return stage;
  stage.zeroed = (record[1] & 1) != 0;
  stage.skew = record[2];
  stage.buffer_bytes = load_word(record + 4) % (vocabulary.largest_first_buffer + 1);
  return stage;
}

Record encode_stage(const Stage& stage) {
  Record record{static_cast<std::uint8_t>(stage.policy), static_cast<std::uint8_t>(stage.zeroed ? 1 : 0), stage.skew};
  store_word(record.data() + 4, stage.buffer_bytes);
  return record;
}

constexpr std::array<std::uint8_t, 32> kAlignments{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,  4,  4,
                                                   4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10, 12, 16};

}  // namespace

// The harness's block spans are the smallest there are, 64 KiB, so requests above 16 KiB are large.
const Vocabulary kHeapVocabulary{
    .name = "heap",
    .ops = shared_out({{op_index<Allocate>(), 10},
                       {op_index<AllocateZeroed>(), 3},
                       {op_index<Free>(), 6},
                       {op_index<SizedFree>(), 4},
                       {op_index<Reallocate>(), 6},
                       {op_index<Check>(), 1},
                       {op_index<Trim>(), 1},
                       {op_index<Wait>(), 1}}),
    .sizes = {{{0, 0},
               {1, 1},
               {2, 14},
               {15, 17},
               {18, 47},
               {48, 80},
               {48, 80},
               {81, 256},
               {81, 256},
               {81, 256},
               {257, 1000},
               {257, 1000},
               {257, 1000},
               {1001, 1060},
               {1001, 1060},
               {1061, 4060},
               {1061, 4060},
               {1061, 4060},
               {4061, 4120},
               {4061, 4120},
               {4121, 8000},
               {8001, 16000},
               {16001, 16400},
               {16401, 65300},
               {65301, 65600},
               {65601, 140000},
               {140001, 300000},
               {0, 64},
               {0, 256},
               {0, 1024},
               {kHuge - 4096, SIZE_MAX},
               kAnySize}},
    .alignment_shifts = kAlignments,
    .features = {.zeroed = true, .trim = true, .clock = true},
    .largest_first_buffer = 0,
};

const Vocabulary kBufferVocabulary{
    .name = "buffer",
    .ops = shared_out({{op_index<Allocate>(), 12},
                       {op_index<Free>(), 6},
                       {op_index<SizedFree>(), 3},
                       {op_index<Reallocate>(), 6},
                       {op_index<Grow>(), 1},
                       {op_index<Shrink>(), 2},
                       {op_index<Relocate>(), 1},
                       {op_index<Check>(), 1}}),
    .sizes = {{{0, 0},
               {1, 1},
               {2, 14},
               {15, 17},
               {15, 17},
               {18, 47},
               {18, 47},
               {48, 80},
               {48, 80},
               {48, 80},
               {81, 256},
               {81, 256},
               {81, 256},
               {81, 256},
               {257, 1000},
               {257, 1000},
               {257, 1000},
               {1001, 1060},
               {1001, 1060},
               {1061, 4060},
               {1061, 4060},
               {1061, 4060},
               {4061, 4120},
               {4061, 4120},
               {4121, 8000},
               {8001, 16000},
               {16001, 65600},
               {0, 64},
               {0, 256},
               {0, 1024},
               {kHuge - 4096, SIZE_MAX},
               kAnySize}},
    .alignment_shifts = kAlignments,
    .features = {.capacity = kLargestBuffer},
    .largest_first_buffer = kLargestBuffer / 2,
};

Op decode(const Vocabulary& vocabulary, const Record& record) {
  const SizeRange range = vocabulary.sizes[record[2] % vocabulary.sizes.size()];
  const std::size_t width = range.last - range.first + 1;
  Operands operands;
  operands.slot = static_cast<SlotId>(record[1] % kSlots);
  operands.kind = kind_from(static_cast<std::uint8_t>(record[1] / kSlots));
  operands.size = range.first + (width == 0 ? 0 : load_word(record.data() + 4) % width);
  operands.alignment = std::size_t{1} << vocabulary.alignment_shifts[record[3] % vocabulary.alignment_shifts.size()];
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
  const Operands operands = std::visit([](const auto& one) { return one.operands(); }, op);
  const auto op_at = index_in(vocabulary.ops, [&](std::uint8_t index) { return index == op.index(); });
  const auto size_at = index_in(vocabulary.sizes, [&](const SizeRange& range) {
    return range.holds(operands.size) && operands.size - range.first <= UINT32_MAX;
  });
  const auto alignment_at = index_in(vocabulary.alignment_shifts,
                                     [&](std::uint8_t shift) { return std::size_t{1} << shift == operands.alignment; });
  if (!op_at || !size_at || !alignment_at) return std::nullopt;
  const auto slot = static_cast<std::uint8_t>(index_of(operands.slot) + kSlots * bits_of(operands.kind));
  Record record{*op_at, slot, *size_at, *alignment_at};
  store_word(record.data() + 4, operands.size - vocabulary.sizes[*size_at].first);
  return record;
}

std::optional<std::vector<std::uint8_t>> encode(const Vocabulary& vocabulary, const Program& program) {
  const Record stage = encode_stage(program.stage);
  std::vector<std::uint8_t> bytes(stage.begin(), stage.end());
  for (const Op& op : program.ops) {
    const std::optional<Record> record = encode(vocabulary, op);
    if (!record) return std::nullopt;
    bytes.insert(bytes.end(), record->begin(), record->end());
  }
  return bytes;
}

}  // namespace trestle::ops
