// malloc and free of one size: at once, which a cache of the last block serves best, and first in, first out over a window,
// which no such cache serves. Google Benchmark times each; a fixed number of them makes the process's CPU time comparable.
// pairs small|large
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "../support/workload.hpp"

namespace {

std::byte* make(std::size_t bytes) {
  auto* const block = static_cast<std::byte*>(std::malloc(bytes));
  bench::require(block != nullptr, "no memory");
  *block = std::byte{1};
  benchmark::DoNotOptimize(block);
  return block;
}

void pair(benchmark::State& state, std::size_t bytes) {
  for (auto _ : state) std::free(make(bytes));
}

void window(benchmark::State& state, std::size_t bytes, std::size_t width) {
  std::vector<std::byte*> live(width, nullptr);
  std::size_t next = 0;
  for (auto _ : state) {
    std::free(live[next]);
    live[next] = make(bytes);
    next = (next + 1) % width;
  }
  for (std::byte* const block : live) std::free(block);
}

void add(std::size_t bytes, std::size_t width, std::uint64_t times) {
  const auto count = static_cast<benchmark::IterationCount>(bench::work(times));
  const std::string size = std::to_string(bytes);
  benchmark::RegisterBenchmark(("pair_" + size).c_str(), pair, bytes)->Iterations(count);
  benchmark::RegisterBenchmark(("window_" + size).c_str(), window, bytes, width)->Iterations(count);
}

// Tells each as a figure: nanoseconds of CPU.
class Reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string name = run.run_name.function_name;
      bench::figure(name.c_str(), run.GetAdjustedCPUTime());
      std::printf("%s done\n", name.c_str());
    }
  }
};

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  const bool large = count > 1 && std::string(words[1]) == "large";
  if (large) {
    for (const std::size_t bytes : {4U << 10, 16U << 10, 64U << 10}) add(bytes, 32, 800'000);
    for (const std::size_t bytes : {256U << 10, 1U << 20}) add(bytes, 32, 100'000);
  } else {
    for (const std::size_t bytes : {16U, 64U, 256U, 1024U}) add(bytes, 256, 3'000'000);
  }
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
}
