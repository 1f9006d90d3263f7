// The one vocabulary of operations: the fuzzer, the properties, the regressions and the replay all speak it.
// An op is a struct that knows when it means something (enabled), what it does to the model (apply) and how to perform
// itself (run). Its fields are told once: they are printed, parsed, and carried by the bytes of a program as Operands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <variant>

#include "base/engine.hpp"
#include "ops/misuse_kinds.hpp"
#include "ops/model.hpp"

namespace trestle::ops {

// What of a heap can be set while it serves.
enum class Setting : std::uint8_t {
  decay,        // milliseconds until freed pages go back to the system
  dirty_bytes,  // as many bytes of them may wait for that
  hot,          // an odd number: the inlined common cases serve; an even one: they leave all to the general path
  sample,  // by its last two hexadecimal digits: one request in `low`, of them one in `high` guarded before its start
  sweep,   // what waits does so for sweeps, or at 0 no longer; about half of it, by `to`, is let go at once
};
inline constexpr std::array kSettingNames{"decay", "dirty_bytes", "hot", "sample", "sweep"};
static_assert(kSettingNames.size() == static_cast<std::size_t>(Setting::sweep) + 1);
[[nodiscard]] constexpr const char* name_of(Setting what) noexcept {
  return kSettingNames[static_cast<std::size_t>(what) % kSettingNames.size()];
}

// `size` is also the amount of the ops that grow, shrink, keep, wait, set or reach somewhere.
struct Operands {
  SlotId slot{};
  Kind kind = Kind::by_malloc;
  std::size_t size = 0;
  std::size_t alignment = kMinAlignment;
  MisuseKind misuse{};
  CorruptKind corrupt{};
  Setting setting{};
};

// A field of op T: its name, where it is in the op, and which operand carries it.
template <class T, class M>
struct Field {
  using Type = M;
  const char* name;
  M T::* member;
  M Operands::* operand;
};
template <class T, class M>
constexpr Field<T, M> field(const char* name, M T::* member, M Operands::* operand) {
  return {name, member, operand};
}

// Calls visit(field) for each field of op T, in order.
template <class T, class Visit>
constexpr void for_each_field(Visit&& visit) {
  std::apply([&](const auto&... fields) { (visit(fields), ...); }, T::fields());
}

struct Allocate {
  static constexpr const char* kName = "allocate";
  static constexpr const char* kType = "Allocate";
  SlotId slot{};
  std::size_t size = 0;
  std::size_t alignment = kMinAlignment;
  Kind kind = Kind::by_malloc;

  static constexpr auto fields() {
    return std::tuple{field("slot", &Allocate::slot, &Operands::slot), field("size", &Allocate::size, &Operands::size),
                      field("alignment", &Allocate::alignment, &Operands::alignment),
                      field("kind", &Allocate::kind, &Operands::kind)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return m.is_empty(slot); }
  void apply(Model& m) const { m.place(slot, size, alignment, kind); }
  template <class World>
  void run(World& w) const {
    w.allocate(*this);
  }
  bool operator==(const Allocate&) const = default;
};

struct AllocateZeroed {
  static constexpr const char* kName = "allocate_zeroed";
  static constexpr const char* kType = "AllocateZeroed";
  SlotId slot{};
  std::size_t size = 0;
  Kind kind = Kind::by_malloc;

  static constexpr auto fields() {
    return std::tuple{field("slot", &AllocateZeroed::slot, &Operands::slot),
                      field("size", &AllocateZeroed::size, &Operands::size),
                      field("kind", &AllocateZeroed::kind, &Operands::kind)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().zeroed && m.is_empty(slot); }
  void apply(Model& m) const { m.place(slot, size, kMinAlignment, kind); }
  template <class World>
  void run(World& w) const {
    w.allocate_zeroed(*this);
  }
  bool operator==(const AllocateZeroed&) const = default;
};

struct Reallocate {
  static constexpr const char* kName = "reallocate";
  static constexpr const char* kType = "Reallocate";
  SlotId slot{};
  std::size_t size = 0;

  static constexpr auto fields() {
    return std::tuple{field("slot", &Reallocate::slot, &Operands::slot),
                      field("size", &Reallocate::size, &Operands::size)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.resize(slot, size); }
  template <class World>
  void run(World& w) const {
    w.reallocate(*this);
  }
  bool operator==(const Reallocate&) const = default;
};

struct Free {
  static constexpr const char* kName = "free";
  static constexpr const char* kType = "Free";
  SlotId slot{};

  static constexpr auto fields() { return std::tuple{field("slot", &Free::slot, &Operands::slot)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.remove(slot); }
  template <class World>
  void run(World& w) const {
    w.free(*this);
  }
  bool operator==(const Free&) const = default;
};

// Free with a claim, and a true one, of size and alignment.
struct SizedFree {
  static constexpr const char* kName = "sized_free";
  static constexpr const char* kType = "SizedFree";
  SlotId slot{};

  static constexpr auto fields() { return std::tuple{field("slot", &SizedFree::slot, &Operands::slot)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.remove(slot); }
  template <class World>
  void run(World& w) const {
    w.free(*this);
  }
  bool operator==(const SizedFree&) const = default;
};

// Gives free memory back to the operating system, all but `keep` bytes.
struct Trim {
  static constexpr const char* kName = "trim";
  static constexpr const char* kType = "Trim";
  std::size_t keep = 0;

  static constexpr auto fields() { return std::tuple{field("keep", &Trim::keep, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().trim; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.trim(*this);
  }
  bool operator==(const Trim&) const = default;
};

// Time passes, so that what decays does.
struct Wait {
  static constexpr const char* kName = "wait";
  static constexpr const char* kType = "Wait";
  std::size_t milliseconds = 0;

  static constexpr auto fields() { return std::tuple{field("milliseconds", &Wait::milliseconds, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().clock; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.wait(*this);
  }
  bool operator==(const Wait&) const = default;
};

// The buffer becomes longer at its end.
struct Grow {
  static constexpr const char* kName = "grow";
  static constexpr const char* kType = "Grow";
  std::size_t by = 0;

  static constexpr auto fields() { return std::tuple{field("by", &Grow::by, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const {
    return m.features().has_buffer() && by <= m.features().capacity - m.buffer_bytes();
  }
  void apply(Model& m) const { m.resize_buffer(m.buffer_bytes() + by); }
  template <class World>
  void run(World& w) const {
    w.grow(*this);
  }
  bool operator==(const Grow&) const = default;
};

// The buffer becomes shorter at its end, where nothing lives.
struct Shrink {
  static constexpr const char* kName = "shrink";
  static constexpr const char* kType = "Shrink";
  std::size_t by = 0;

  static constexpr auto fields() { return std::tuple{field("by", &Shrink::by, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().has_buffer() && by <= m.buffer_bytes(); }
  void apply(Model& m) const { m.resize_buffer(m.buffer_bytes() - by); }
  template <class World>
  void run(World& w) const {
    w.shrink(*this);
  }
  bool operator==(const Shrink&) const = default;
};

// The buffer's bytes are copied elsewhere, `skew` units of 16 bytes off a page's start, and the old ones scribbled over.
struct Relocate {
  static constexpr const char* kName = "relocate";
  static constexpr const char* kType = "Relocate";
  std::size_t skew = 0;

  static constexpr auto fields() { return std::tuple{field("skew", &Relocate::skew, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().has_buffer(); }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.relocate(*this);
  }
  bool operator==(const Relocate&) const = default;
};

// A quick heap_check, every block asked for its size, and the heap for its counts. The full check follows every op anyway.
struct Check {
  static constexpr const char* kName = "check";
  static constexpr const char* kType = "Check";

  static constexpr std::tuple<> fields() { return {}; }
  [[nodiscard]] bool enabled(const Model&) const { return true; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.check(*this);
  }
  bool operator==(const Check&) const = default;
};

// The owner of the slot's block makes a mistake with it, which must be named exactly and change nothing. `by`: how far off.
struct Misuse {
  static constexpr const char* kName = "misuse";
  static constexpr const char* kType = "Misuse";
  SlotId slot{};
  MisuseKind what{};
  std::size_t by = 0;

  static constexpr auto fields() {
    return std::tuple{field("slot", &Misuse::slot, &Operands::slot), field("what", &Misuse::what, &Operands::misuse),
                      field("by", &Misuse::by, &Operands::size)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().misuse && !m.is_empty(slot); }
  void apply(Model& m) const {
    if (frees(what)) m.remove(slot);
  }
  template <class World>
  void run(World& w) const {
    w.misuse(*this);
  }
  bool operator==(const Misuse&) const = default;
};

// Bytes of the heap's own are overwritten, looked for by heap_check, and put back. `at`: which of the bytes of that kind.
struct Corrupt {
  static constexpr const char* kName = "corrupt";
  static constexpr const char* kType = "Corrupt";
  CorruptKind what{};
  std::size_t at = 0;

  static constexpr auto fields() {
    return std::tuple{field("what", &Corrupt::what, &Operands::corrupt), field("at", &Corrupt::at, &Operands::size)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().corrupt; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.corrupt(*this);
  }
  bool operator==(const Corrupt&) const = default;
};

// From now on it is that thread, of a few, that calls; one that has ended begins anew.
struct RunOn {
  static constexpr const char* kName = "run_on";
  static constexpr const char* kType = "RunOn";
  std::size_t thread = 0;

  static constexpr auto fields() { return std::tuple{field("thread", &RunOn::thread, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().threads; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.run_on(*this);
  }
  bool operator==(const RunOn&) const = default;
};

// The thread that calls ends. What it calls after that, it calls as one that is about to be gone.
struct EndThread {
  static constexpr const char* kName = "end_thread";
  static constexpr const char* kType = "EndThread";

  static constexpr std::tuple<> fields() { return {}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().threads; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.end_thread(*this);
  }
  bool operator==(const EndThread&) const = default;
};

// The heap is set differently from now on.
struct Set {
  static constexpr const char* kName = "set";
  static constexpr const char* kType = "Set";
  Setting what{};
  std::size_t to = 0;

  static constexpr auto fields() {
    return std::tuple{field("what", &Set::what, &Operands::setting), field("to", &Set::to, &Operands::size)};
  }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().settings; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.set(*this);
  }
  bool operator==(const Set&) const = default;
};

// Threads that run at once: after so many steps of the next op of the thread, at the latest when it has ended, another goes on.
struct Preempt {
  static constexpr const char* kName = "preempt";
  static constexpr const char* kType = "Preempt";
  std::size_t steps = 0;

  static constexpr auto fields() { return std::tuple{field("steps", &Preempt::steps, &Operands::size)}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().at_once; }
  void apply(Model&) const {}
  template <class World>
  void run(World&) const {}
  bool operator==(const Preempt&) const = default;
};

using Op = std::variant<Allocate, AllocateZeroed, Reallocate, Free, SizedFree, Trim, Wait, Grow, Shrink, Relocate,
                        Check, Misuse, Corrupt, RunOn, EndThread, Set, Preempt>;

template <class T>
[[nodiscard]] T make_op(const Operands& operands) {
  T op;
  for_each_field<T>([&](const auto& one) { op.*one.member = operands.*one.operand; });
  return op;
}
template <class T>
[[nodiscard]] Operands operands_of(const T& op) {
  Operands operands;
  for_each_field<T>([&](const auto& one) { operands.*one.operand = op.*one.member; });
  return operands;
}

inline bool is_enabled(const Op& op, const Model& model) {
  return std::visit([&](const auto& one) { return one.enabled(model); }, op);
}
inline void apply_to(const Op& op, Model& model) {
  std::visit([&](const auto& one) { one.apply(model); }, op);
}

}  // namespace trestle::ops
