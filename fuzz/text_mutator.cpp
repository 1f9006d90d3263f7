// libFuzzer's hook for text: words of the target's half of the time, bytes as libFuzzer has it the other half.
#include <cstring>

#include "target.hpp"
#include "text.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  trestle::ops::Random random(seed);
  if (random.below(2) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string text(reinterpret_cast<const char*>(data), size);
  for (std::size_t changes = 1 + random.below(4); changes != 0; --changes)
    trestle::fuzz::mutate_text(text, trestle_fuzz_input.words, random);
  const std::size_t kept = std::min(text.size(), max_size);
  std::memcpy(data, text.data(), kept);
  return kept;
}
