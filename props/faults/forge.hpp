// The heap itself, as it lies in the preloaded library's memory: found by the address of its region, which the heap's own
// walk tells. The library hides it, so a program that forges is compiled without access control, against the library's types.
#pragma once

#include <elf.h>
#include <link.h>

#include "fault.h"
#include "heap/heap.hpp"
#include "os/linux_os.hpp"

namespace trestle {

// Up to the arena's quarantine, a heap lies in memory alike under every policy.
using AnyHeap = Heap<kHardened, LinuxOs>;

struct Sought {
  std::uintptr_t region = 0;
  std::uintptr_t inside = 0;  // an address in the library
  Region<LinuxOs>* found = nullptr;
};

inline int note_region(const trestle_block* block, void* sought) {
  static_cast<Sought*>(sought)->region = reinterpret_cast<std::uintptr_t>(block->address) - block->heap_offset;
  return 1;
}

// The first word of the library's writable memory that is the region's base belongs to the record of that region.
inline int look_in(dl_phdr_info* object, std::size_t, void* context) {
  auto& sought = *static_cast<Sought*>(context);
  const auto segments = [&](auto visit) {
    for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
      const ElfW(Phdr)& segment = object->dlpi_phdr[i];
      if (segment.p_type == PT_LOAD) visit(segment, object->dlpi_addr + segment.p_vaddr);
    }
  };
  bool ours = false;
  segments([&](const ElfW(Phdr) & segment, std::uintptr_t from) { ours |= sought.inside - from < segment.p_memsz; });
  if (!ours) return 0;
  segments([&](const ElfW(Phdr) & segment, std::uintptr_t from) {
    if ((segment.p_flags & PF_W) == 0) return;
    for (std::uintptr_t at = (from + 7) / 8 * 8; at + 8 <= from + segment.p_memsz && sought.found == nullptr; at += 8) {
      if (*reinterpret_cast<const std::uintptr_t*>(at) == sought.region)
        sought.found = reinterpret_cast<Region<LinuxOs>*>(at - offsetof(Region<LinuxOs>, base_));
    }
  });
  return 1;
}

inline AnyHeap& heap() {
  Sought sought;
  CALL(trestle_walk)(note_region, &sought);
  sought.inside = reinterpret_cast<std::uintptr_t>(function("trestle_policy_name"));
  dl_iterate_phdr(look_in, &sought);
  must(sought.found != nullptr && sought.found->is_tiled());
  return *reinterpret_cast<AnyHeap*>(reinterpret_cast<char*>(sought.found) - offsetof(SpanHeap<LinuxOs>, regions_));
}
inline Region<LinuxOs>& region() { return heap().spans_.regions_[0]; }
inline Arena<kHardened, LinuxOs>& arena() { return heap().blocks_.arenas_[0]; }

inline std::byte* header_of(void* payload) { return static_cast<std::byte*>(payload) - kHeaderBytes; }

// The free block that ends the first block span.
inline Block last_free() {
  const std::uint64_t head = arena().heads_[arena().bins_.highest()];
  must(head != 0);
  std::byte* const at = arena().at_place(head);
  return {at, arena().load(at).value()};
}

// A free span, behind a large block that was cut short.
inline SpanDescriptor& free_span() {
  void* const block = malloc(1000000);
  must(hidden(malloc(1000000)) != nullptr && hidden(realloc(block, 300000)) == hidden(block));
  SpanDescriptor* span = region().next(nullptr);
  while (span != nullptr && span->state != SpanState::free) span = region().next(span);
  must(span != nullptr);
  return *span;
}

}  // namespace trestle
