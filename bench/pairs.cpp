// What a malloc and its free cost: at once, which a cache of the last block serves best; and first in, first out over a
// window, which no such cache serves. Blocks are touched at their first byte, so that a block that has no page yet pays for it.
#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdlib>

namespace {

std::byte* make(std::size_t bytes) {
  auto* const block = static_cast<std::byte*>(std::malloc(bytes));
  if (block == nullptr) std::abort();
  *block = std::byte{1};
  benchmark::DoNotOptimize(block);
  return block;
}

void pair(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) std::free(make(bytes));
}
BENCHMARK(pair)->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->Arg(16 << 20);

void window(benchmark::State& state) {
  std::array<std::byte*, 256> live{};
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::size_t next = 0;
  for (auto _ : state) {
    std::free(live[next]);
    live[next] = make(bytes);
    next = (next + 1) % live.size();
  }
  for (std::byte* const block : live) std::free(block);
}
BENCHMARK(window)->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);

}  // namespace
