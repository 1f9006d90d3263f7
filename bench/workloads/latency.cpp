// Single operations in a steady mixed load: 50,000 live objects of 16 B to 4 KiB, one in 200 to 64 KiB. Each malloc and each
// free is timed by itself with the processor's time stamp counter, and what reading that costs is taken off.
#include <x86intrin.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../support/workload.hpp"

namespace {

std::uint64_t now() {
  _mm_lfence();
  const std::uint64_t ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}

double ticks_per_nanosecond() {
  const bench::Stopwatch watch;
  const std::uint64_t start = now();
  while (watch.nanoseconds() < 2e7) {
  }
  return static_cast<double>(now() - start) / watch.nanoseconds();
}

std::uint64_t ticks_of_nothing() {
  std::uint64_t least = UINT64_MAX;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t start = now();
    least = std::min(least, now() - start);
  }
  return least;
}

// Differences, with the overhead taken off.
class Samples {
 public:
  Samples(std::size_t count, std::uint64_t overhead) : overhead_(overhead) { ticks_.reserve(count); }
  void add(std::uint64_t start, std::uint64_t end) {
    const std::uint64_t took = end - start;
    ticks_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(took - std::min(took, overhead_), UINT32_MAX)));
  }
  void tell(const std::string& name, double ticks_per_nanosecond) {
    std::sort(ticks_.begin(), ticks_.end());
    const auto at = [&](double part) {
      const auto index = static_cast<std::size_t>(part * static_cast<double>(ticks_.size() - 1));
      return ticks_[index] / ticks_per_nanosecond;
    };
    bench::figure((name + "_p50").c_str(), at(0.5));
    bench::figure((name + "_p99").c_str(), at(0.99));
    bench::figure((name + "_p99.99").c_str(), at(0.9999));
    bench::figure((name + "_max").c_str(), at(1));
  }

 private:
  std::vector<std::uint32_t> ticks_;
  std::uint64_t overhead_;
};

struct Object {
  void* block = nullptr;
  std::size_t bytes = 1;
};

std::size_t size_of(bench::Random& random) { return random.below(200) == 0 ? random.size(12, 16) : random.size(4, 12); }

}  // namespace

int main() {
  const std::size_t steps = bench::work(1'500'000);
  const std::uint64_t overhead = ticks_of_nothing();
  Samples mallocs(steps, overhead);
  Samples frees(steps, overhead);
  bench::Random random(7);
  std::vector<Object> live(50'000);
  const bench::Stopwatch watch;
  for (std::size_t step = 0; step < live.size() + steps; ++step) {
    const bool is_filling = step < live.size();
    Object& object = live[is_filling ? step : random.below(live.size())];
    if (!is_filling) {
      bench::vet(object.block, object.bytes, object.bytes);
      const std::uint64_t start = now();
      std::free(object.block);
      frees.add(start, now());
    }
    object.bytes = size_of(random);
    const std::uint64_t start = now();
    object.block = std::malloc(object.bytes);
    if (!is_filling) mallocs.add(start, now());
    bench::stamp(object.block, object.bytes, object.bytes);
  }
  bench::figure("ns_per_op", watch.nanoseconds() / static_cast<double>(2 * steps));
  const double rate = ticks_per_nanosecond();
  mallocs.tell("malloc", rate);
  frees.tell("free", rate);
  for (const Object& object : live) std::free(object.block);
  bench::answer("steps", steps);
}
