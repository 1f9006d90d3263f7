// Threads that share nothing but the allocator: own THREADS. Each keeps 10,000 objects of mixed sizes and replaces them at
// random. With more threads than one the time of an operation ought to fall as the processors allow.
#include "../support/threads.hpp"

namespace {

constexpr std::size_t kObjects = 10'000;

struct Object {
  void* block;
  std::size_t bytes;
};

Object make(bench::Random& random) {
  const std::size_t bytes = random.below(100) == 0 ? random.size(12, 15) : random.size(4, 10);
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
  const std::size_t steps = std::max<std::size_t>(bench::work(10'000'000) / threads, 1);
  std::vector<std::uint64_t> bytes(threads);
  const double time = bench::together(threads, [&](std::size_t i) { bytes[i] = work(steps, i); });
  std::uint64_t sum = 0;
  for (const std::uint64_t part : bytes) sum += part;
  bench::figure("ns_per_op", time / static_cast<double>(threads * (steps + kObjects)));
  bench::answer("bytes", sum);
}
