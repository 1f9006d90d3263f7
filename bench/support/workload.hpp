// What the workloads share: how much to do, numbers that are random and always the same, and what to tell the tool.
#pragma once

#include <chrono>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

// TRESTLE_BENCH_WORK is a percentage of the usual work; a smoke test does 1.
inline std::uint64_t work(std::uint64_t usual) {
  const char* const percent = std::getenv("TRESTLE_BENCH_WORK");
  const std::uint64_t part = percent == nullptr ? usual : usual * std::strtoull(percent, nullptr, 10) / 100;
  return part > 0 ? part : 1;
}

// A number from the command line; `usual` where there is none.
inline std::size_t argument(int count, char** words, int index, std::size_t usual) {
  if (index >= count) return usual;
  const std::size_t value = std::strtoull(words[index], nullptr, 10);
  return value > 0 ? value : usual;
}

// SplitMix64: https://prng.di.unimi.it/splitmix64.c
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Of 0 to limit - 1.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(((next() >> 32) * limit) >> 32); }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  // Small ones as often as large ones: of 2^low to 2^high - 1 bytes.
  std::size_t size(unsigned low, unsigned high) {
    const std::size_t power = std::size_t{1} << between(low, high - 1);
    return power + below(power);
  }

 private:
  std::uint64_t state_;
};

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}
inline void require(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    fail(what);
}

// A block whose first and last bytes say which block it is, so that an overlap with another shows.
inline void* stamp(void* block, std::size_t bytes, std::uint64_t mark) {
  require(block != nullptr, "no memory");
  static_cast<unsigned char*>(block)[0] = static_cast<unsigned char>(mark);
  static_cast<unsigned char*>(block)[bytes - 1] = static_cast<unsigned char>(mark);
  return block;
}
inline void vet(const void* block, std::size_t bytes, std::uint64_t mark) {
  const auto* const at = static_cast<const unsigned char*>(block);
  require(at[0] == static_cast<unsigned char>(mark) && at[bytes - 1] == static_cast<unsigned char>(mark),
          "a block does not hold what was written");
}

// What the tool reads as a figure; everything else that a workload prints must be the same in each run.
inline void figure(const char* name, double value) { std::printf("figure %s %.9g\n", name, value); }
inline void answer(const char* name, std::uint64_t value) { std::printf("%s %" PRIu64 "\n", name, value); }

class Stopwatch {
 public:
  [[nodiscard]] double nanoseconds() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace bench
