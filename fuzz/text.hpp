// Text inputs: random ones, and what becomes of them in the hands of a fuzzer. Words that mean something to the target are
// put among bytes that mean nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "ops/random.hpp"

namespace trestle::fuzz {

// A word of the target's, a number, or a byte.
inline std::string random_word(std::span<const std::string_view> words, ops::Random& random) {
  switch (random.below(8)) {
    case 0:
      return std::string(1, static_cast<char>(random.byte()));
    case 1:
      return std::to_string(random.below(70));
    case 2:
      return std::to_string(random.below(SIZE_MAX));
    default:
      return std::string(words[random.below(words.size())]);
  }
}

inline std::string random_text(std::span<const std::string_view> words, ops::Random& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += random_word(words, random);
  return text;
}

// A word put in, a stretch taken out, or a stretch put in again elsewhere.
inline void mutate_text(std::string& text, std::span<const std::string_view> words, ops::Random& random) {
  const std::size_t at = random.below(text.size() + 1);
  const std::size_t length = random.below(std::min<std::size_t>(text.size() - at, 32) + 1);
  switch (random.below(4)) {
    case 0:
      text.erase(at, length);
      break;
    case 1:
      text.insert(random.below(text.size() + 1), text.substr(at, length));
      break;
    default:
      text.insert(at, random_word(words, random));
  }
}

}  // namespace trestle::fuzz
