//: options check_at_exit=1
//: fault fast hardened debug: accounting mismatch in the check at exit
// A counter that a wild write has hit.
#include "forge.hpp"

using namespace trestle;

int main() {
  must(malloc(100) != nullptr);
  std::uint64_t& counter = arena().counts_.live_bytes;
  wrong_at(&counter);
  evidence(counter, counter + 1);
  ++counter;
  return ok();
}
