// Aligned blocks, 32 to 4,096, of sizes to 8 KiB, over a window of 1,024. Sizes are odd: mimalloc 2.0.9, which others are
// compared with, does not align a block of 256 bytes or more whose size is a power of two.
#include <array>

#include "../support/workload.hpp"

namespace {

struct Block {
  void* bytes = nullptr;
  std::size_t size = 1;
  std::uint64_t mark = 0;
};

void* allocate(std::size_t alignment, std::size_t size) {
  void* block = nullptr;
  return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

Block make(bench::Random& random, std::uint64_t mark) {
  const std::size_t alignment = std::size_t{32} << random.below(8);
  const std::size_t size = random.size(4, 13) | 1;
  void* const bytes = allocate(alignment, size);
  bench::require(reinterpret_cast<std::uintptr_t>(bytes) % alignment == 0, "a block is not aligned");
  return {bench::stamp(bytes, size, mark), size, mark};
}

void drop(const Block& block) {
  if (block.bytes != nullptr) bench::vet(block.bytes, block.size, block.mark);
  std::free(block.bytes);
}

}  // namespace

int main() {
  bench::Random random(4);
  static std::array<Block, 1024> window;
  const std::uint64_t steps = bench::work(4'000'000);
  std::uint64_t bytes = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    Block& block = window[random.below(window.size())];
    drop(block);
    block = make(random, step);
    bytes += block.size;
  }
  for (const Block& block : window) drop(block);
  bench::answer("bytes", bytes);
}
