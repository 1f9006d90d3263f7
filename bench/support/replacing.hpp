// Threads that share nothing but the allocator: each keeps objects of its own and replaces them at random.
#pragma once

#include <algorithm>

#include "threads.hpp"

namespace bench {

struct Object {
  void* block;
  std::size_t bytes;
};

// An object of as many bytes as size_of(random) says, of which the first and the last are written.
template <class SizeOf>
Object make_object(Random& random, SizeOf size_of) {
  const std::size_t bytes = size_of(random);
  return {stamp(std::malloc(bytes), bytes, bytes), bytes};
}

inline void drop_object(const Object& object) {
  vet(object.block, object.bytes, object.bytes);
  std::free(object.block);
}

// The work of one thread; how many bytes it had.
template <class SizeOf>
std::uint64_t replace_objects(std::size_t objects, std::size_t steps, std::uint64_t seed, SizeOf size_of) {
  Random random(seed);
  std::uint64_t bytes = 0;
  std::vector<Object> live;
  live.reserve(objects);
  for (std::size_t i = 0; i < objects; ++i) live.push_back(make_object(random, size_of));
  for (std::size_t step = 0; step < steps; ++step) {
    Object& object = live[random.below(live.size())];
    drop_object(object);
    object = make_object(random, size_of);
    bytes += object.bytes;
  }
  for (const Object& object : live) drop_object(object);
  return bytes;
}

// `steps` of work shared among the threads, and what the tool is told of it.
template <class SizeOf>
void replace_in_threads(std::size_t threads, std::size_t objects, std::size_t steps, SizeOf size_of) {
  const std::size_t share = std::max<std::size_t>(steps / threads, 1);
  std::vector<std::uint64_t> bytes(threads);
  const double time = together(threads, [&](std::size_t i) { bytes[i] = replace_objects(objects, share, i, size_of); });
  std::uint64_t sum = 0;
  for (const std::uint64_t part : bytes) sum += part;
  figure("ns_per_op", time / static_cast<double>(threads * (share + objects)));
  answer("bytes", sum);
}

}  // namespace bench
