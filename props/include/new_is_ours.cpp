// A C++ program that is linked with the static library: operators new and the containers run on it, and new that fails throws.
#include <new>
#include <string>
#include <trestle/trestle.hpp>
#include <vector>

#include "support.h"

namespace {

trestle_block_kind kind_of(const void* block) {
  trestle_block_kind kind = TRESTLE_KIND_NONE;
  trestle::walk([&](const trestle_block& at) {
    if (at.address == block && at.state == TRESTLE_BLOCK_LIVE) kind = at.kind;
    return true;
  });
  return kind;
}

bool throws() {
  try {
    (void)hidden(::operator new(hidden_size(SIZE_MAX / 2 + 1)));
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

}  // namespace

int main() {
  int* const one = new int(1);
  int* const many = new int[hidden_size(100)];
  must(kind_of(hidden(one)) == TRESTLE_KIND_NEW);
  must(kind_of(hidden(many)) == TRESTLE_KIND_NEW_ARRAY);
  delete one;
  delete[] many;
  const std::vector<int> numbers(1000);
  must(kind_of(numbers.data()) == TRESTLE_KIND_NEW);
  must(throws() && ::operator new(hidden_size(SIZE_MAX / 2 + 1), std::nothrow) == nullptr);
  must(trestle::heap_check() == 0);
  return ok();
}
