#include "ops/generate.hpp"

#include <algorithm>
#include <cstring>

namespace trestle::ops {
namespace {

constexpr std::size_t kTriesPerOp = 8;
constexpr std::size_t kSlotByte = 1;
constexpr std::size_t kMagnitude = 4;

// Half of them of any length, so that a range of millions is not all but its upper end.
void alter_magnitude(std::uint8_t* record, Random& random) {
  std::uint64_t magnitude = random.below(std::uint64_t{1} << 32);
  if (random.below(2) != 0) magnitude >>= random.below(32);
  for (std::size_t i = 0; i < 4; ++i) record[kMagnitude + i] = static_cast<std::uint8_t>(magnitude >> (8 * i));
}

Record random_record(Random& random) {
  Record record;
  for (std::uint8_t& byte : record) byte = random.byte();
  alter_magnitude(record.data(), random);
  return record;
}

// The records of a program in bytes, the stage being record 0.
class Records {
 public:
  Records(std::span<std::uint8_t> bytes, std::size_t size) : bytes_(bytes), count_(size / kRecordBytes) {}

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t bytes() const { return count_ * kRecordBytes; }
  [[nodiscard]] bool has_room() const { return (count_ + 1) * kRecordBytes <= bytes_.size(); }
  [[nodiscard]] std::uint8_t* at(std::size_t index) { return bytes_.data() + index * kRecordBytes; }

  void insert(std::size_t index, const Record& record) {
    std::memmove(at(index + 1), at(index), (count_ - index) * kRecordBytes);
    std::memcpy(at(index), record.data(), kRecordBytes);
    ++count_;
  }
  void erase(std::size_t first, std::size_t last) {
    std::memmove(at(first), at(last), (count_ - last) * kRecordBytes);
    count_ -= last - first;
  }
  [[nodiscard]] Record copy(std::size_t index) {
    Record record;
    std::memcpy(record.data(), at(index), kRecordBytes);
    return record;
  }

 private:
  std::span<std::uint8_t> bytes_;
  std::size_t count_;
};

// The index of an op's record; there is one.
std::size_t any_op(Records& records, Random& random) { return 1 + random.below(records.count() - 1); }

void insert_random(Records& records, Random& random) {
  Record record = random_record(random);
  // A slot that the program already speaks of makes the new op meet others.
  if (records.count() > 1 && random.below(4) != 0) record[kSlotByte] = records.at(any_op(records, random))[kSlotByte];
  records.insert(1 + random.below(records.count()), record);
}

void duplicate(Records& records, Random& random) {
  Record record = records.copy(any_op(records, random));
  if (random.below(2) != 0) record[kSlotByte] = random.byte();
  records.insert(1 + random.below(records.count()), record);
}

// Another op on the same slot with a size of the same range, as a realloc or a free that meets an allocation is.
void follow_up(Records& records, Random& random) {
  const std::size_t at = any_op(records, random);
  Record record = records.copy(at);
  record[0] = random.byte();
  alter_magnitude(record.data(), random);
  records.insert(at + 1 + random.below(records.count() - at), record);
}

void erase_some(Records& records, Random& random) {
  const std::size_t first = any_op(records, random);
  const std::size_t most = std::min<std::size_t>(records.count() - first, 8);
  records.erase(first, first + 1 + random.below(most));
}

// A stretch of the program stays, of any length: the most of what a long program reaches a part of it reaches sooner.
void keep_a_stretch(Records& records, Random& random) {
  const std::size_t one = 1 + random.below(records.count());
  const std::size_t other = 1 + random.below(records.count());
  records.erase(std::max(one, other), records.count());
  records.erase(1, std::min(one, other));
}

void swap_two(Records& records, Random& random) {
  std::uint8_t* const left = records.at(any_op(records, random));
  std::swap_ranges(left, left + kRecordBytes, records.at(any_op(records, random)));
}

void alter_field(Records& records, Random& random) {
  std::uint8_t* const record = records.at(any_op(records, random));
  const std::size_t field = random.below(kMagnitude + 1);
  if (field < kMagnitude) {
    record[field] = random.byte();
    return;
  }
  alter_magnitude(record, random);
}

void nudge_magnitude(Records& records, Random& random) {
  std::uint8_t* const record = records.at(any_op(records, random));
  record[kMagnitude] = static_cast<std::uint8_t>(record[kMagnitude] + random.below(33) - 16);
}

void same_slot(Records& records, Random& random) {
  records.at(any_op(records, random))[kSlotByte] = records.at(any_op(records, random))[kSlotByte];
}

void alter_stage(Records& records, Random& random) { records.at(0)[random.below(kRecordBytes)] = random.byte(); }

using Mutation = void (*)(Records&, Random&);
constexpr Mutation kGrowing[] = {insert_random, follow_up, duplicate};
constexpr Mutation kOthers[] = {erase_some,      swap_two,  alter_field, alter_field,
                                nudge_magnitude, same_slot, alter_stage};

}  // namespace

Program generate(const Vocabulary& vocabulary, Random& random, std::size_t count) {
  Program program;
  const Record stage = random_record(random);
  decode(vocabulary, stage, program);
  Model model(vocabulary.features, program.stage.buffer_bytes, program.stage.slot_limit, program.stage.processors);
  while (program.ops.size() < count) {
    Op op = decode(vocabulary, random_record(random));
    for (std::size_t i = 1; i < kTriesPerOp && !is_enabled(op, model); ++i)
      op = decode(vocabulary, random_record(random));
    if (is_enabled(op, model)) apply_to(op, model);
    program.ops.push_back(op);
  }
  return program;
}

std::size_t mutate(std::span<std::uint8_t> bytes, std::size_t size, Random& random) {
  Records records(bytes, size);
  if (records.count() == 0) {
    if (records.has_room()) records.insert(0, random_record(random));
    return records.bytes();
  }
  if (random.below(4) != 0) keep_a_stretch(records, random);
  for (std::size_t changes = 1 + random.below(4); changes != 0; --changes) {
    const bool has_ops = records.count() > 1;
    if (records.has_room() && (!has_ops || random.below(2) != 0)) {
      kGrowing[has_ops ? random.below(std::size(kGrowing)) : 0](records, random);
    } else if (records.count() > 1) {
      kOthers[random.below(std::size(kOthers))](records, random);
    } else {
      alter_stage(records, random);
    }
  }
  return records.bytes();
}

// A stretch of the one, a stretch of the other, and so on; the stage is that of the first.
std::size_t cross(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right, std::span<std::uint8_t> out,
                  Random& random) {
  const std::span<const std::uint8_t> parents[] = {left, right};
  std::size_t turn = random.below(2);
  if (parents[turn].size() < kRecordBytes) turn ^= 1;
  std::size_t at[] = {kRecordBytes, kRecordBytes};
  at[turn] = 0;
  std::size_t size = 0;
  for (std::size_t idle = 0; idle < 2; turn ^= 1) {
    const std::span<const std::uint8_t> parent = parents[turn];
    const std::size_t left_over = parent.size() < at[turn] ? 0 : (parent.size() - at[turn]) / kRecordBytes;
    const std::size_t most = std::min(left_over, (out.size() - size) / kRecordBytes);
    idle = most == 0 ? idle + 1 : 0;
    if (most == 0) continue;
    const std::size_t bytes = (1 + random.below(most)) * kRecordBytes;
    std::memcpy(out.data() + size, parent.data() + at[turn], bytes);
    size += bytes;
    at[turn] += bytes;
  }
  return size;
}

}  // namespace trestle::ops
