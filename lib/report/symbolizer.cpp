#include "report/symbolizer.hpp"

#include <algorithm>
#include <tuple>

#include "os/linux_os.hpp"
#include "os/program.hpp"
#include "report/text.hpp"

namespace trestle {

bool find_symbolizer(std::span<char> path) noexcept {
  return std::any_of(kSymbolizers.begin(), kSymbolizers.end(),
                     [&](const char* name) { return os::find_program(name, path); });
}

void Symbolizer::resolve(std::span<const void* const> addresses, const char* program) noexcept {
  used_ = known_ = 0;
  count_.fill(0);
  asked_.fill(false);
  const std::uint64_t deadline = os::now_ns() + kPatienceNs;
  addresses = addresses.first(std::min(addresses.size(), kMostAddresses));
  for (std::size_t i = 0; i < addresses.size() && !too_slow_; ++i) {
    const CodePlace place = place_of_code(addresses[i]);
    if (asked_[i] || place.path == nullptr || !name_object(place)) continue;
    collect(addresses, i);
    ask(program, deadline);
  }
}

// False: it has no name by which others could open it.
bool Symbolizer::name_object(const CodePlace& place) noexcept {
  const std::string_view name = place.path[0] == '\0' ? own_path() : std::string_view(place.path);
  if (!name.starts_with('/') || name.size() >= question_.object.size()) return false;
  *std::copy(name.begin(), name.end(), question_.object.begin()) = '\0';
  return true;
}

// The addresses from the first on that lie in its object.
void Symbolizer::collect(std::span<const void* const> addresses, std::size_t first) noexcept {
  const char* const path = place_of_code(addresses[first]).path;
  question_.count = 0;
  for (std::size_t i = first; i < addresses.size(); ++i) {
    const CodePlace place = place_of_code(addresses[i]);
    if (place.path != path) continue;
    asked_[i] = true;
    Text<std::tuple_size_v<decltype(question_.offsets)::value_type> - 1> offset;
    offset.add_hex(place.offset).copy_to(question_.offsets[question_.count]);
    question_.indices[question_.count++] = i;
  }
}

void Symbolizer::ask(const char* program, std::uint64_t deadline) noexcept {
  const auto& words = question_.words;
  std::size_t count = 0;
  const auto add = [&](const char* word) { question_.words[count++] = word; };
  for_each_word(program, question_.object.data(), add);
  for (std::size_t i = 0; i < question_.count; ++i) add(question_.offsets[i].data());
  add(nullptr);
  const std::uint64_t now = os::now_ns();
  const std::uint64_t patience = now < deadline ? deadline - now : 0;
  const std::size_t got = os::output_of(words.data(), std::span(text_).subspan(used_), patience);
  too_slow_ = os::now_ns() >= deadline;
  const std::string_view answer(text_.data() + used_, got);
  used_ += got;
  keep(answer);
}

void Symbolizer::keep(std::string_view answer) noexcept {
  std::size_t asked = 0;
  const auto begin = [&] {
    if (asked == question_.count) return false;
    first_[question_.indices[asked++]] = known_;
    return true;
  };
  read_answer(answer, begin, [&](const SourcePlace& place) {
    if (known_ == places_.size()) return;
    places_[known_++] = place;
    ++count_[question_.indices[asked - 1]];
  });
}

}  // namespace trestle
