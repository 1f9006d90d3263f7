// 100,000 live objects of random sizes to 1 KiB; each step frees one of them at random and puts another in its place.
#include <vector>

#include "../support/workload.hpp"

namespace {

struct Object {
  void* block;
  std::uint32_t bytes;
  std::uint32_t mark;
};

Object make(bench::Random& random, std::uint32_t mark) {
  const std::size_t bytes = random.size(4, 10);
  return {bench::stamp(std::malloc(bytes), bytes, mark), static_cast<std::uint32_t>(bytes), mark};
}

void drop(const Object& object) {
  bench::vet(object.block, object.bytes, object.mark);
  std::free(object.block);
}

}  // namespace

int main() {
  bench::Random random(1);
  const std::uint64_t steps = bench::work(4'000'000);
  std::vector<Object> live(100'000);
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < live.size(); ++i) live[i] = make(random, i);
  for (std::uint64_t step = 0; step < steps; ++step) {
    Object& one = live[random.below(live.size())];
    drop(one);
    one = make(random, static_cast<std::uint32_t>(step));
    bytes += one.bytes;
  }
  for (const Object& object : live) drop(object);
  bench::answer("bytes", bytes);
}
