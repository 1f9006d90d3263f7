// A server whose objects outlive their threads, after the simulation of Larson and Krishnan (ISMM 1998): server THREADS. Each
// thread replaces random objects of its own set for a while and ends; the next generation works on the set of a neighbour, so
// that what is freed was made by another thread, and often by one that is gone.
#include "../support/threads.hpp"

namespace {

constexpr std::size_t kObjects = 1000;
constexpr std::size_t kGenerations = 20;

struct Object {
  void* block = nullptr;
  std::size_t bytes = 1;
};

void put(Object& object, bench::Random& random) {
  object.bytes = random.between(10, 500);
  object.block = bench::stamp(std::malloc(object.bytes), object.bytes, object.bytes);
}

void drop(Object& object) {
  bench::vet(object.block, object.bytes, object.bytes);
  std::free(object.block);
}

void serve(std::vector<Object>& objects, std::size_t requests, std::uint64_t seed) {
  bench::Random random(seed);
  for (std::size_t i = 0; i < requests; ++i) {
    Object& object = objects[random.below(objects.size())];
    drop(object);
    put(object, random);
  }
}

}  // namespace

int main(int count, char** words) {
  const std::size_t threads = bench::argument(count, words, 1, 2);
  const std::size_t requests = std::max<std::size_t>(bench::work(24'000'000) / kGenerations / threads, 1);
  std::vector<std::vector<Object>> sets(threads, std::vector<Object>(kObjects));
  bench::Random random(6);
  for (std::vector<Object>& set : sets) {
    for (Object& object : set) put(object, random);
  }
  double time = 0;
  for (std::size_t generation = 0; generation < kGenerations; ++generation) {
    time += bench::together(
        threads, [&](std::size_t i) { serve(sets[(i + generation) % threads], requests, generation * threads + i); });
  }
  bench::figure("ns_per_op", time / static_cast<double>(kGenerations * threads * requests));
  std::uint64_t bytes = 0;
  for (std::vector<Object>& set : sets) {
    for (Object& object : set) {
      bytes += object.bytes;
      drop(object);
    }
  }
  bench::answer("bytes", bytes);
}
