// Programs as text for people and as C++ for regressions.
#include <string>

#include "ops/program.hpp"

namespace trestle::ops {
namespace {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::by_new:
      return "new";
    case Kind::by_new_array:
      return "new[]";
    default:
      return "malloc";
  }
}
const char* cpp_of(Kind kind) {
  switch (kind) {
    case Kind::by_new:
      return "Kind::by_new";
    case Kind::by_new_array:
      return "Kind::by_new_array";
    default:
      return "Kind::by_malloc";
  }
}

struct TextField {
  std::string& out;
  void operator()(const char* name, std::size_t value) { add(name, std::to_string(value)); }
  void operator()(const char* name, SlotId slot) { add(name, std::to_string(index_of(slot))); }
  void operator()(const char* name, Kind kind) { add(name, name_of(kind)); }
  void operator()(const char* name, MisuseKind what) { add(name, ops::name_of(what)); }
  void operator()(const char* name, CorruptKind what) { add(name, ops::name_of(what)); }
  void operator()(const char* name, Setting what) { add(name, ops::name_of(what)); }
  void add(const char* name, const std::string& value) { out += std::string(" ") + name + "=" + value; }
};

struct CppField {
  std::string& out;
  bool first = true;
  void operator()(const char* name, std::size_t value) { add(name, std::to_string(value) + (value >> 31 ? "U" : "")); }
  void operator()(const char* name, SlotId slot) { add(name, "SlotId{" + std::to_string(index_of(slot)) + "}"); }
  void operator()(const char* name, Kind kind) { add(name, cpp_of(kind)); }
  void operator()(const char* name, MisuseKind what) { add(name, std::string("MisuseKind::") + ops::name_of(what)); }
  void operator()(const char* name, CorruptKind what) { add(name, std::string("CorruptKind::") + ops::name_of(what)); }
  void operator()(const char* name, Setting what) { add(name, std::string("Setting::") + ops::name_of(what)); }
  void add(const char* name, const std::string& value) {
    out += std::string(first ? "." : ", .") + name + " = " + value;
    first = false;
  }
};

template <class T, class Visit>
void visit_fields(const T& op, Visit visit) {
  for_each_field<T>([&](const auto& one) { visit(one.name, op.*one.member); });
}

std::string to_cpp(const Op& op) {
  return std::visit(
      [](const auto& one) {
        std::string out = std::string(one.kType) + "{";
        visit_fields(one, CppField{out});
        return out + "}";
      },
      op);
}

}  // namespace

const char* name_of(PolicyName policy) noexcept {
  switch (policy) {
    case PolicyName::fast:
      return "fast";
    case PolicyName::hardened:
      return "hardened";
    case PolicyName::debug:
      return "debug";
  }
  return "unknown";
}

std::string to_text(const Op& op) {
  return std::visit(
      [](const auto& one) {
        std::string out = one.kName;
        visit_fields(one, TextField{out});
        return out;
      },
      op);
}

std::string to_text(const Program& program) {
  const Stage& stage = program.stage;
  std::string out = std::string("stage policy=") + name_of(stage.policy) +
                    " buffer_bytes=" + std::to_string(stage.buffer_bytes) + " skew=" + std::to_string(stage.skew) +
                    " zeroed=" + (stage.zeroed ? "1" : "0");
  if (stage.page_bytes != 0) out += " page_bytes=" + std::to_string(stage.page_bytes);
  if (stage.slot_limit != kFewSlots) out += " slot_limit=" + std::to_string(stage.slot_limit);
  if (stage.processors != kFewProcessors) out += " processors=" + std::to_string(stage.processors);
  if (stage.refuse_nth != 0)
    out += " refuse_nth=" + std::to_string(stage.refuse_nth) + " refuse_every=" + std::to_string(stage.refuse_every);
  out += "\n";
  for (const Op& op : program.ops) out += to_text(op) + "\n";
  return out;
}

std::string to_cpp(const Program& program) {
  const Stage& stage = program.stage;
  std::string out = std::string("Program{Stage{.policy = PolicyName::") + name_of(stage.policy) +
                    ", .buffer_bytes = " + std::to_string(stage.buffer_bytes) +
                    ", .skew = " + std::to_string(stage.skew) + ", .zeroed = " + (stage.zeroed ? "true" : "false");
  if (stage.page_bytes != 0) out += ", .page_bytes = " + std::to_string(stage.page_bytes);
  if (stage.slot_limit != kFewSlots) out += ", .slot_limit = " + std::to_string(stage.slot_limit);
  if (stage.processors != kFewProcessors) out += ", .processors = " + std::to_string(stage.processors);
  if (stage.refuse_nth != 0)
    out += ", .refuse_nth = " + std::to_string(stage.refuse_nth) +
           ", .refuse_every = " + std::to_string(stage.refuse_every);
  out += "}, {\n";
  for (const Op& op : program.ops) out += "    " + to_cpp(op) + ",\n";
  return out + "}}";
}

}  // namespace trestle::ops
