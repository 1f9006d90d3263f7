// Random programs, and what becomes of them in the hands of a fuzzer: whole records are added, dropped, moved and altered,
// never shifted by a part of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/program.hpp"
#include "ops/random.hpp"

namespace trestle::ops {

// A program of `count` ops, nearly all of which mean something where they stand, as far as the model can tell.
[[nodiscard]] Program generate(const Vocabulary& vocabulary, Random& random, std::size_t count);

// Alters the program in bytes[0, size) in place; it may grow to bytes.size(). Returns its new size, a multiple of
// kRecordBytes, of at least the stage record where that fits.
[[nodiscard]] std::size_t mutate(std::span<std::uint8_t> bytes, std::size_t size, Random& random);

// Splices whole records of two programs into `out`. Returns the size; 0 iff `out` has no room for a record.
[[nodiscard]] std::size_t cross(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right,
                                std::span<std::uint8_t> out, Random& random);

}  // namespace trestle::ops
