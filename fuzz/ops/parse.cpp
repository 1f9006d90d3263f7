// Programs from text: the inverse of print.cpp.
#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <string>

#include "ops/program.hpp"

namespace trestle::ops {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string quoted(std::string_view word) { return std::string("'").append(word).append("'"); }

// Takes the next word off the front of the line; empty: there is none.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

template <class Number>
bool read(std::string_view text, Number& into, Number most) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return false;
  into = value;
  return true;
}
bool read(std::string_view text, std::size_t& into) { return read<std::size_t>(text, into, SIZE_MAX); }
bool read(std::string_view text, std::uint32_t& into) { return read<std::uint32_t>(text, into, UINT32_MAX); }
bool read(std::string_view text, std::uint8_t& into) { return read<std::uint8_t>(text, into, UINT8_MAX); }
bool read(std::string_view text, bool& into) {
  into = text == "1";
  return into || text == "0";
}
bool read(std::string_view text, SlotId& into) {
  std::uint8_t number = 0;
  if (!read<std::uint8_t>(text, number, kSlots - 1)) return false;
  into = SlotId{number};
  return true;
}
bool read(std::string_view text, Kind& into) {
  into = text == "malloc" ? Kind::by_malloc : text == "new" ? Kind::by_new : Kind::by_new_array;
  return text == "malloc" || text == "new" || text == "new[]";
}
template <class Enum, std::size_t N>
bool read_name(std::string_view text, Enum& into, const std::array<const char*, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    if (text != names[i]) continue;
    into = static_cast<Enum>(i);
    return true;
  }
  return false;
}
bool read(std::string_view text, MisuseKind& into) { return read_name(text, into, kMisuseNames); }
bool read(std::string_view text, CorruptKind& into) { return read_name(text, into, kCorruptNames); }
bool read(std::string_view text, Setting& into) { return read_name(text, into, kSettingNames); }
bool read(std::string_view text, PolicyName& into) {
  constexpr std::array<const char*, kPolicies> kNames{"fast", "hardened", "debug"};
  return read_name(text, into, kNames);
}

// An alignment has to be one that the engines take.
bool is_legal(std::string_view name, std::size_t value) {
  return name != "alignment" || (value >= kMinAlignment && (value & (value - 1)) == 0);
}
template <class Other>
bool is_legal(std::string_view, const Other&) {
  return true;
}

// One `name=value` of a line: `set` is called for each field that there is, until one says that it was meant.
struct Assignment {
  std::string_view name;
  std::string_view value;
  bool known = false;
  bool valid = true;

  template <class Type>
  void offer(std::string_view field, Type& into) {
    if (field != name) return;
    known = true;
    Type read_into{};
    valid = read(value, read_into) && is_legal(field, read_into);
    if (valid) into = read_into;
  }
};

// Reads the rest of a line, `name=value` by `name=value`. What is wrong with it; nothing: it was read.
template <class Offer>
std::optional<std::string> read_fields(std::string_view line, std::string_view what, Offer offer) {
  std::vector<std::string_view> seen;
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return quoted(word) + " is not name=value";
    Assignment assignment{.name = word.substr(0, equals), .value = word.substr(equals + 1)};
    offer(assignment);
    if (!assignment.known) return quoted(assignment.name) + " is no field of " + std::string(what);
    if (std::find(seen.begin(), seen.end(), assignment.name) != seen.end())
      return quoted(assignment.name) + " is given twice";
    seen.push_back(assignment.name);
    if (!assignment.valid) return quoted(assignment.value) + " is no value of " + quoted(assignment.name);
  }
  return std::nullopt;
}

std::optional<std::string> read_stage(std::string_view line, Stage& stage) {
  return read_fields(line, "stage", [&](Assignment& assignment) {
    assignment.offer("policy", stage.policy);
    assignment.offer("buffer_bytes", stage.buffer_bytes);
    assignment.offer("skew", stage.skew);
    assignment.offer("zeroed", stage.zeroed);
    assignment.offer("page_bytes", stage.page_bytes);
    assignment.offer("slot_limit", stage.slot_limit);
    assignment.offer("processors", stage.processors);
    assignment.offer("refuse_nth", stage.refuse_nth);
    assignment.offer("refuse_every", stage.refuse_every);
  });
}

template <class T>
std::optional<std::string> read_op_of(std::string_view line, std::vector<Op>& ops) {
  T op;
  auto wrong = read_fields(line, T::kName, [&](Assignment& assignment) {
    for_each_field<T>([&](const auto& field) { assignment.offer(field.name, op.*field.member); });
  });
  if (!wrong) ops.push_back(op);
  return wrong;
}

template <std::size_t I = 0>
std::optional<std::string> read_op(std::string_view name, std::string_view line, std::vector<Op>& ops) {
  if constexpr (I == std::variant_size_v<Op>) {
    return quoted(name) + " is no op";
  } else {
    using T = std::variant_alternative_t<I, Op>;
    return name == T::kName ? read_op_of<T>(line, ops) : read_op<I + 1>(name, line, ops);
  }
}

// What no stage can be: a size that no buffer of the harness has or no page, more processors than it has, refusals that never
// begin.
std::optional<std::string> wrong_with(const Stage& stage) {
  if (stage.refuse_every != 0 && stage.refuse_nth == 0) return "refuse_every without refuse_nth refuses nothing";
  if (stage.buffer_bytes > kLargestBuffer)
    return "buffer_bytes is " + std::to_string(stage.buffer_bytes) + ", at most " + std::to_string(kLargestBuffer);
  const bool page = std::has_single_bit(stage.page_bytes) && stage.page_bytes >= kLeastPage &&
                    stage.page_bytes < kLeastPage << kPageSizes;
  if (stage.page_bytes != 0 && !page)
    return "page_bytes is " + std::to_string(stage.page_bytes) + ", no power of two from 256 to 4096";
  if (stage.slot_limit != kFewSlots && stage.slot_limit != kAllSlots)
    return "slot_limit is " + std::to_string(stage.slot_limit) + ", neither " + std::to_string(kFewSlots) + " nor " +
           std::to_string(kAllSlots);
  if (stage.processors == 0 || stage.processors > kMostProcessors)
    return "processors is " + std::to_string(stage.processors) + ", not 1 to " + std::to_string(kMostProcessors);
  return std::nullopt;
}

}  // namespace

std::variant<Program, TextError> parse(std::string_view text) {
  Program program;
  bool has_stage = false;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view word = take_word(line);
    if (word.empty()) continue;
    std::optional<std::string> wrong;
    if (word != "stage") {
      wrong = read_op(word, line, program.ops);
    } else if (has_stage || !program.ops.empty()) {
      wrong = "the stage comes once, and first";
    } else {
      has_stage = true;
      wrong = read_stage(line, program.stage);
      if (!wrong) wrong = wrong_with(program.stage);
    }
    if (wrong) return TextError{number, *wrong};
  }
  return program;
}

}  // namespace trestle::ops
