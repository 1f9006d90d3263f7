// The text of TRESTLE_OPTIONS, held against a second reading that is plainer than the library's: the same values, and a
// warning for each word that is ignored.
#include "shim/options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "target.hpp"

namespace {

using trestle::Options;

constexpr std::string_view kWords[] = {"check_at_exit",
                                       "handle_segv",
                                       "abort",
                                       "leak_check",
                                       "sweep",
                                       "unwind_tables",
                                       "leak_suppressions",
                                       "abort_on_mismatch",
                                       "reports_per_minute",
                                       "sample",
                                       "sample_below",
                                       "check_every",
                                       "decay_ms",
                                       "dirty_bytes",
                                       "summary",
                                       "symbolizer",
                                       "report=json:",
                                       "report",
                                       "json",
                                       "=",
                                       ":",
                                       "=",
                                       ":",
                                       "0",
                                       "1",
                                       "k",
                                       "m",
                                       "g",
                                       "G",
                                       "/tmp/x",
                                       "none",
                                       "-1",
                                       "18446744073709551615",
                                       "0x10"};

std::size_t warnings = 0;
void count_warning(std::string_view, std::string_view) { ++warnings; }

[[noreturn]] void fail(const char* what, const std::string& text) {
  std::fprintf(stderr, "ERROR: %s in \"%s\"\n", what, text.c_str());
  std::abort();
}

// The number that all of the text is, times its suffix; false: it is none below 2^64.
bool number_of(std::string text, bool suffixed, std::uint64_t& into) {
  static const std::map<char, std::uint64_t> kUnits{{'k', 1U << 10}, {'m', 1U << 20}, {'g', 1U << 30}};
  unsigned __int128 unit = 1;
  if (suffixed && !text.empty()) {
    const auto found = kUnits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(text.back()))));
    if (found != kUnits.end()) {
      unit = found->second;
      text.pop_back();
    }
  }
  if (text.empty()) return false;
  unsigned __int128 number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return false;
    number = number * 10 + static_cast<unsigned>(digit - '0');
    if (number > UINT64_MAX) return false;
  }
  if (number * unit > UINT64_MAX) return false;
  into = static_cast<std::uint64_t>(number * unit);
  return true;
}

bool copy_path(const std::string& value, std::array<char, trestle::kMaxPath>& path) {
  if (value.size() >= path.size()) return false;
  path.fill('\0');
  std::copy(value.begin(), value.end(), path.begin());
  return true;
}

bool apply(const std::string& name, const std::string& value, Options& options) {
  std::uint64_t number = 0;
  const std::map<std::string, std::array<char, trestle::kMaxPath>*> paths{
      {"summary", &options.summary},
      {"symbolizer", &options.symbolizer},
      {"leak_suppressions", &options.leak_suppressions}};
  if (const auto path = paths.find(name); path != paths.end()) return copy_path(value, *path->second);
  if (name == "report") {
    const std::string path = value.substr(std::min(value.size(), std::string("json:").size()));
    return value == "json:" + path && !path.empty() && copy_path(path, options.json);
  }
  if (!number_of(value, name == "dirty_bytes", number)) return false;
  const std::map<std::string, bool*> flags{{"check_at_exit", &options.check_at_exit},
                                           {"handle_segv", &options.handle_segv},
                                           {"abort", &options.abort},
                                           {"leak_check", &options.leak_check},
                                           {"sweep", &options.sweep},
                                           {"unwind_tables", &options.unwind_tables},
                                           {"abort_on_mismatch", &options.abort_on_mismatch}};
  const std::map<std::string, std::uint64_t*> counts{{"check_every", &options.check_every},
                                                     {"sample", &options.sample},
                                                     {"decay_ms", &options.decay_ms},
                                                     {"dirty_bytes", &options.dirty_bytes}};
  if (const auto flag = flags.find(name); flag != flags.end()) {
    if (number > 1) return false;
    *flag->second = number == 1;
  } else if (name == "reports_per_minute") {
    if (number > UINT32_MAX) return false;
    options.reports_per_minute = static_cast<std::uint32_t>(number);
  } else if (name == "sample_below") {
    options.sample_below = number;
  } else if (const auto count = counts.find(name); count != counts.end()) {
    *count->second = number;
  } else {
    return false;
  }
  return true;
}

// How many words of the text are ignored; what the others say is in `options`.
std::size_t read_plainly(const std::string& text, Options& options) {
  std::size_t ignored = 0;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t end = std::min(text.find(':', at), text.size());
    if (text.substr(at, end - at) == "report=json" && end < text.size())
      end = std::min(text.find(':', end + 1), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    const std::size_t equals = word.find('=');
    const bool read = equals != std::string::npos && apply(word.substr(0, equals), word.substr(equals + 1), options);
    ignored += read ? 0 : 1;
  }
  return ignored;
}

}  // namespace

const trestle::fuzz::Input trestle_fuzz_input{.vocabulary = nullptr, .words = kWords};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Options read;
  warnings = 0;
  trestle::parse_options(text, read, count_warning);
  Options expected;
  if (read_plainly(text, expected) != warnings) fail("another number of words was ignored", text);
  if (read != expected) fail("what was read differs", text);
  return 0;
}
