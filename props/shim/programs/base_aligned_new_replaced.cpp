// As base_new_replaced.cpp, of the aligned forms; and of nothrow forms whose base form throws.
#include <new>

#include "support.h"

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"  // leaving the others out is what this is about
#endif

static long news;
static long deletes;
static bool throws;

static constexpr std::align_val_t kAlignment{64};

void* operator new(std::size_t size, std::align_val_t alignment) {
  ++news;
  must(alignment == kAlignment);
  if (throws) throw std::bad_alloc{};
  char* const room = static_cast<char*>(malloc(size + 64));
  if (room == nullptr) throw std::bad_alloc{};
  return room + 64;
}
void operator delete(void* block, std::align_val_t alignment) noexcept {
  must(alignment == kAlignment);
  if (block == nullptr) return;
  ++deletes;
  free(static_cast<char*>(block) - 64);
}

int main() {
  ::operator delete(hidden(::operator new(10, kAlignment)), std::size_t{10}, kAlignment);
  ::operator delete[](hidden(::operator new[](10, kAlignment)), std::size_t{10}, kAlignment);
  ::operator delete[](hidden(::operator new[](10, kAlignment)), kAlignment);
  ::operator delete(hidden(::operator new(10, kAlignment, std::nothrow)), kAlignment, std::nothrow);
  ::operator delete[](hidden(::operator new[](10, kAlignment, std::nothrow)), kAlignment, std::nothrow);
  must(news == 5);
  must(deletes == 5);
  throws = true;
  must(::operator new(10, kAlignment, std::nothrow) == nullptr);
  must(::operator new[](10, kAlignment, std::nothrow) == nullptr);
  must(news == 7);
  must(CALL(trestle_heap_check)(nullptr, 0) == 0);
  return ok();
}
