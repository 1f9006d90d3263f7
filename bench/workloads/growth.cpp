// What an operation costs in a heap of so many live objects: growth OBJECTS. Objects of 16 to 128 B; after the heap is full,
// random ones are replaced, and that is timed. The random access to them costs every allocator the same.
#include <memory>

#include "../support/workload.hpp"

namespace {

struct Object {
  void* block;
  std::uint32_t bytes;
};

Object make(bench::Random& random) {
  const std::size_t bytes = random.between(16, 128);
  return {bench::stamp(std::malloc(bytes), bytes, bytes), static_cast<std::uint32_t>(bytes)};
}

void drop(const Object& object) {
  bench::vet(object.block, object.bytes, object.bytes);
  std::free(object.block);
}

}  // namespace

int main(int count, char** words) {
  const std::size_t objects = bench::work(bench::argument(count, words, 1, 1000));
  const std::size_t steps = bench::work(2'000'000);
  const auto live = std::make_unique<Object[]>(objects);
  bench::Random random(8);
  const bench::Stopwatch filling;
  for (std::size_t i = 0; i < objects; ++i) live[i] = make(random);
  bench::figure("fill_ns", filling.nanoseconds() / static_cast<double>(objects));
  const bench::Stopwatch watch;
  for (std::size_t step = 0; step < steps; ++step) {
    Object& object = live[random.below(objects)];
    drop(object);
    object = make(random);
  }
  bench::figure("ns_per_op", watch.nanoseconds() / static_cast<double>(2 * steps));
  const bench::Stopwatch emptying;
  for (std::size_t i = 0; i < objects; ++i) drop(live[i]);
  bench::figure("empty_ns", emptying.nanoseconds() / static_cast<double>(objects));
  bench::answer("objects", objects);
}
