#include "report/unwind_tables.hpp"

#include <array>
#include <atomic>

#include "base/keyed.hpp"
#include "report/unwind_bytes.hpp"

namespace trestle {
namespace {

// Rules of most places: without an expression, the return address below the frame's address. Each is a word beside the place that
// it is of, of which it has some bits, so that two that are written at once do not mix.
class Cache {
 public:
  [[nodiscard]] std::optional<UnwindRule> find(std::uintptr_t pc) const noexcept {
    const Entry& entry = entries_[index_of(pc)];
    const std::uint64_t rule = entry.rule.load(std::memory_order_relaxed);
    if (entry.pc.load(std::memory_order_relaxed) != pc || (rule & kTag) != (pc & kTag) || rule >> kTagBits == 0)
      return std::nullopt;
    UnwindRule found;
    found.is_by_base = (rule >> kTagBits & kByBase) != 0;
    found.offset = static_cast<std::int32_t>(rule >> 32);
    found.return_address = {Place::Kind::at_offset, kReturnAt};
    if ((rule >> kTagBits & kSavesBase) != 0) {
      const auto words = static_cast<std::int8_t>(rule >> 24 & 0xff);
      found.bp = {Place::Kind::at_offset, words * kWord};
    }
    return found;
  }
  void put(std::uintptr_t pc, const UnwindRule& rule) noexcept {
    const Place& bp = rule.bp;
    const bool is_saved =
        bp.kind == Place::Kind::at_offset && bp.offset % kWord == 0 && bp.offset / kWord >= INT8_MIN && bp.offset < 0;
    const bool is_usual = rule.expression.empty() && !rule.is_of_signal &&
                          rule.return_address.kind == Place::Kind::at_offset &&
                          rule.return_address.offset == kReturnAt && (is_saved || bp.kind == Place::Kind::same);
    if (!is_usual) return;
    std::uint64_t flags = kIsThere | (rule.is_by_base ? kByBase : 0) | (is_saved ? kSavesBase : 0);
    flags <<= kTagBits;
    const std::uint64_t words = is_saved ? static_cast<std::uint8_t>(bp.offset / kWord) : 0;
    Entry& entry = entries_[index_of(pc)];
    entry.pc.store(pc, std::memory_order_relaxed);
    entry.rule.store(std::uint64_t{static_cast<std::uint32_t>(rule.offset)} << 32 | words << 24 | flags | (pc & kTag),
                     std::memory_order_relaxed);
  }

 private:
  static constexpr std::int32_t kWord = 8;
  static constexpr std::int32_t kReturnAt = -kWord;
  static constexpr unsigned kTagBits = 16;
  static constexpr std::uint64_t kTag = (std::uint64_t{1} << kTagBits) - 1;
  static constexpr std::uint64_t kIsThere = 1;
  static constexpr std::uint64_t kByBase = 2;
  static constexpr std::uint64_t kSavesBase = 4;
  static constexpr std::size_t kEntries = 1 << 13;

  struct Entry {
    std::atomic<std::uintptr_t> pc{0};
    std::atomic<std::uint64_t> rule{
        0};  // offset (32 bits), where the base pointer is (8), flags (8), some bits of pc (16)
  };
  [[nodiscard]] static std::size_t index_of(std::uintptr_t pc) noexcept {
    return static_cast<std::size_t>(fold(pc ^ kOdd1, kOdd2) % kEntries);
  }

  std::array<Entry, kEntries> entries_{};
};
constinit Cache cache;

// What an expression of the tables comes to; nothing where it is not understood or reads what cannot be read.
std::optional<std::uintptr_t> evaluate(std::span<const std::uint8_t> expression, const Registers& frame,
                                       std::optional<std::uintptr_t> first, ReadWord read, void* context) noexcept {
  std::array<std::uintptr_t, 8> stack{};
  std::size_t depth = 0;
  if (first) stack[depth++] = *first;
  UnwindBytes bytes(expression);
  while (!bytes.is_at_end()) {
    const auto code = bytes.take<std::uint8_t>();
    const bool takes_two = code == 0x1a || code == 0x1c || code == 0x22 || code == 0x24 || code == 0x2a;
    const bool takes_one = code == 0x06 || code == 0x23;
    if (depth < (takes_two ? 2U : takes_one ? 1U : 0U) || depth == stack.size()) return std::nullopt;
    const std::uintptr_t top = depth == 0 ? 0 : stack[depth - 1];
    const std::uintptr_t next = depth < 2 ? 0 : stack[depth - 2];
    depth -= takes_two ? 2U : takes_one ? 1U : 0U;
    std::uintptr_t value = 0;
    if (code >= 0x30 && code <= 0x4f) {  // lit0 to lit31
      value = code - 0x30U;
    } else if (code >= 0x70 && code <= 0x8f) {  // breg0 to breg31
      const std::uint64_t number = code - 0x70U;
      if (number != kUnwindBp && number != kUnwindSp && number != kUnwindPc) return std::nullopt;
      const std::uintptr_t base = number == kUnwindBp ? frame.bp : number == kUnwindSp ? frame.sp : frame.pc;
      value = base + static_cast<std::uintptr_t>(bytes.take_signed());
    } else {
      switch (code) {
        case 0x06:  // deref
          if (!read(top, value, context)) return std::nullopt;
          break;
        case 0x08:  // const1u
          value = bytes.take<std::uint8_t>();
          break;
        case 0x09:  // const1s
          value = static_cast<std::uintptr_t>(std::int64_t{bytes.take<std::int8_t>()});
          break;
        case 0x0a:  // const2u
          value = bytes.take<std::uint16_t>();
          break;
        case 0x0b:  // const2s
          value = static_cast<std::uintptr_t>(std::int64_t{bytes.take<std::int16_t>()});
          break;
        case 0x1a:  // and
          value = next & top;
          break;
        case 0x1c:  // minus
          value = next - top;
          break;
        case 0x22:  // plus
          value = next + top;
          break;
        case 0x23:  // plus_uconst
          value = top + bytes.take_unsigned();
          break;
        case 0x24:  // shl
          value = top < 64 ? next << top : 0;
          break;
        case 0x2a:  // ge
          value = static_cast<std::intptr_t>(next) >= static_cast<std::intptr_t>(top) ? 1 : 0;
          break;
        default:
          return std::nullopt;
      }
    }
    stack[depth++] = value;
  }
  if (depth == 0 || !bytes.is_whole()) return std::nullopt;
  return stack[depth - 1];
}

// The register's value in the caller.
bool fetch(const Place& place, std::uintptr_t cfa, const Registers& frame, ReadWord read, void* context,
           std::uintptr_t& value) noexcept {
  switch (place.kind) {
    case Place::Kind::same:
      return true;
    case Place::Kind::unknown:
      value = 0;
      return true;
    case Place::Kind::at_offset:
      return read(cfa + static_cast<std::uintptr_t>(std::int64_t{place.offset}), value, context);
    case Place::Kind::expressed: {
      const std::optional<std::uintptr_t> at = evaluate(place.expression, frame, cfa, read, context);
      return at && read(*at, value, context);
    }
  }
  return false;
}

}  // namespace

std::optional<UnwindRule> unwind_rule_at(std::uintptr_t pc) noexcept {
  if constexpr (!kHasUnwindTables) return std::nullopt;
  if (const std::optional<UnwindRule> known = cache.find(pc)) return known;
  const std::optional<UnwindRule> rule = read_unwind_rule(pc);
  if (rule) cache.put(pc, *rule);
  return rule;
}

std::optional<Registers> unwind(const Registers& frame, bool& is_exact, ReadWord read, void* context) noexcept {
  const std::optional<UnwindRule> rule = unwind_rule_at(is_exact ? frame.pc : frame.pc - 1);
  if (!rule || rule->return_address.kind == Place::Kind::unknown) return std::nullopt;
  const std::uintptr_t base = rule->is_by_base ? frame.bp : frame.sp;
  std::optional<std::uintptr_t> cfa = base + static_cast<std::uintptr_t>(std::int64_t{rule->offset});
  if (!rule->expression.empty()) cfa = evaluate(rule->expression, frame, std::nullopt, read, context);
  if (!cfa) return std::nullopt;
  Registers caller{0, *cfa, frame.bp};
  if (!fetch(rule->return_address, *cfa, frame, read, context, caller.pc) ||
      !fetch(rule->bp, *cfa, frame, read, context, caller.bp) || caller.pc == 0)
    return std::nullopt;
  is_exact = rule->is_of_signal;
  return caller;
}

}  // namespace trestle
