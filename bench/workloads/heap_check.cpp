// What a full heap check costs an object: a million live ones of 64 bytes, a tenth of a million freed between them. Only on a
// library that has trestle_heap_check.
#include <dlfcn.h>

#include <vector>

#include "../../lib/include/trestle/trestle.h"
#include "../support/workload.hpp"

int main() {
  const auto check = reinterpret_cast<decltype(&trestle_heap_check)>(dlsym(RTLD_DEFAULT, "trestle_heap_check"));
  bench::require(check != nullptr, "no trestle_heap_check in this process");
  const std::size_t objects = bench::work(1'000'000);
  std::vector<void*> live(objects + objects / 10);
  for (void*& block : live) block = bench::stamp(std::malloc(64), 64, 1);
  for (std::size_t i = 0; i < live.size(); i += 11) {
    std::free(live[i]);
    live[i] = nullptr;
  }
  double least = 1e18;
  for (int i = 0; i < 3; ++i) {
    const bench::Stopwatch watch;
    bench::require(check(nullptr, 0) == 0, "the heap check finds a fault");
    least = std::min(least, watch.nanoseconds());
  }
  bench::figure("ns_per_op", least / static_cast<double>(objects));
  for (void* const block : live) std::free(block);
  bench::answer("objects", objects);
}
