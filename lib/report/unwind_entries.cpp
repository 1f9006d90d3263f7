// The rules of .eh_frame: where the entry for a place in the code is, and what its instructions come to there.
#include <dlfcn.h>

#include <array>
#include <cstring>

#include "base/arith.hpp"
#include "report/unwind_bytes.hpp"
#include "report/unwind_tables.hpp"

namespace trestle {
namespace {

// The entry whose length stands at an address.
UnwindBytes entry_at(std::uintptr_t at) noexcept {
  std::uint32_t length = 0;
  std::memcpy(&length, reinterpret_cast<const void*>(at), sizeof length);
  constexpr std::uint32_t kLonger = UINT32_MAX;  // 64 bits follow, which nobody needs
  if (length == kLonger) length = 0;
  return UnwindBytes({reinterpret_cast<const std::uint8_t*>(at + sizeof length), length});
}

// Of an object: which entry is about a place in its code. By its .eh_frame_hdr, whose table is sorted.
std::uintptr_t find_entry(std::uintptr_t header, std::uintptr_t pc) noexcept {
  struct Row {
    std::int32_t begin;  // from the header
    std::int32_t entry;
  };
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(header);
  constexpr std::array<std::uint8_t, 4> kUnderstood{1, 0x1b, 0x03, 0x3b};
  if (std::memcmp(bytes, kUnderstood.data(), kUnderstood.size()) != 0) return 0;
  std::uint32_t count = 0;
  std::memcpy(&count, bytes + 8, sizeof count);
  const std::uint8_t* const rows = bytes + 12;
  const auto row_at = [&](std::uint32_t index) {
    Row row{};
    std::memcpy(&row, rows + std::size_t{index} * sizeof row, sizeof row);
    return row;
  };
  const auto wanted = static_cast<std::int64_t>(pc - header);
  std::uint32_t low = 0;  // those below begin at it or before
  for (std::uint32_t high = count; low < high;) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (row_at(middle).begin <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return 0;
  return header + static_cast<std::uintptr_t>(std::int64_t{row_at(low - 1).entry});
}

// What several entries share (CIE).
struct Common {
  std::uint64_t code_step = 0;
  std::int64_t data_step = 0;
  std::uint8_t address_encoding = 0;
  bool has_length = false;  // of what follows the addresses of an entry
  bool is_of_signal = false;
  UnwindBytes instructions;
};

std::optional<Common> common_at(std::uintptr_t at) noexcept {
  UnwindBytes bytes = entry_at(at);
  if (bytes.take<std::uint32_t>() != 0) return std::nullopt;
  const auto version = bytes.take<std::uint8_t>();
  if (version != 1 && version != 3) return std::nullopt;
  std::array<char, 8> letters{};
  std::size_t count = 0;
  for (;;) {
    const char letter = bytes.take<char>();
    if (letter == 0) break;
    if (count == letters.size()) return std::nullopt;
    letters[count++] = letter;
  }
  Common common;
  common.code_step = bytes.take_unsigned();
  common.data_step = bytes.take_signed();
  const std::uint64_t column = version == 1 ? bytes.take<std::uint8_t>() : bytes.take_unsigned();
  if (column != kUnwindPc) return std::nullopt;
  for (const char letter : std::span(letters).first(count)) {
    switch (letter) {
      case 'z':
        common.has_length = true;
        bytes.take_unsigned();
        break;
      case 'R':
        common.address_encoding = bytes.take<std::uint8_t>();
        break;
      case 'P':
        bytes.take_address(bytes.take<std::uint8_t>() & 0x0fU);
        break;
      case 'L':
        bytes.take<std::uint8_t>();
        break;
      case 'S':
        common.is_of_signal = true;
        break;
      default:
        return std::nullopt;
    }
  }
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
  // Where the frame's address is that of a register which is not followed there is no way on.
  [[nodiscard]] std::optional<UnwindRule> rule() const noexcept {
    if (!knows_register_ && rule_.expression.empty()) return std::nullopt;
    return rule_;
  }

 private:
  void advance(std::uint64_t steps) noexcept { at_ += steps * common_.code_step; }
  void set_register(std::uint64_t number) noexcept {
    knows_register_ = number == kUnwindBp || number == kUnwindSp;
    rule_.is_by_base = number == kUnwindBp;
    rule_.expression = {};
  }
  void set_offset(std::int64_t offset) noexcept { rule_.offset = static_cast<std::int32_t>(offset); }
  void place(std::uint64_t number, const Place& found) noexcept {
    if (number == kUnwindBp) rule_.bp = found;
    if (number == kUnwindPc) rule_.return_address = found;
  }
  void place_at(std::uint64_t number, std::int64_t offset) noexcept {
    place(number, {Place::Kind::at_offset, static_cast<std::int32_t>(offset * common_.data_step)});
  }
  void restore(std::uint64_t number) noexcept {
    if (number == kUnwindBp) rule_.bp = initial_.bp;
    if (number == kUnwindPc) rule_.return_address = initial_.return_address;
  }
  bool remember() noexcept {
    if (depth_ == remembered_.size()) return false;
    remembered_[depth_++] = {rule_, knows_register_};
    return true;
  }
  bool recall() noexcept {
    if (depth_ == 0) return false;
    rule_ = remembered_[--depth_].rule;
    knows_register_ = remembered_[depth_].knows_register;
    return true;
  }

  bool step(UnwindBytes& bytes) noexcept {
    const auto code = bytes.take<std::uint8_t>();
    const std::uint8_t low = code & 0x3fU;
    switch (code >> 6) {
      case 1:
        advance(low);
        return true;
      case 2:
        place_at(low, static_cast<std::int64_t>(bytes.take_unsigned()));
        return true;
      case 3:
        restore(low);
        return true;
      default:
        return step_extended(low, bytes);
    }
  }
  // DW_CFA_: the names stand behind the numbers.
  bool step_extended(std::uint8_t code, UnwindBytes& bytes) noexcept {
    switch (code) {
      case 0x00:  // nop
        return true;
      case 0x01:  // set_loc
        at_ = bytes.take_address(common_.address_encoding);
        return true;
      case 0x02:  // advance_loc1
        advance(bytes.take<std::uint8_t>());
        return true;
      case 0x03:  // advance_loc2
        advance(bytes.take<std::uint16_t>());
        return true;
      case 0x04:  // advance_loc4
        advance(bytes.take<std::uint32_t>());
        return true;
      case 0x0a:  // remember_state
        return remember();
      case 0x0b:  // restore_state
        return recall();
      case 0x0c:  // def_cfa
        set_register(bytes.take_unsigned());
        set_offset(static_cast<std::int64_t>(bytes.take_unsigned()));
        return true;
      case 0x12:  // def_cfa_sf
        set_register(bytes.take_unsigned());
        set_offset(bytes.take_signed() * common_.data_step);
        return true;
      case 0x0d:  // def_cfa_register
        set_register(bytes.take_unsigned());
        return true;
      case 0x0e:  // def_cfa_offset
        set_offset(static_cast<std::int64_t>(bytes.take_unsigned()));
        return true;
      case 0x13:  // def_cfa_offset_sf
        set_offset(bytes.take_signed() * common_.data_step);
        return true;
      case 0x0f:  // def_cfa_expression
        rule_.expression = bytes.take_block();
        return true;
      case 0x2e:  // GNU_args_size
        bytes.take_unsigned();
        return true;
      default:
        return step_register(code, bytes);
    }
  }
  bool step_register(std::uint8_t code, UnwindBytes& bytes) noexcept {
    const std::uint64_t number = bytes.take_unsigned();
    const bool is_followed = number == kUnwindBp || number == kUnwindPc;
    switch (code) {
      case 0x05:  // offset_extended
        place_at(number, static_cast<std::int64_t>(bytes.take_unsigned()));
        return true;
      case 0x11:  // offset_extended_sf
        place_at(number, bytes.take_signed());
        return true;
      case 0x06:  // restore_extended
        restore(number);
        return true;
      case 0x07:  // undefined
        place(number, {Place::Kind::unknown});
        return true;
      case 0x08:  // same_value
        place(number, {Place::Kind::same});
        return true;
      case 0x10:  // expression
        place(number, {Place::Kind::expressed, 0, bytes.take_block()});
        return true;
      case 0x09:  // register
      case 0x14:  // val_offset
        bytes.take_unsigned();
        return !is_followed;
      case 0x15:  // val_offset_sf
        bytes.take_signed();
        return !is_followed;
      case 0x16:  // val_expression
        bytes.take_block();
        return !is_followed;
      default:
        return false;
    }
  }

  struct Remembered {
    UnwindRule rule;
    bool knows_register;
  };
  const Common& common_;
  std::uintptr_t at_;
  std::uintptr_t pc_;
  UnwindRule rule_{};
  UnwindRule initial_{};
  bool knows_register_ = false;
  std::array<Remembered, 8> remembered_{};
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<UnwindRule> read_unwind_rule(std::uintptr_t pc) noexcept {
  dl_find_object object{};
  if (_dl_find_object(reinterpret_cast<void*>(pc), &object) != 0 || object.dlfo_eh_frame == nullptr) return std::nullopt;
  const std::uintptr_t entry = find_entry(address_of(object.dlfo_eh_frame), pc);
  if (entry == 0) return std::nullopt;
  UnwindBytes bytes = entry_at(entry);
  const std::uintptr_t distance_from = address_of(bytes.at());
  const std::uintptr_t distance = bytes.take<std::uint32_t>();
  if (distance == 0 || !bytes.is_whole()) return std::nullopt;
  const std::optional<Common> common = common_at(distance_from - distance);
  if (!common) return std::nullopt;
  const std::uintptr_t begin = bytes.take_address(common->address_encoding);
  const std::uintptr_t length = bytes.take_address(common->address_encoding & 0x0fU);
  if (pc - begin >= length) return std::nullopt;  // between two
  if (common->has_length) bytes.take_block();
  Machine machine(*common, begin, pc);
  if (!machine.run(common->instructions)) return std::nullopt;
  machine.begin_entry();
  if (!machine.run(bytes)) return std::nullopt;
  return machine.rule();
}

}  // namespace trestle
