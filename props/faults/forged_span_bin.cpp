//: options check_at_exit=1
//: fault fast hardened debug: span bin mismatch in the check at exit
// A span bin whose list is not empty, and whose bit says that it is.
#include "forge.hpp"

using namespace trestle;

int main() {
  const unsigned bin = Region<LinuxOs>::Bins::bin_of(free_span().length.count);
  wrong_at(&region().bin_heads_[bin]);
  evidence(1, 0);
  region().bins_.clear(bin);
  return ok();
}
