//: options check_at_exit=1
//: fault fast hardened debug: bin mismatch in the check at exit
// A bin whose list is not empty, and whose bit says that it is.
#include "forge.hpp"

using namespace trestle;

int main() {
  must(malloc(80000) != nullptr);
  const unsigned bin = arena().bins_.highest();
  wrong_at(arena().at_place(arena().heads_[bin]));
  evidence(1, 0);
  arena().bins_.clear(bin);
  return ok();
}
