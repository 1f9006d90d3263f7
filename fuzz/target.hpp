// A fuzz target: the two functions that libFuzzer, or the replay, calls, and the mutator and crossover that every target of
// op programs shares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/program.hpp"

// What the target's bytes mean; each target defines it.
extern const trestle::ops::Vocabulary& trestle_fuzz_vocabulary;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* left, std::size_t left_size,
                                                 const std::uint8_t* right, std::size_t right_size, std::uint8_t* out,
                                                 std::size_t max_size, unsigned seed);
