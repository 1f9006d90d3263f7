// What a symbolizer is asked, how its answer reads, and how a frame tells it: here once for the library, which asks in a
// report, and for the tool, which asks of reports that nobody could tell more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "base/string.hpp"
#include "report/text.hpp"

namespace trestle {

// Empty: not known.
struct SourcePlace {
  std::string_view function;
  std::string_view location;  // file:line
};

// The programs that can be asked, the best first.
inline constexpr std::array<const char*, 2> kSymbolizers{"llvm-symbolizer", "addr2line"};

// Calls add(word) for the words that have the program at that path tell of addresses in the object.
template <class Add>
void for_each_word(const char* program, const char* object, Add add) {
  const std::string_view path = program;
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  add(program);
  // Both print the same then; addr2line, which cannot print otherwise, does not know the word.
  if (begins_with({path.data() + name, path.size() - name}, "llvm-symbolizer")) add("--output-style=GNU");
  for (const char* const word : {"-a", "-f", "-C", "-i", "-e"}) add(word);
  add(object);
}

[[nodiscard]] inline std::string_view next_line(std::string_view& rest) noexcept {
  const std::string_view line = before(rest, '\n');
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}
// Of each address in turn the answer has a line with it, and then as often as something was inlined there, and once more, a
// line with the function and one with the place.
[[nodiscard]] inline bool is_of_address(std::string_view line) noexcept { return begins_with(line, "0x"); }

// What the programs say where they know nothing begins with two question marks.
[[nodiscard]] inline std::string_view known(std::string_view text) noexcept {
  return begins_with(text, "??") ? std::string_view{} : text;
}
[[nodiscard]] inline std::string_view without_discriminator(std::string_view location) noexcept {
  return head(location, location.find(" (discriminator"));
}

// Calls begin() for each address and tell(place) for each of its places of which something is known, the innermost first, until
// begin() answers false.
template <class Begin, class Tell>
void read_answer(std::string_view answer, Begin begin, Tell tell) {
  bool begun = false;
  for (std::string_view rest = answer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (is_of_address(line)) {
      if (!begin()) return;
      begun = true;
      continue;
    }
    const SourcePlace place{known(line), known(without_discriminator(next_line(rest)))};
    if (begun && !(place.function.empty() && place.location.empty())) tell(place);
  }
}

inline constexpr std::size_t kLongestName = 300;  // names of templates have no end

[[nodiscard]] inline bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }

// Between a frame's address and its object, as people read it.
template <std::size_t kCapacity>
void add_source(Text<kCapacity>& text, const SourcePlace& source) noexcept {
  const auto add = [&](std::string_view name) {  // an object's names may be anything: none goes on with another line
    for (const char& c : head_of_characters(name, kLongestName))
      text.add(is_control(c) ? "?" : std::string_view(&c, 1));
  };
  if (!source.function.empty()) add((text.add(" in "), source.function));
  if (source.function.size() > kLongestName) text.add("...");
  if (!source.location.empty()) add((text.add(" "), source.location));
}

// A name may have bytes that are no UTF-8. In JSON such a byte is the private character that ends in it, U+EF80 to U+EFFF, and so
// is each byte of such a character in a name, so that nothing else is told the same.
// Whether it is one of these characters, and nothing else.
[[nodiscard]] inline bool is_odd_byte(std::string_view character) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  return character_at_start(character) == 3 && character.size() == 3 && byte(0) == 0xEE && byte(1) >= 0xBE;
}
// A string of JSON.
template <std::size_t kCapacity>
void add_quoted(Text<kCapacity>& text, std::string_view string) noexcept {
  text.add("\"");
  while (!string.empty()) {
    const std::size_t bytes = is_odd_byte(head(string, 3)) ? 1 : character_at_start(string);
    const std::string_view character = head(string, std::max<std::size_t>(bytes, 1));
    const char c = character[0];
    if (c == '"' || c == '\\') text.add("\\");
    if (character.size() > 1 || (static_cast<unsigned char>(c) < 0x80 && !is_control(c)))
      text.add(character);
    else
      text.add(is_control(c) ? "\\u00" : "\\uef").add_byte(static_cast<std::byte>(c));
    string.remove_prefix(character.size());
  }
  text.add("\"");
}

}  // namespace trestle
