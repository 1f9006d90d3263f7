// The standard's names. A program that is linked or preloaded with this file runs on Trestle.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/undisturbed.hpp"
#include "shim/aftermath.hpp"
#include "shim/family.hpp"

using namespace trestle;

extern "C" {

TRESTLE_API void* malloc(size_t size) noexcept {
  if (void* const block = serve_hot(size, Kind::by_malloc)) [[likely]]
    return block;
  return serve(size, kMinAlignment, Kind::by_malloc, TRESTLE_CALL("malloc", nullptr));
}
TRESTLE_API void* calloc(size_t count, size_t size) noexcept {
  return serve_zeroed(count, size, TRESTLE_CALL("calloc", nullptr));
}
TRESTLE_API void* realloc(void* block, size_t size) noexcept {
  return serve_again(block, size, TRESTLE_CALL("realloc", block));
}
TRESTLE_API void* reallocarray(void* block, size_t count, size_t size) noexcept {
  return edge_reallocarray(block, count, size, TRESTLE_CALL("reallocarray", block));
}
TRESTLE_API void free(void* block) noexcept {
  if (take_back_hot(block, {.kind = Kind::by_malloc})) [[likely]]
    return;
  take_back(block, {.kind = Kind::by_malloc}, TRESTLE_CALL("free", block));
}
TRESTLE_API void free_sized(void* block, size_t size) noexcept {
  take_back(block, {Kind::by_malloc, size, 0}, TRESTLE_CALL("free_sized", block));
}
TRESTLE_API void free_aligned_sized(void* block, size_t alignment, size_t size) noexcept {
  take_back(block, {Kind::by_malloc, size, alignment}, TRESTLE_CALL("free_aligned_sized", block));
}
TRESTLE_API void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return edge_aligned_alloc(alignment, size, TRESTLE_CALL("aligned_alloc", nullptr));
}
TRESTLE_API int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  return edge_posix_memalign(block, alignment, size, TRESTLE_CALL("posix_memalign", nullptr));
}
TRESTLE_API void* memalign(size_t alignment, size_t size) noexcept {
  return edge_memalign(alignment, size, TRESTLE_CALL("memalign", nullptr));
}
TRESTLE_API void* valloc(size_t size) noexcept { return edge_valloc(size, TRESTLE_CALL("valloc", nullptr)); }
TRESTLE_API void* pvalloc(size_t size) noexcept { return edge_pvalloc(size, TRESTLE_CALL("pvalloc", nullptr)); }
TRESTLE_API size_t malloc_usable_size(void* block) noexcept {
  return size_of(block, TRESTLE_CALL("malloc_usable_size", block));
}
TRESTLE_API int malloc_trim(size_t keep) noexcept {
  const OwnAccesses own;
  const os::Undisturbed undisturbed;  // it looks through the caller's own cache
  return is_up() && process_heap().trim(keep) ? 1 : 0;
}

TRESTLE_API struct mallinfo2 mallinfo2(void) noexcept {
  const trestle_stats all = process_stats();
  struct mallinfo2 info{};
  info.arena = all.committed_bytes;
  info.uordblks = all.live_bytes;
  info.fordblks = all.free_block_bytes + all.retired_bytes + all.free_span_bytes;
  info.keepcost = all.dirty_span_bytes;
  return info;
}

TRESTLE_API struct mallinfo mallinfo(void) noexcept {
  const struct mallinfo2 wide = mallinfo2();
  const auto narrow = [](size_t value) { return value > INT32_MAX ? INT32_MAX : static_cast<int>(value); };
  struct mallinfo info{};
  info.arena = narrow(wide.arena);
  info.uordblks = narrow(wide.uordblks);
  info.fordblks = narrow(wide.fordblks);
  info.keepcost = narrow(wide.keepcost);
  return info;
}

TRESTLE_API int malloc_info(int options, FILE* stream) noexcept {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  const trestle_stats all = process_stats();
  const unsigned long long rest_bytes = all.free_block_bytes + all.free_span_bytes;
  const int written =
      fprintf(stream,
              "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes/>\n<total type=\"live\" count=\"%llu\" size=\"%llu\"/>\n"
              "<total type=\"retired\" count=\"%llu\" size=\"%llu\"/>\n<total type=\"rest\" size=\"%llu\"/>\n</heap>\n"
              "<system type=\"current\" size=\"%llu\"/>\n<system type=\"reserved\" size=\"%llu\"/>\n"
              "<live type=\"max\" size=\"%llu\"/>\n<trestle policy=\"%s\" allocations=\"%llu\" deallocations=\"%llu\" "
              "purges=\"%llu\"/>\n"
              "</malloc>\n",
              static_cast<unsigned long long>(all.live_blocks), static_cast<unsigned long long>(all.live_bytes),
              static_cast<unsigned long long>(all.retired_blocks), static_cast<unsigned long long>(all.retired_bytes),
              rest_bytes, static_cast<unsigned long long>(all.committed_bytes),
              static_cast<unsigned long long>(all.reserved_bytes), static_cast<unsigned long long>(all.peak_live_bytes),
              kPolicy.name, static_cast<unsigned long long>(all.allocations),
              static_cast<unsigned long long>(all.deallocations), static_cast<unsigned long long>(all.purges));
  return written < 0 ? -1 : 0;
}

TRESTLE_API void malloc_stats(void) noexcept {
  char text[1024];
  trestle_stats_json(text, sizeof text);
  print_line(text);
}

// M_TRIM_THRESHOLD sets how many bytes of free pages may stay; nothing else of glibc's has a meaning here, and is refused.
TRESTLE_API int mallopt(int parameter, int value) noexcept {
  if (parameter != M_TRIM_THRESHOLD || value < 0 || !is_up()) return 0;
  const OwnAccesses own;
  process_heap().set_dirty_bytes(static_cast<size_t>(value));
  return 1;
}

}  // extern "C"
