// The rules of .eh_frame: where the entry for a place in the code is, and what its instructions come to there.
#include <array>
#include <cstring>

#include "base/arith.hpp"
#include "report/unwind_bytes.hpp"
#include "report/unwind_tables.hpp"

namespace trestle {
namespace {

using dwarf::Rule;
using Bytes = std::span<const std::uint8_t>;

// The object's bytes from an address on; none outside of it.
Bytes from(Bytes object, std::uintptr_t at) noexcept {
  const std::uintptr_t offset = at - address_of(object.data());
  return offset < object.size() ? object.subspan(offset) : Bytes{};
}

// The entry whose length stands at an address. Lengths of 64 bits, which nobody needs, are longer than any object here.
UnwindBytes entry_at(Bytes object, std::uintptr_t at) noexcept {
  UnwindBytes bytes(from(object, at));
  const auto length = bytes.take<std::uint32_t>();
  return UnwindBytes(bytes.take_bytes(length));
}

// Which entry is about a place in the code, by the sorted table of .eh_frame_hdr; 0: none.
std::uintptr_t find_entry(const UnwindTables& tables, std::uintptr_t pc) noexcept {
  struct Row {
    std::int32_t begin;  // from the header
    std::int32_t entry;
  };
  // The version; how the frames' address, the count and the rows are written.
  constexpr std::array<std::uint8_t, 4> kUnderstood{1, dwarf::kFromHere | dwarf::kSigned4, dwarf::kUnsigned4,
                                                    dwarf::kFromHeader | dwarf::kSigned4};
  const std::uintptr_t header = address_of(tables.header);
  UnwindBytes bytes(from(tables.object, header));
  if (bytes.take<std::array<std::uint8_t, 4>>() != kUnderstood) return 0;
  bytes.take<std::uint32_t>();
  const std::uint64_t count = bytes.take<std::uint32_t>();
  const Bytes rows = bytes.take_bytes(count * sizeof(Row));
  if (!bytes.is_whole()) return 0;
  const auto row_at = [&](std::uint64_t index) {
    Row row{};
    std::memcpy(&row, rows.data() + index * sizeof row, sizeof row);
    return row;
  };
  const auto wanted = static_cast<std::int64_t>(pc - header);
  std::uint64_t low = 0;  // those below begin at it or before
  for (std::uint64_t high = count; low < high;) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (row_at(middle).begin <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : header + static_cast<std::uintptr_t>(std::int64_t{row_at(low - 1).entry});
}

// What several entries share (CIE).
struct Common {
  std::uint64_t code_step = 0;
  std::int64_t data_step = 0;
  std::uint8_t address_encoding = dwarf::kAbsolute;
  bool has_data = false;  // behind the addresses of an entry
  bool is_of_signal = false;
  UnwindBytes instructions;
};

// What the letters say is there. Behind one that is not known nothing is, but that does not matter to the instructions.
bool read_data(std::span<const char> letters, UnwindBytes data, Common& common) noexcept {
  for (const char letter : letters) {
    std::uint8_t encoding = 0;
    switch (letter) {
      case 'R':
        common.address_encoding = data.take<std::uint8_t>();
        break;
      case 'P':
        encoding = data.take<std::uint8_t>();
        if (encoding == dwarf::kOmitted) break;
        if ((encoding & dwarf::kRelation) == dwarf::kAligned) return false;
        data.take_address(encoding & dwarf::kFormat);
        break;
      case 'L':
        data.take<std::uint8_t>();
        break;
      case 'S':
        common.is_of_signal = true;
        break;
      default:
        return data.is_whole();
    }
  }
  return data.is_whole();
}

std::optional<Common> common_at(Bytes object, std::uintptr_t at) noexcept {
  UnwindBytes bytes = entry_at(object, at);
  if (bytes.take<std::uint32_t>() != 0) return std::nullopt;
  const auto version = bytes.take<std::uint8_t>();
  if (version != 1 && version != 3) return std::nullopt;
  std::array<char, 8> letters{};
  std::size_t count = 0;
  while (const char letter = bytes.take<char>()) {
    if (count == letters.size()) return std::nullopt;
    letters[count++] = letter;
  }
  Common common;
  common.code_step = bytes.take_unsigned();
  common.data_step = bytes.take_signed();
  const std::uint64_t column = version == 1 ? bytes.take<std::uint8_t>() : bytes.take_unsigned();
  if (column != dwarf::kPc) return std::nullopt;
  common.has_data = letters[0] == 'z';
  if (count != 0 && !common.has_data) return std::nullopt;
  if (common.has_data && !read_data(std::span(letters).subspan(1, count - 1), UnwindBytes(bytes.take_block()), common))
    return std::nullopt;
  if (!bytes.is_whole()) return std::nullopt;
  common.instructions = bytes;
  return common;
}

// Carries out the instructions of an entry, up to a place in its code.
class Machine {
 public:
  Machine(const Common& common, std::uintptr_t begin, std::uintptr_t pc) noexcept
      : common_(common), at_(begin), pc_(pc) {
    rule_.is_of_signal = common.is_of_signal;
  }

  // False: there is something that is not understood.
  bool run(UnwindBytes instructions) noexcept {
    while (!instructions.is_at_end() && at_ <= pc_)
      if (!step(instructions) || !instructions.is_whole()) return false;
    return instructions.is_whole();
  }
  void begin_entry() noexcept { initial_ = rule_; }
  [[nodiscard]] const UnwindRule& rule() const noexcept { return rule_; }

 private:
  static constexpr std::uint8_t kLow = 0x3f;

  [[nodiscard]] static bool is_followed(std::uint64_t number) noexcept {
    return number == dwarf::kBp || number == dwarf::kPc;
  }
  bool advance(std::uint64_t steps) noexcept {
    at_ += steps * common_.code_step;
    return true;
  }
  // Where the frame's address is that of another register there is no way on.
  void set_register(std::uint64_t number) noexcept {
    using From = UnwindRule::From;
    rule_.from = number == dwarf::kBp ? From::bp : number == dwarf::kSp ? From::sp : From::unfollowed;
  }
  static bool set(std::int32_t& offset, std::int64_t found) noexcept {
    offset = static_cast<std::int32_t>(found);
    return offset == found;
  }
  bool set_scaled(std::int32_t& offset, std::int64_t factor) const noexcept {
    std::int64_t found = 0;
    return !__builtin_mul_overflow(factor, common_.data_step, &found) && set(offset, found);
  }
  bool place(std::uint64_t number, const Place& found) noexcept {
    if (number == dwarf::kBp) rule_.bp = found;
    if (number == dwarf::kPc) rule_.return_address = found;
    return true;
  }
  bool place_at(std::uint64_t number, std::int64_t factor) noexcept {
    Place found{Place::Kind::at_offset};
    return (set_scaled(found.offset, factor) || !is_followed(number)) && place(number, found);
  }
  bool restore(std::uint64_t number) noexcept {
    if (number == dwarf::kBp) rule_.bp = initial_.bp;
    if (number == dwarf::kPc) rule_.return_address = initial_.return_address;
    return true;
  }
  bool remember() noexcept {
    if (depth_ == remembered_.size()) return false;
    remembered_[depth_++] = rule_;
    return true;
  }
  bool recall() noexcept {
    if (depth_ == 0) return false;
    rule_ = remembered_[--depth_];
    return true;
  }

  bool step(UnwindBytes& bytes) noexcept {
    const auto code = bytes.take<std::uint8_t>();
    const std::uint8_t low = code & kLow;
    switch (static_cast<Rule>(code & ~kLow)) {
      case Rule::advance:
        return advance(low);
      case Rule::offset:
        return place_at(low, static_cast<std::int64_t>(bytes.take_unsigned()));
      case Rule::restore:
        return restore(low);
      default:
        return step_extended(static_cast<Rule>(code), bytes);
    }
  }
  bool step_extended(Rule code, UnwindBytes& bytes) noexcept {
    switch (code) {
      case Rule::nop:
        return true;
      case Rule::set_location:
        at_ = bytes.take_address(common_.address_encoding);
        return true;
      case Rule::advance1:
        return advance(bytes.take<std::uint8_t>());
      case Rule::advance2:
        return advance(bytes.take<std::uint16_t>());
      case Rule::advance4:
        return advance(bytes.take<std::uint32_t>());
      case Rule::remember_state:
        return remember();
      case Rule::restore_state:
        return recall();
      case Rule::args_size:
        bytes.take_unsigned();
        return true;
      default:
        return step_frame(code, bytes);
    }
  }
  // About the frame's address.
  bool step_frame(Rule code, UnwindBytes& bytes) noexcept {
    switch (code) {
      case Rule::frame:
        set_register(bytes.take_unsigned());
        return set(rule_.offset, static_cast<std::int64_t>(bytes.take_unsigned()));
      case Rule::frame_signed:
        set_register(bytes.take_unsigned());
        return set_scaled(rule_.offset, bytes.take_signed());
      case Rule::frame_register:
        set_register(bytes.take_unsigned());
        return true;
      case Rule::frame_offset:
        return set(rule_.offset, static_cast<std::int64_t>(bytes.take_unsigned()));
      case Rule::frame_offset_signed:
        return set_scaled(rule_.offset, bytes.take_signed());
      case Rule::frame_expression:
        rule_.from = UnwindRule::From::expression;
        rule_.expression = bytes.take_block();
        return true;
      default:
        return step_register(code, bytes.take_unsigned(), bytes);
    }
  }
  // About the caller's register of that number.
  bool step_register(Rule code, std::uint64_t number, UnwindBytes& bytes) noexcept {
    switch (code) {
      case Rule::offset_extended:
        return place_at(number, static_cast<std::int64_t>(bytes.take_unsigned()));
      case Rule::offset_extended_signed:
        return place_at(number, bytes.take_signed());
      case Rule::restore_extended:
        return restore(number);
      case Rule::undefined:
        return place(number, {Place::Kind::unknown});
      case Rule::same_value:
        return place(number, {Place::Kind::same});
      case Rule::expression:
        return place(number, {Place::Kind::expressed, 0, bytes.take_block()});
      case Rule::in_register:
      case Rule::value_offset:
      case Rule::value_offset_signed:
        bytes.take_unsigned();
        return !is_followed(number);
      case Rule::value_expression:
        bytes.take_block();
        return !is_followed(number);
      default:
        return false;
    }
  }

  const Common& common_;
  std::uintptr_t at_;
  std::uintptr_t pc_;
  UnwindRule rule_{};
  UnwindRule initial_{};
  std::array<UnwindRule, 8> remembered_{};
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<UnwindRule> read_unwind_rule(const UnwindTables& tables, std::uintptr_t pc) noexcept {
  const std::uintptr_t entry = find_entry(tables, pc);
  if (entry == 0) return std::nullopt;
  UnwindBytes bytes = entry_at(tables.object, entry);
  const std::uintptr_t distance_from = address_of(bytes.at());
  const std::uintptr_t distance = bytes.take<std::uint32_t>();
  if (distance == 0 || !bytes.is_whole()) return std::nullopt;
  const std::optional<Common> common = common_at(tables.object, distance_from - distance);
  if (!common) return std::nullopt;
  const std::uintptr_t begin = bytes.take_address(common->address_encoding);
  const std::uintptr_t length = bytes.take_address(common->address_encoding & dwarf::kFormat);
  if (pc - begin >= length) return std::nullopt;  // between two
  if (common->has_data) bytes.take_block();
  Machine machine(*common, begin, pc);
  if (!bytes.is_whole() || !machine.run(common->instructions)) return std::nullopt;
  machine.begin_entry();
  if (!machine.run(bytes) || machine.rule().from == UnwindRule::From::unfollowed) return std::nullopt;
  return machine.rule();
}

}  // namespace trestle
