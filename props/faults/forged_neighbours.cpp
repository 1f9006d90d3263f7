//: options check_at_exit=1
//: fault fast hardened debug: uncoalesced neighbours in the check at exit
// A free block cut in two, every record of which is right.
#include "forge.hpp"

using namespace trestle;

int main() {
  must(malloc(100) != nullptr);
  const Block whole = last_free();
  const std::size_t half = whole.header.size() / 2 / 16 * 16;
  std::byte* const second = whole.at + half;
  arena().unlink(whole);
  arena().write_free(whole.at, half, true, whole.header.is_clean());
  arena().write_free(second, whole.header.size() - half, false, false);
  wrong_at(second);
  concerns(second + kHeaderBytes, 0, whole.header.size() - half - kHeaderBytes);
  return ok();
}
