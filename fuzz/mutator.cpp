// libFuzzer's hooks: whole records are mutated and crossed.
#include "ops/generate.hpp"
#include "target.hpp"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  trestle::ops::Random random(seed);
  return trestle::ops::mutate({data, max_size}, size, random);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* left, std::size_t left_size,
                                                 const std::uint8_t* right, std::size_t right_size, std::uint8_t* out,
                                                 std::size_t max_size, unsigned seed) {
  trestle::ops::Random random(seed);
  return trestle::ops::cross({left, left_size}, {right, right_size}, {out, max_size}, random);
}
