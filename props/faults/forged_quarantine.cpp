//: options check_at_exit=1
//: fault fast hardened debug: quarantine corrupt in the check at exit
// A quarantine that holds a live block in a retired one's stead.
#include "forge.hpp"

using namespace trestle;

int main() {
  void* const live = hidden(malloc(80000));
  free(hidden(malloc(80000)));
  auto& quarantine = arena().quarantine_;
  must(quarantine.count_ != 0);
  quarantine.ring_[quarantine.oldest_] = live;
  wrong_at(live);
  evidence(1, 0);
  return ok();
}
