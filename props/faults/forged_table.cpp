//: options check_at_exit=1
//: fault fast hardened debug: span tiling in the check at exit
// The table leads from a granule inside a span to another span.
#include "forge.hpp"

using namespace trestle;

int main() {
  must(malloc(100) != nullptr);
  const SpanDescriptor& span = *region().find(hidden(malloc(1000000)));
  std::uint32_t& head = region().heads_[span.first.count + 1];
  wrong_at(&head);
  concerns(region().start_of(span), 0, 0);
  evidence(head, 0);
  head = 0;
  return ok();
}
