// Every replaceable form of operator new and delete: alignment, room to the byte, distinct empty blocks, kinds that match.
#include <malloc.h>

#include <cstring>
#include <new>

#include "support.h"

namespace {

constexpr std::align_val_t kWide{256};

void* used(void* block, std::size_t size, std::size_t alignment) {
  must(block != nullptr && reinterpret_cast<uintptr_t>(block) % alignment == 0);
  must(malloc_usable_size(block) == usable_aligned(size, alignment));
  std::memset(block, 0x5a, size);
  return hidden(block);
}

void use_plain(std::size_t size) {
  ::operator delete(used(::operator new(size), size, 16));
  ::operator delete(used(::operator new(size), size, 16), size);
  ::operator delete(used(::operator new(size, std::nothrow), size, 16), std::nothrow);
  ::operator delete[](used(::operator new[](size), size, 16));
  ::operator delete[](used(::operator new[](size), size, 16), size);
  ::operator delete[](used(::operator new[](size, std::nothrow), size, 16), std::nothrow);
}

void use_aligned(std::size_t size) {
  ::operator delete(used(::operator new(size, kWide), size, 256), kWide);
  ::operator delete(used(::operator new(size, kWide), size, 256), size, kWide);
  ::operator delete(used(::operator new(size, kWide, std::nothrow), size, 256), kWide, std::nothrow);
  ::operator delete[](used(::operator new[](size, kWide), size, 256), kWide);
  ::operator delete[](used(::operator new[](size, kWide), size, 256), size, kWide);
  ::operator delete[](used(::operator new[](size, kWide, std::nothrow), size, 256), kWide, std::nothrow);
}

void take_null() {
  ::operator delete(nullptr);
  ::operator delete(nullptr, 8);
  ::operator delete(nullptr, kWide);
  ::operator delete(nullptr, 8, kWide);
  ::operator delete(nullptr, std::nothrow);
  ::operator delete[](nullptr);
  ::operator delete[](nullptr, 8);
  ::operator delete[](nullptr, kWide);
  ::operator delete[](nullptr, 8, kWide);
  ::operator delete[](nullptr, std::nothrow);
}

}  // namespace

int main() {
  for (std::size_t size = 0; size < std::size_t{1} << 20; size = 3 * size + 1) {
    use_plain(size);
    use_aligned(size);
  }
  take_null();
  void* const first = ::operator new(0);
  void* const second = ::operator new(0);
  must(first != second);
  ::operator delete(first);
  ::operator delete(second);
  return ok();
}
