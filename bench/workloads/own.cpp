// Threads that share nothing but the allocator: own THREADS. Each keeps 10,000 objects of mixed sizes and replaces them at
// random. With more threads than one the time of an operation ought to fall as the processors allow.
#include "../support/replacing.hpp"

int main(int count, char** words) {
  bench::replace_in_threads(
      bench::argument(count, words, 1, 2), 10'000, bench::work(10'000'000),
      [](bench::Random& random) { return random.below(100) == 0 ? random.size(12, 15) : random.size(4, 10); });
}
