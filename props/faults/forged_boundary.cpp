//: options check_at_exit=1
//: fault fast hardened debug: boundary tag mismatch in the check at exit
// A header that takes the live block before it for a free one.
#include "forge.hpp"

using namespace trestle;

int main() {
  must(malloc(80000) != nullptr);
  void* const block = hidden(malloc(80000));
  std::byte* const at = header_of(block);
  arena().store(at, arena().load(at)->with_previous_used(false));
  wrong_at(at);
  concerns(block, 0, 0);
  evidence(1, 0);
  return ok();
}
