// Threads that share nothing but the allocator, with objects between small and large: medium THREADS. Each keeps 48 objects of
// 33 to 256 KiB and replaces them at random, writing to the ends of each only, as a program does that reads a file into a
// buffer. Allocators that keep small sizes apart for each thread often serve these under one lock.
#include "../support/replacing.hpp"

int main(int count, char** words) {
  // Few, because allocators that fill what is freed write a hundred thousand bytes in each.
  bench::replace_in_threads(bench::argument(count, words, 1, 2), 48, bench::work(400'000), [](bench::Random& random) {
    constexpr std::size_t kLeast = std::size_t{33} << 10;
    constexpr std::size_t kMost = std::size_t{256} << 10;
    return random.between(kLeast, kMost);
  });
}
