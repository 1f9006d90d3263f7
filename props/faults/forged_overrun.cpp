//: options check_at_exit=1
//: fault fast hardened debug: block overruns span in the check at exit
// A header whose tag is right, but which leads out of its span.
#include "forge.hpp"

using namespace trestle;

int main() {
  void* const block = hidden(malloc(80000));
  std::byte* const at = header_of(block);
  wrong_at(at);
  const std::size_t left = static_cast<std::size_t>(arena().extent_of(at).end_header() - at);
  arena().store(at, Header::live(left + 64, true, Kind::by_malloc, 0));
  concerns(block, 0, 0);
  evidence(left, left + 64);
  return ok();
}
