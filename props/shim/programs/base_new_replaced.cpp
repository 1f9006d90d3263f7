// A program that replaces only the base forms of new and delete gets every other form through them, as the standard says.
#include <new>

#include "support.h"

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"  // leaving the others out is what this is about
#endif

static long news;
static long deletes;

void* operator new(std::size_t size) {
  ++news;
  char* const room = static_cast<char*>(malloc(size + 32));
  if (room == nullptr) throw std::bad_alloc{};
  return room + 32;
}
void operator delete(void* block) noexcept {
  if (block == nullptr) return;
  ++deletes;
  free(static_cast<char*>(block) - 32);
}

int main() {
  ::operator delete(hidden(::operator new(10)), std::size_t{10});
  ::operator delete[](hidden(::operator new[](10)), std::size_t{10});
  ::operator delete[](hidden(::operator new[](10)));
  ::operator delete(hidden(::operator new(10, std::nothrow)), std::nothrow);
  ::operator delete[](hidden(::operator new[](10, std::nothrow)), std::nothrow);
  must(news == 5);
  must(deletes == 5);
  must(CALL(trestle_heap_check)(nullptr, 0) == 0);
  return ok();
}
