// Threads that share nothing but the allocator, with objects between small and large: medium THREADS. Each keeps 48 objects of
// 33 to 256 KiB and replaces them at random, writing to the ends of each only, as a program does that reads a file into a
// buffer. Allocators that keep small sizes apart for each thread often serve these under one lock.
#include "../support/threads.hpp"

namespace {

constexpr std::size_t kObjects = 48;
constexpr std::size_t kLeast = std::size_t{33} << 10;
constexpr std::size_t kMost = std::size_t{256} << 10;

struct Object {
  void* block;
  std::size_t bytes;
};

Object make(bench::Random& random) {
  const std::size_t bytes = random.between(kLeast, kMost);
  return {bench::stamp(std::malloc(bytes), bytes, bytes), bytes};
}

void drop(const Object& object) {
  bench::vet(object.block, object.bytes, object.bytes);
  std::free(object.block);
}

std::uint64_t work(std::size_t steps, std::uint64_t seed) {
  bench::Random random(seed);
  std::uint64_t bytes = 0;
  std::vector<Object> live;
  live.reserve(kObjects);
  for (std::size_t i = 0; i < kObjects; ++i) live.push_back(make(random));
  for (std::size_t step = 0; step < steps; ++step) {
    Object& object = live[random.below(live.size())];
    drop(object);
    object = make(random);
    bytes += object.bytes;
  }
  for (const Object& object : live) drop(object);
  return bytes;
}

}  // namespace

int main(int count, char** words) {
  const std::size_t threads = bench::argument(count, words, 1, 2);
  // Few, because allocators that fill what is freed write a hundred thousand bytes in each.
  const std::size_t steps = std::max<std::size_t>(bench::work(400'000) / threads, 1);
  std::vector<std::uint64_t> bytes(threads);
  const double time = bench::together(threads, [&](std::size_t i) { bytes[i] = work(steps, i); });
  std::uint64_t sum = 0;
  for (const std::uint64_t part : bytes) sum += part;
  bench::figure("ns_per_op", time / static_cast<double>(threads * (steps + kObjects)));
  bench::answer("bytes", sum);
}
