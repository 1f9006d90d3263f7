// The one vocabulary of operations: the fuzzer, the properties, the regressions and the replay all speak it.
// An op is a struct that knows when it means something (enabled), what it does to the model (apply) and how to perform
// itself (run). Every operand is one of Operands, which is what the bytes of a program encode.
#pragma once

#include <cstddef>
#include <utility>
#include <variant>

#include "base/engine.hpp"
#include "ops/model.hpp"

namespace trestle::ops {

// `size` is also the amount of the ops that grow, shrink, keep or wait.
struct Operands {
  SlotId slot{};
  Kind kind = Kind::by_malloc;
  std::size_t size = 0;
  std::size_t alignment = kMinAlignment;
};

struct Allocate {
  static constexpr const char* kName = "allocate";
  static constexpr const char* kType = "Allocate";
  SlotId slot{};
  std::size_t size = 0;
  std::size_t alignment = kMinAlignment;
  Kind kind = Kind::by_malloc;

  static Allocate from(const Operands& o) { return {o.slot, o.size, o.alignment, o.kind}; }
  [[nodiscard]] Operands operands() const { return {slot, kind, size, alignment}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.is_empty(slot); }
  void apply(Model& m) const { m.place(slot, size, alignment, kind); }
  template <class World>
  void run(World& w) const {
    w.allocate(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("slot", slot), f("size", size), f("alignment", alignment), f("kind", kind);
  }
  bool operator==(const Allocate&) const = default;
};

struct AllocateZeroed {
  static constexpr const char* kName = "allocate_zeroed";
  static constexpr const char* kType = "AllocateZeroed";
  SlotId slot{};
  std::size_t size = 0;
  Kind kind = Kind::by_malloc;

  static AllocateZeroed from(const Operands& o) { return {o.slot, o.size, o.kind}; }
  [[nodiscard]] Operands operands() const { return {slot, kind, size}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().zeroed && m.is_empty(slot); }
  void apply(Model& m) const { m.place(slot, size, kMinAlignment, kind); }
  template <class World>
  void run(World& w) const {
    w.allocate_zeroed(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("slot", slot), f("size", size), f("kind", kind);
  }
  bool operator==(const AllocateZeroed&) const = default;
};

struct Reallocate {
  static constexpr const char* kName = "reallocate";
  static constexpr const char* kType = "Reallocate";
  SlotId slot{};
  std::size_t size = 0;

  static Reallocate from(const Operands& o) { return {o.slot, o.size}; }
  [[nodiscard]] Operands operands() const { return {.slot = slot, .size = size}; }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.resize(slot, size); }
  template <class World>
  void run(World& w) const {
    w.reallocate(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("slot", slot), f("size", size);
  }
  bool operator==(const Reallocate&) const = default;
};

struct Free {
  static constexpr const char* kName = "free";
  static constexpr const char* kType = "Free";
  SlotId slot{};

  static Free from(const Operands& o) { return {o.slot}; }
  [[nodiscard]] Operands operands() const { return {.slot = slot}; }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.remove(slot); }
  template <class World>
  void run(World& w) const {
    w.free(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("slot", slot);
  }
  bool operator==(const Free&) const = default;
};

// Free with a claim, and a true one, of size and alignment.
struct SizedFree {
  static constexpr const char* kName = "sized_free";
  static constexpr const char* kType = "SizedFree";
  SlotId slot{};

  static SizedFree from(const Operands& o) { return {o.slot}; }
  [[nodiscard]] Operands operands() const { return {.slot = slot}; }
  [[nodiscard]] bool enabled(const Model& m) const { return !m.is_empty(slot); }
  void apply(Model& m) const { m.remove(slot); }
  template <class World>
  void run(World& w) const {
    w.free(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("slot", slot);
  }
  bool operator==(const SizedFree&) const = default;
};

// Gives free memory back to the operating system, all but `keep` bytes.
struct Trim {
  static constexpr const char* kName = "trim";
  static constexpr const char* kType = "Trim";
  std::size_t keep = 0;

  static Trim from(const Operands& o) { return {o.size}; }
  [[nodiscard]] Operands operands() const { return {.size = keep}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().trim; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.trim(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("keep", keep);
  }
  bool operator==(const Trim&) const = default;
};

// Time passes, so that what decays does.
struct Wait {
  static constexpr const char* kName = "wait";
  static constexpr const char* kType = "Wait";
  std::size_t milliseconds = 0;

  static Wait from(const Operands& o) { return {o.size}; }
  [[nodiscard]] Operands operands() const { return {.size = milliseconds}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().clock; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.wait(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("milliseconds", milliseconds);
  }
  bool operator==(const Wait&) const = default;
};

// The buffer becomes longer at its end.
struct Grow {
  static constexpr const char* kName = "grow";
  static constexpr const char* kType = "Grow";
  std::size_t by = 0;

  static Grow from(const Operands& o) { return {o.size}; }
  [[nodiscard]] Operands operands() const { return {.size = by}; }
  [[nodiscard]] bool enabled(const Model& m) const {
    return m.features().has_buffer() && by <= m.features().capacity - m.buffer_bytes();
  }
  void apply(Model& m) const { m.resize_buffer(m.buffer_bytes() + by); }
  template <class World>
  void run(World& w) const {
    w.grow(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("by", by);
  }
  bool operator==(const Grow&) const = default;
};

// The buffer becomes shorter at its end, where nothing lives.
struct Shrink {
  static constexpr const char* kName = "shrink";
  static constexpr const char* kType = "Shrink";
  std::size_t by = 0;

  static Shrink from(const Operands& o) { return {o.size}; }
  [[nodiscard]] Operands operands() const { return {.size = by}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().has_buffer() && by <= m.buffer_bytes(); }
  void apply(Model& m) const { m.resize_buffer(m.buffer_bytes() - by); }
  template <class World>
  void run(World& w) const {
    w.shrink(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("by", by);
  }
  bool operator==(const Shrink&) const = default;
};

// The buffer's bytes are copied elsewhere, `skew` units of 16 bytes off a page's start, and the old ones scribbled over.
struct Relocate {
  static constexpr const char* kName = "relocate";
  static constexpr const char* kType = "Relocate";
  std::size_t skew = 0;

  static Relocate from(const Operands& o) { return {o.size}; }
  [[nodiscard]] Operands operands() const { return {.size = skew}; }
  [[nodiscard]] bool enabled(const Model& m) const { return m.features().has_buffer(); }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.relocate(*this);
  }
  template <class Field>
  void fields(Field&& f) const {
    f("skew", skew);
  }
  bool operator==(const Relocate&) const = default;
};

// A quick heap_check, and every block asked for its size. The full check follows every op anyway.
struct Check {
  static constexpr const char* kName = "check";
  static constexpr const char* kType = "Check";

  static Check from(const Operands&) { return {}; }
  [[nodiscard]] Operands operands() const { return {}; }
  [[nodiscard]] bool enabled(const Model&) const { return true; }
  void apply(Model&) const {}
  template <class World>
  void run(World& w) const {
    w.check(*this);
  }
  template <class Field>
  void fields(Field&&) const {}
  bool operator==(const Check&) const = default;
};

using Op =
    std::variant<Allocate, AllocateZeroed, Reallocate, Free, SizedFree, Trim, Wait, Grow, Shrink, Relocate, Check>;

inline bool is_enabled(const Op& op, const Model& model) {
  return std::visit([&](const auto& one) { return one.enabled(model); }, op);
}
inline void apply(const Op& op, Model& model) {
  std::visit([&](const auto& one) { one.apply(model); }, op);
}

}  // namespace trestle::ops
