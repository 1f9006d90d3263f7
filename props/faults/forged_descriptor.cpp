//: options check_at_exit=1
//: fault fast hardened debug: descriptor corrupt in the check at exit
// A bit of a span's descriptor flipped.
#include "forge.hpp"

using namespace trestle;

int main() {
  void* const block = hidden(malloc(1000000));
  Region<LinuxOs>& all = region();
  SpanDescriptor& span = *all.find(block);
  const std::uint64_t sealed = span.seal_word;
  span.requested ^= 1;
  wrong_at(&span);
  concerns(all.start_of(span), 0, 0);
  evidence(span.tag(all.key_), sealed);
  return ok();
}
