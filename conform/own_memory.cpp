// Memory for what watches a malloc, which must not come from that malloc: the heap that a program of ops finds would not be as
// it was at the process's start, and a broken one would break its judge. C++ asks operator new; here that takes the next bytes
// of a mapping and never gives any back, which is enough for a process that ends soon.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace {

constexpr std::size_t kReserved = std::size_t{1} << 30;  // none of it is memory before it is touched
constexpr std::size_t kAlignment = alignof(std::max_align_t);

void* reserve() {
  void* const place =
      mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return place == MAP_FAILED ? nullptr : place;
}

void* take(std::size_t bytes) {
  static void* const start = reserve();
  static std::size_t used = 0;
  const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (start == nullptr || bytes > kReserved || rounded > kReserved - used) throw std::bad_alloc();
  void* const block = static_cast<std::byte*>(start) + used;
  used += rounded;
  return block;
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes); }
void operator delete(void*) noexcept {}
void operator delete(void*, std::size_t) noexcept {}
