//: limit 536870912
// A new handler that frees what it kept back lets the new that called it succeed.
#include <cstring>
#include <new>

#include "support.h"

namespace {

constexpr std::size_t kBytes = std::size_t{8} << 20;
void* reserve = nullptr;
int calls = 0;

void free_reserve() {
  ++calls;
  if (reserve == nullptr) std::set_new_handler(nullptr);
  ::operator delete(reserve);
  reserve = nullptr;
}

}  // namespace

int main() {
  // The hardened heap keeps the address of a freed block to itself for a while, so one block alone might not do.
  reserve = ::operator new(kBytes * 2);
  std::size_t count = 0;
  while (::operator new(kBytes, std::nothrow) != nullptr) ++count;
  must(count >= 8);
  must(hidden(::operator new(1000)) != nullptr);
  std::set_new_handler(free_reserve);
  try {
    must(hidden(::operator new(kBytes)) != nullptr);
    must(calls == 1);
  } catch (const std::bad_alloc&) {
    must(calls == 2);
  }
  return ok();
}
