// A fuzz target: what its inputs are, the function that libFuzzer or the replay calls with one, and for libFuzzer
// a mutator: mutator.cpp's, with a crossover, for op programs, text_mutator.cpp's for text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ops/program.hpp"

namespace trestle::fuzz {

// What a target's inputs are: programs of a vocabulary; or, where that is null, text in which these words mean something.
struct Input {
  const ops::Vocabulary* vocabulary;
  std::span<const std::string_view> words;
};

}  // namespace trestle::fuzz

// Each target defines its own.
extern const trestle::fuzz::Input trestle_fuzz_input;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* left, std::size_t left_size,
                                                 const std::uint8_t* right, std::size_t right_size, std::uint8_t* out,
                                                 std::size_t max_size, unsigned seed);
