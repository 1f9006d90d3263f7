// What code addresses are in the source: function, file and line, and what was inlined there. llvm-symbolizer or addr2line is
// asked, in a child of this process, one for each object that the addresses lie in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "report/source.hpp"
#include "report/stack.hpp"

namespace trestle {

// The path of llvm-symbolizer or else of addr2line, by PATH. False: neither is there.
[[nodiscard, gnu::cold]] bool find_symbolizer(std::span<char> path) noexcept;

// Large, and therefore not for the stack. One thread at a time; allocates nothing.
class Symbolizer {
 public:
  // Asks the program at that path for at most kMostAddresses code addresses. Where it fails, nothing is known; where it was too
  // slow once, it is not asked again. Cost: some 50 ms and more an object; at most kPatienceNs.
  void resolve(std::span<const void* const> addresses, const char* program) noexcept;
  // Views into its room: the places of the i-th address, the innermost of those inlined there first; empty: nothing is known.
  [[nodiscard]] std::span<const SourcePlace> places_of(std::size_t i) const noexcept {
    return {places_.data() + first_[i], count_[i]};
  }

  static constexpr std::uint64_t kPatienceNs = 5'000'000'000;  // for all of them together
  static constexpr std::size_t kMostAddresses = 3 * kMaxFrames;

 private:
  static constexpr std::size_t kMostPlaces = 512;
  static constexpr std::size_t kRoom = std::size_t{128} << 10;
  static constexpr std::size_t kLongestPath = 4096;

  // What is asked in one go: which addresses, all in one object, how far from where it is loaded.
  struct Question {
    std::array<std::size_t, kMostAddresses> indices{};
    std::array<std::array<char, 20>, kMostAddresses> offsets{};  // as text
    std::size_t count = 0;
    std::array<char, kLongestPath> object{};
    std::array<const char*, kMostAddresses + 10> words{};
  };
  void collect(std::span<const void* const> addresses, std::size_t first) noexcept;
  [[nodiscard]] bool name_object(const CodePlace& place) noexcept;
  void ask(const char* program, std::uint64_t deadline) noexcept;
  void keep(std::string_view answer) noexcept;

  Question question_;
  std::array<bool, kMostAddresses> asked_{};
  bool too_slow_ = false;
  std::array<char, kRoom> text_{};
  std::size_t used_ = 0;
  std::array<SourcePlace, kMostPlaces> places_{};
  std::size_t known_ = 0;
  std::array<std::size_t, kMostAddresses> first_{};
  std::array<std::size_t, kMostAddresses> count_{};
};

}  // namespace trestle
