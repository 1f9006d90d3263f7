#include "report/unwind_tables.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/arith.hpp"
#include "base/keyed.hpp"
#include "report/short_rule.hpp"
#include "report/unwind_bytes.hpp"

namespace trestle {
namespace {

using dwarf::Op;

// Rules by the places that they are of. Each stands beside what it and its place come to, so that of two that are written at
// once neither is taken for the other.
class Cache {
 public:
  [[nodiscard]] ShortRule find(std::uintptr_t pc) const noexcept {
    const Entry& entry = entries_[index_of(pc)];
    const std::uint64_t word = entry.word.load(std::memory_order_relaxed);
    return ShortRule(entry.check.load(std::memory_order_relaxed) == check_of(pc, word) ? word : 0);
  }
  void put(std::uintptr_t pc, ShortRule rule) noexcept {
    Entry& entry = entries_[index_of(pc)];
    entry.word.store(rule.word(), std::memory_order_relaxed);
    entry.check.store(check_of(pc, rule.word()), std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kEntries = 1 << 13;

  struct Entry {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::uint64_t> check{0};
  };
  [[nodiscard]] static std::uint64_t check_of(std::uintptr_t pc, std::uint64_t word) noexcept {
    return pc ^ word * kOdd1;
  }
  [[nodiscard]] static std::size_t index_of(std::uintptr_t pc) noexcept {
    return static_cast<std::size_t>(fold(pc ^ kOdd1, kOdd2) % kEntries);
  }

  std::array<Entry, kEntries> entries_{};
};
constinit Cache cache;

// Objects that stay where they are for as long as the process runs.
class LastingObjects {
 public:
  void add(const link_map* object) noexcept {
    if (count_ < objects_.size()) objects_[count_++] = object;  // those beyond are read anew each time
  }
  [[nodiscard]] bool hold(const link_map* object) const noexcept {
    const std::span<const link_map* const> all = std::span(objects_).first(count_);
    return std::find(all.begin(), all.end(), object) != all.end();
  }

 private:
  std::array<const link_map*, 256> objects_{};
  std::size_t count_ = 0;
};
constinit LastingObjects lasting;

// The rule at a place in the code, read anew.
std::optional<UnwindRule> find_rule(std::uintptr_t pc, bool& may_be_kept) noexcept {
  dl_find_object found{};
  if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0 || found.dlfo_eh_frame == nullptr) return std::nullopt;
  const auto* const begin = static_cast<const std::uint8_t*>(found.dlfo_map_start);
  const auto* const end = static_cast<const std::uint8_t*>(found.dlfo_map_end);
  may_be_kept = lasting.hold(found.dlfo_link_map);
  return read_unwind_rule({{begin, end}, static_cast<const std::uint8_t*>(found.dlfo_eh_frame)}, pc);
}

// What an expression of the tables comes to; nothing where it is not understood or reads what cannot be read.
class Expression {
 public:
  Expression(const Registers& frame, ReadWord read, void* context) noexcept
      : frame_(frame), read_(read), context_(context) {}
  bool push(std::uintptr_t value) noexcept {
    if (depth_ == stack_.size()) return false;
    stack_[depth_++] = value;
    return true;
  }
  std::optional<std::uintptr_t> evaluate(std::span<const std::uint8_t> operations) noexcept {
    UnwindBytes bytes(operations);
    while (!bytes.is_at_end())
      if (!step(bytes) || !bytes.is_whole()) return std::nullopt;
    return pop();
  }

 private:
  std::optional<std::uintptr_t> pop() noexcept {
    if (depth_ == 0) return std::nullopt;
    return stack_[--depth_];
  }
  bool step(UnwindBytes& bytes) noexcept {
    const auto code = bytes.take<std::uint8_t>();
    const auto op = static_cast<Op>(code);
    if (op >= Op::literal0 && op <= Op::literal31) return push(code - static_cast<std::uint8_t>(Op::literal0));
    if (op >= Op::register0 && op <= Op::register31)
      return push_register(code - static_cast<std::uint8_t>(Op::register0), bytes.take_signed());
    switch (op) {
      case Op::const1u:
        return push(bytes.take<std::uint8_t>());
      case Op::const1s:
        return push(widened(bytes.take<std::int8_t>()));
      case Op::const2u:
        return push(bytes.take<std::uint16_t>());
      case Op::const2s:
        return push(widened(bytes.take<std::int16_t>()));
      default:
        return step_one(op, bytes);
    }
  }
  bool push_register(unsigned number, std::int64_t offset) noexcept {
    const auto more = static_cast<std::uintptr_t>(offset);
    if (number == dwarf::kBp) return push(frame_.bp + more);
    if (number == dwarf::kSp) return push(frame_.sp + more);
    return number == dwarf::kPc && push(frame_.pc + more);
  }
  bool step_one(Op op, UnwindBytes& bytes) noexcept {
    const std::optional<std::uintptr_t> top = pop();
    if (!top) return false;
    std::uintptr_t word = 0;
    if (op == Op::deref) return read_(*top, word, context_) && push(word);
    if (op == Op::plus_constant) return push(*top + bytes.take_unsigned());
    const std::optional<std::uintptr_t> next = pop();
    return next && step_two(op, *next, *top);
  }
  bool step_two(Op op, std::uintptr_t left, std::uintptr_t right) noexcept {
    switch (op) {
      case Op::bit_and:
        return push(left & right);
      case Op::minus:
        return push(left - right);
      case Op::plus:
        return push(left + right);
      case Op::shift_left:
        return push(right < 64 ? left << right : 0);
      case Op::at_least:
        return push(static_cast<std::intptr_t>(left) >= static_cast<std::intptr_t>(right) ? 1 : 0);
      default:
        return false;
    }
  }

  const Registers& frame_;
  ReadWord read_;
  void* context_;
  std::array<std::uintptr_t, 8> stack_{};
  std::size_t depth_ = 0;
};

// A register's value in the caller, which is its own where that is so.
std::optional<std::uintptr_t> value_in_caller(const Place& place, std::uintptr_t own, std::uintptr_t cfa,
                                              const Registers& frame, ReadWord read, void* context) noexcept {
  if (place.kind == Place::Kind::same) return own;
  if (place.kind == Place::Kind::unknown) return 0;
  std::optional<std::uintptr_t> at = cfa + widened(place.offset);
  if (place.kind == Place::Kind::expressed) {
    Expression expression(frame, read, context);
    expression.push(cfa);
    at = expression.evaluate(place.expression);
  }
  std::uintptr_t value = 0;
  if (!at || !read(*at, value, context)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Registers> apply(const UnwindRule& rule, const Registers& frame, ReadWord read, void* context) noexcept {
  std::optional<std::uintptr_t> cfa = (rule.from == UnwindRule::From::bp ? frame.bp : frame.sp) + widened(rule.offset);
  if (rule.from == UnwindRule::From::expression) cfa = Expression(frame, read, context).evaluate(rule.expression);
  if (!cfa) return std::nullopt;
  const auto pc = value_in_caller(rule.return_address, frame.pc, *cfa, frame, read, context);
  const auto bp = value_in_caller(rule.bp, frame.bp, *cfa, frame, read, context);
  if (!pc || !bp || *pc == 0) return std::nullopt;
  return Registers{*pc, *cfa, *bp};
}

Unwound unwind(Registers& frame, bool& is_exact, ReadWord read, void* context) noexcept {
  const std::uintptr_t pc = is_exact ? frame.pc : frame.pc - 1;
  std::optional<Registers> caller;
  bool is_of_signal = false;
  if (const ShortRule known = cache.find(pc); !known.is_empty()) {
    caller = known.apply(frame, read, context);
  } else {
    bool may_be_kept = false;
    const std::optional<UnwindRule> rule = find_rule(pc, may_be_kept);
    if (!rule) return Unwound::no_rule;
    if (const ShortRule found = ShortRule::of(*rule); may_be_kept && !found.is_empty()) cache.put(pc, found);
    caller = apply(*rule, frame, read, context);
    is_of_signal = rule->is_of_signal;
  }
  if (!caller) return Unwound::to_end;
  frame = *caller;
  is_exact = is_of_signal;
  return Unwound::to_caller;
}

// The loader's list has those first, itself last of them, and then what was loaded later.
void keep_unwind_rules() noexcept {
  lasting = {};
  for (const link_map* object = _r_debug.r_map; object != nullptr; object = object->l_next) {
    lasting.add(object);
    if (object->l_addr == _r_debug.r_ldbase) break;
  }
}

}  // namespace trestle
