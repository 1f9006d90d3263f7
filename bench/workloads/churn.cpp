// Threads that live shortly: churn THREADS, so many at a time. Each frees half of what its predecessor left, makes objects of
// its own, frees half of them and ends.
#include "../support/threads.hpp"

namespace {

constexpr std::size_t kObjects = 2000;

struct Object {
  void* block = nullptr;
  std::size_t bytes = 1;
};

void drop(Object& object) {
  bench::vet(object.block, object.bytes, object.bytes);
  std::free(object.block);
  object.block = nullptr;
}

void live(std::vector<Object>& left, std::uint64_t seed) {
  bench::Random random(seed);
  for (Object& object : left) {
    if (object.block != nullptr) drop(object);
    object.bytes = random.size(4, 9);
    object.block = bench::stamp(std::malloc(object.bytes), object.bytes, object.bytes);
  }
  for (std::size_t i = 0; i < left.size(); i += 2) drop(left[i]);
}

}  // namespace

int main(int count, char** words) {
  const std::size_t threads = bench::argument(count, words, 1, 2);
  const std::size_t generations = std::max<std::size_t>(bench::work(2'000) / threads, 1);
  std::vector<std::vector<Object>> left(threads, std::vector<Object>(kObjects));
  const bench::Stopwatch watch;
  for (std::size_t generation = 0; generation < generations; ++generation) {
    std::vector<std::thread> running;
    running.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
      running.emplace_back([&, i] { live(left[(i + generation) % threads], generation * threads + i); });
    }
    for (std::thread& thread : running) thread.join();
  }
  bench::figure("ns_per_op", watch.nanoseconds() / static_cast<double>(generations * threads * kObjects));
  std::uint64_t bytes = 0;
  for (std::vector<Object>& objects : left) {
    for (Object& object : objects) {
      bytes += object.bytes;
      if (object.block != nullptr) drop(object);
    }
  }
  bench::answer("bytes", bytes);
}
