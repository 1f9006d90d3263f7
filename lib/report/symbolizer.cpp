#include "report/symbolizer.hpp"

#include <algorithm>
#include <climits>

#include "os/linux_os.hpp"
#include "os/program.hpp"
#include "report/text.hpp"

namespace trestle {
namespace {

using Path = std::array<char, PATH_MAX>;

bool find_symbolizer(Path& path) noexcept {
  return os::find_program("llvm-symbolizer", path) || os::find_program("addr2line", path);
}

std::string_view next_line(std::string_view& rest) noexcept {
  const std::size_t length = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, length);
  rest.remove_prefix(std::min(length + 1, rest.size()));
  return line;
}

// What the programs say where they know nothing begins with two question marks.
std::string_view known(std::string_view text) noexcept { return text.starts_with("??") ? std::string_view{} : text; }
std::string_view without_discriminator(std::string_view location) noexcept {
  return location.substr(0, std::min(location.find(" (discriminator"), location.size()));
}

}  // namespace

void Symbolizer::resolve(std::span<const void* const> addresses, const char* program) noexcept {
  used_ = known_ = 0;
  count_.fill(0);
  static Path found{};  // a signal's own stack may be short
  if (program == nullptr) {
    if (!find_symbolizer(found)) return;
    program = found.data();
  }
  const std::uint64_t deadline = os::now_ns() + kPatienceNs;
  const std::size_t count = std::min(addresses.size(), kMaxFrames);
  std::array<bool, kMaxFrames> asked{};
  for (std::size_t i = 0; i < count; ++i) {
    const CodePlace first = place_of_code(addresses[i]);
    if (asked[i] || first.path == nullptr) continue;
    std::array<std::uint64_t, kMaxFrames> offsets{};
    std::array<std::size_t, kMaxFrames> indices{};
    std::size_t together = 0;
    for (std::size_t j = i; j < count; ++j) {
      const CodePlace place = place_of_code(addresses[j]);
      if (place.path != first.path) continue;
      asked[j] = true;
      offsets[together] = place.offset;
      indices[together++] = j;
    }
    const std::string_view object = first.path[0] == '\0' ? own_path() : std::string_view{first.path};
    if (object.starts_with('/'))
      resolve_in(object, {offsets.data(), together}, {indices.data(), together}, program, deadline);
  }
}

void Symbolizer::resolve_in(std::string_view object, std::span<const std::uint64_t> offsets,
                            std::span<const std::size_t> indices, const char* program,
                            std::uint64_t deadline) noexcept {
  constexpr std::size_t kHexDigits = 20;
  std::array<std::array<char, kHexDigits>, kMaxFrames> numbers{};
  static Path path{};
  if (object.size() >= path.size()) return;
  *std::copy(object.begin(), object.end(), path.begin()) = '\0';
  constexpr std::size_t kFixed = 9;
  std::array<const char*, kFixed + kMaxFrames + 1> words{};
  std::size_t count = 0;
  words[count++] = program;
  // Both print the same then; addr2line, which cannot print otherwise, does not know the word.
  if (std::string_view(program).find("llvm-symbolizer") != std::string_view::npos)
    words[count++] = "--output-style=GNU";
  for (const char* const word : {"-a", "-f", "-C", "-i", "-e"}) words[count++] = word;
  words[count++] = path.data();
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    Text<kHexDigits - 1> number;
    number.add_hex(offsets[i]).copy_to(numbers[i]);
    words[count++] = numbers[i].data();
  }
  const std::uint64_t now = os::now_ns();
  if (now >= deadline) return;
  const std::size_t got = os::output_of(words.data(), std::span(text_).subspan(used_), deadline - now);
  const std::string_view answer(text_.data() + used_, got);
  used_ += got;
  read_answer(answer, indices);
}

// Of each address in turn a line with it, and then as often as something was inlined there, and once more, a line with the
// function and one with the place.
void Symbolizer::read_answer(std::string_view answer, std::span<const std::size_t> indices) noexcept {
  std::size_t asked = 0;
  for (std::string_view rest = answer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (line.starts_with("0x")) {
      if (asked == indices.size()) return;
      first_[indices[asked++]] = known_;
      continue;
    }
    const SourcePlace place{known(line), known(without_discriminator(next_line(rest)))};
    if (asked == 0 || known_ == places_.size() || (place.function.empty() && place.location.empty())) continue;
    places_[known_++] = place;
    ++count_[indices[asked - 1]];
  }
}

}  // namespace trestle
