// False sharing: small objects made by one thread and handed to others, each of which writes to its own in a loop, frees them
// and makes its own again, and writes to those. Where two threads' objects come to lie on one line of the processor's cache,
// the writes wait for one another. sharing THREADS
#include "../support/threads.hpp"

namespace {

constexpr std::size_t kObjects = 32;
constexpr std::size_t kWrites = 400;
constexpr std::size_t kTurns = 40;

struct Object {
  volatile unsigned char* block;
  std::size_t bytes;
};

Object make(std::size_t i) {
  const std::size_t bytes = 8 + 8 * (i % 4);
  return {static_cast<volatile unsigned char*>(bench::stamp(std::malloc(bytes), bytes, 0)), bytes};
}

void drop(const Object& object) { std::free(const_cast<unsigned char*>(object.block)); }

void write_all(const std::vector<Object>& objects) {
  for (const Object& object : objects) object.block[0] = 0;
  for (std::size_t i = 0; i < kWrites; ++i) {
    for (const Object& object : objects) object.block[0] = static_cast<unsigned char>(object.block[0] + 1);
  }
  for (const Object& object : objects) {
    bench::require(object.block[0] == static_cast<unsigned char>(kWrites), "a block was written by another");
  }
}

// Handed over first, then of its own.
void play(std::vector<Object>& objects) {
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    write_all(objects);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      drop(objects[i]);
      objects[i] = make(i);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const std::size_t threads = bench::argument(count, words, 1, 2);
  const std::size_t rounds = std::max<std::size_t>(bench::work(1'000) / threads, 1);
  std::vector<std::vector<Object>> sets(threads);
  double time = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < kObjects * threads; ++i) sets[i % threads].push_back(make(i / threads));
    time += bench::together(threads, [&](std::size_t i) { play(sets[i]); });
    for (std::vector<Object>& set : sets) {
      for (const Object& object : set) drop(object);
      set.clear();
    }
  }
  bench::figure("ns_per_op", time / static_cast<double>(rounds * kTurns * kObjects * kWrites * threads));
  bench::answer("rounds", rounds);
}
