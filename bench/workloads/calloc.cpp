// Zeroed blocks over a window of 256, 16 B to 4 KiB and now and then to 256 KiB. Each is written whole before it is freed, so
// that an allocator which hands it on unzeroed is found: every word of a small block is looked at.
#include <array>

#include "../support/workload.hpp"

namespace {

struct Block {
  unsigned char* bytes = nullptr;
  std::size_t size = 0;
};

void require_zero(const Block& block) {
  const std::size_t stride = block.size <= 4096 ? 8 : 512;
  for (std::size_t at = 0; at < block.size; at += stride) bench::require(block.bytes[at] == 0, "calloc gave no zero");
  bench::require(block.bytes[block.size - 1] == 0, "calloc gave no zero at its end");
}

Block make(bench::Random& random) {
  const std::size_t size = random.below(256) == 0 ? random.size(15, 18) : random.size(4, 12);
  const Block block{static_cast<unsigned char*>(std::calloc(size, 1)), size};
  bench::require(block.bytes != nullptr, "no memory");
  require_zero(block);
  std::memset(block.bytes, 0xff, block.size);
  return block;
}

}  // namespace

int main() {
  bench::Random random(3);
  std::array<Block, 256> window;
  const std::uint64_t steps = bench::work(2'500'000);
  std::uint64_t bytes = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    Block& block = window[step % window.size()];
    std::free(block.bytes);
    block = make(random);
    bytes += block.size;
  }
  for (const Block& block : window) std::free(block.bytes);
  bench::answer("bytes", bytes);
}
