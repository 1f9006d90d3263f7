#include "blocks.hpp"

namespace trestle::conform {

unsigned char byte_of(unsigned number, std::size_t position) noexcept {
  return static_cast<unsigned char>((std::size_t{number} * 151U + position * 7U + (position >> 8) * 13U) | 1U);
}

void fill(const Block& block) noexcept {
  for (std::size_t i = 0; i < block.size; ++i) block.at[i] = byte_of(block.number, i);
}

std::size_t first_lost(const Block& block, std::size_t bytes) noexcept {
  std::size_t i = 0;
  while (i < bytes && block.at[i] == byte_of(block.number, i)) ++i;
  return i;
}

void verify(const Block& block, std::size_t bytes, const char* when) {
  const std::size_t wrong = first_lost(block, bytes);
  if (wrong != bytes) violate("byte %zu of a block of %zu was lost %s", wrong, block.size, when);
}
void verify(const Block& block, const char* when) { verify(block, block.size, when); }

Block make(std::size_t size, unsigned number) {
  const Block block{static_cast<unsigned char*>(std::malloc(size)), size, number};
  if (block.at == nullptr) violate("malloc(%zu) gave null although there is memory", size);
  fill(block);
  return block;
}

}  // namespace trestle::conform
