#include "shim/options.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include "base/arith.hpp"
#include "base/string.hpp"

namespace trestle {
namespace {

constexpr std::string_view kJsonReport = "report=json";
constexpr std::string_view kJson = "json:";

std::optional<std::uint64_t> parse_count(std::string_view value, bool with_suffix) noexcept {
  unsigned shift = 0;
  if (with_suffix && !value.empty()) {
    constexpr std::string_view kSuffixes = "kmg";
    if (const auto at = kSuffixes.find(static_cast<char>(value.back() | 0x20)); at != std::string_view::npos) {
      shift = static_cast<unsigned>(10 * (at + 1));
      value.remove_suffix(1);
    }
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
  return checked_multiply(number, std::size_t{1} << shift);
}

const OptionRow* row_of(std::string_view name) noexcept {
  for (const OptionRow& row : trestle_options_table) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool set_path(std::string_view value, std::array<char, kMaxPath>& path) noexcept {
  if (value.size() >= path.size()) return false;
  path.fill('\0');
  std::memcpy(path.data(), value.data(), value.size());
  return true;
}

bool set(const OptionRow& row, std::string_view value, Options& options) noexcept {
  if (row.type == OptionType::path)
    return set_path(value, row.name == "summary"             ? options.summary
                           : row.name == "leak_suppressions" ? options.leak_suppressions
                                                             : options.symbolizer);
  if (row.type == OptionType::json_path) {
    if (!begins_with(value, kJson) || value.size() == kJson.size()) return false;
    return set_path({value.data() + kJson.size(), value.size() - kJson.size()}, options.json);
  }
  const std::optional<std::uint64_t> number = parse_count(value, row.type == OptionType::bytes);
  if (!number || (row.type == OptionType::flag && *number > 1)) return false;
  if (row.name == "reports_per_minute" && *number > UINT32_MAX) return false;
  if (row.name == "reports_per_minute") options.reports_per_minute = static_cast<std::uint32_t>(*number);
  if (row.name == "abort") options.abort = *number != 0;
  if (row.name == "abort_on_mismatch") options.abort_on_mismatch = *number != 0;
  if (row.name == "check_at_exit") options.check_at_exit = *number != 0;
  if (row.name == "handle_segv") options.handle_segv = *number != 0;
  if (row.name == "leak_check") options.leak_check = *number != 0;
  if (row.name == "sweep") options.sweep = *number != 0;
  if (row.name == "unwind_tables") options.unwind_tables = *number != 0;
  if (row.name == "sample") options.sample = *number;
  if (row.name == "sample_below") options.sample_below = number;
  if (row.name == "check_every") options.check_every = *number;
  if (row.name == "decay_ms") options.decay_ms = *number;
  if (row.name == "dirty_bytes") options.dirty_bytes = *number;
  return true;
}

}  // namespace

void parse_options(std::string_view text, Options& options, OptionWarning warn) noexcept {
  while (!text.empty()) {
    std::string_view word = before(text, ':');
    if (word == kJsonReport && word.size() != text.size()) {  // what follows is its path
      const std::string_view path(text.data() + word.size() + 1, text.size() - word.size() - 1);
      word = head(text, word.size() + 1 + before(path, ':').size());
    }
    text.remove_prefix(word.size() == text.size() ? word.size() : word.size() + 1);
    if (word.empty()) continue;
    const std::string_view name = before(word, '=');
    const OptionRow* const row = row_of(name);
    if (row == nullptr) {
      warn(word, "unknown option");
    } else if (name.size() == word.size()) {
      warn(word, "no value given");
    } else if (!set(*row, {word.data() + name.size() + 1, word.size() - name.size() - 1}, options)) {
      warn(word, "not a valid value");
    }
  }
}

}  // namespace trestle
