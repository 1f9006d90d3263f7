// What C, POSIX and the manual say of functions that are told an alignment, and C23 of frees that are told a size.
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <iterator>

#include "blocks.hpp"

namespace trestle::conform {
namespace {

constexpr std::size_t kLargestAlignment = std::size_t{1} << 20;

// Four live blocks of each alignment and size that `get` gives, each whole, aligned and apart from the others.
template <class Get>
void require_aligned(const char* function, const Get& get) {
  for (std::size_t alignment = sizeof(void*); alignment <= kLargestAlignment; alignment *= 2) {
    for (const std::size_t size : {alignment, alignment * 3, std::size_t{8}, std::size_t{100}, std::size_t{10000}}) {
      Block blocks[4];
      unsigned number = 0;
      for (Block& block : blocks) {
        block = {static_cast<unsigned char*>(get(alignment, size)), size, ++number};
        if (block.at == nullptr)
          violate("%s of %zu bytes aligned to %zu gave null although there is memory", function, size, alignment);
        if (!is_aligned(block.at, alignment))
          violate("%s of %zu bytes aligned to %zu gave %p", function, size, alignment, block.at);
        fill(block);
      }
      for (const Block& block : blocks) verify(block, "while it was live beside others");
      for (const Block& block : blocks) std::free(block.at);
    }
  }
}

// Sizes that are multiples of the alignment, as C11 wants them.
void aligned_alloc_is_aligned() {
  require_aligned("aligned_alloc", [](std::size_t alignment, std::size_t size) {
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  });
}

void aligned_alloc_of_any_size() {
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
    for (const std::size_t size : {std::size_t{1}, alignment - 1, alignment + 1, alignment * 5 / 2}) {
      void* const block = aligned_alloc(alignment, size);
      if (block == nullptr) violate("aligned_alloc(%zu, %zu) gave null", alignment, size);
      if (!is_aligned(block, alignment)) violate("aligned_alloc(%zu, %zu) gave %p", alignment, size, block);
      std::free(block);
    }
  }
}

void aligned_alloc_of_bad_alignment() {
  volatile std::size_t alignments[] = {0, 3, 24, 48, 100, 4097, SIZE_MAX};
  for (const std::size_t alignment : alignments) {
    void* const block = aligned_alloc(alignment, 96);
    if (block != nullptr) violate("aligned_alloc(%zu, 96) gave %p instead of null", alignment, block);
  }
}

void aligned_alloc_of_too_much() {
  for (const std::size_t size : kHugeSizes) {
    void* const block = aligned_alloc(64, size);
    if (block != nullptr) violate("aligned_alloc(64, %zu) gave %p", size, block);
  }
}

void posix_memalign_is_aligned() {
  require_aligned("posix_memalign", [](std::size_t alignment, std::size_t size) {
    void* block = nullptr;
    return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
  });
}

// The error is what is returned; a library that tells it in errno tells nobody.
void posix_memalign_returns_einval() {
  volatile std::size_t alignments[] = {0, 1, 2, 4, 3, 12, 24, 48, 4097};
  for (const std::size_t alignment : alignments) {
    void* block = nullptr;
    const int error = posix_memalign(&block, alignment, 64);
    if (error != EINVAL) violate("posix_memalign with alignment %zu returned %d, not EINVAL", alignment, error);
    if (block != nullptr) violate("posix_memalign with alignment %zu failed and stored %p", alignment, block);
  }
}

void posix_memalign_returns_enomem() {
  for (const std::size_t size : kHugeSizes) {
    void* block = nullptr;
    const int error = posix_memalign(&block, 64, size);
    if (error != ENOMEM) violate("posix_memalign of %zu bytes returned %d, not ENOMEM", size, error);
  }
}

void posix_memalign_of_zero() {
  void* blocks[2] = {};
  for (void*& block : blocks) {
    const int error = posix_memalign(&block, 64, 0);
    if (error != 0) violate("posix_memalign of no bytes returned %d", error);
  }
  choose("posix_memalign(64, 0)", blocks[0] == nullptr ? "null" : "a block");
  require(blocks[0] == nullptr || blocks[0] != blocks[1], "posix_memalign of no bytes gave the same address twice");
  for (void* const block : blocks) std::free(block);
}

void memalign_is_aligned() {
  require_aligned("memalign", [](std::size_t alignment, std::size_t size) { return memalign(alignment, size); });
}

template <class Get>
void require_pages(const char* function, bool whole, const Get& get) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (const std::size_t size : {std::size_t{1}, page - 1, page, page * 7 + 3}) {
    const std::size_t bytes = whole ? (size + page - 1) / page * page : size;
    const Block blocks[] = {{static_cast<unsigned char*>(get(size)), bytes, 1},
                            {static_cast<unsigned char*>(get(size)), bytes, 2}};
    for (const Block& block : blocks) {
      if (block.at == nullptr || !is_aligned(block.at, page)) violate("%s(%zu) gave %p", function, size, block.at);
      fill(block);
    }
    for (const Block& block : blocks) verify(block, "while it was live beside another");
    for (const Block& block : blocks) std::free(block.at);
  }
}
void valloc_is_of_pages() { require_pages("valloc", false, valloc); }
void pvalloc_is_of_pages() { require_pages("pvalloc", true, pvalloc); }

void* required_symbol(const char* name) {
  void* const function = dlsym(RTLD_DEFAULT, name);
  if (function == nullptr) leave_out("neither the library nor the system's has it");
  return function;
}

void free_sized_frees() {
  auto* const free_sized = reinterpret_cast<void (*)(void*, std::size_t)>(required_symbol("free_sized"));
  free_sized(nullptr, 0);
  for_each_size([&](std::size_t size) { free_sized(make(size, 1).at, size); });
}

void free_aligned_sized_frees() {
  using Function = void (*)(void*, std::size_t, std::size_t);
  auto* const free_aligned_sized = reinterpret_cast<Function>(required_symbol("free_aligned_sized"));
  for (std::size_t alignment = 16; alignment <= 65536; alignment *= 2)
    free_aligned_sized(aligned_alloc(alignment, alignment * 2), alignment, alignment * 2);
  free_aligned_sized(nullptr, 64, 0);
}

constexpr Case kCases[] = {
    {"conformance", "aligned_alloc.aligned", "C11 7.22.3.1p2", "as aligned as asked for, to 1 MiB",
     aligned_alloc_is_aligned},
    {"conformance", "aligned_alloc.any_size", "C17 7.22.3.1p2", "the size need not be a multiple of the alignment",
     aligned_alloc_of_any_size},
    {"conformance", "aligned_alloc.bad_alignment", "C17 7.22.3.1p2", "an alignment that is not supported gives null",
     aligned_alloc_of_bad_alignment},
    {"conformance", "aligned_alloc.too_large", "C11 7.22.3p1", "sizes above PTRDIFF_MAX give null",
     aligned_alloc_of_too_much},
    {"conformance", "posix_memalign.aligned", "POSIX posix_memalign", "as aligned as asked for, to 1 MiB",
     posix_memalign_is_aligned},
    {"conformance", "posix_memalign.einval", "POSIX posix_memalign, ERRORS",
     "returns EINVAL for what is no power of two times sizeof(void *), and stores nothing",
     posix_memalign_returns_einval},
    {"conformance", "posix_memalign.enomem", "POSIX posix_memalign, ERRORS", "returns ENOMEM where memory lacks",
     posix_memalign_returns_enomem},
    {"conformance", "posix_memalign.zero", "POSIX posix_memalign", "no bytes: null, or addresses that are not shared",
     posix_memalign_of_zero},
    {"conformance", "memalign.aligned", "posix_memalign(3)", "as aligned as asked for, to 1 MiB", memalign_is_aligned},
    {"conformance", "valloc.pages", "posix_memalign(3)", "aligned to a page, and free takes it", valloc_is_of_pages},
    {"conformance", "pvalloc.pages", "posix_memalign(3)", "whole pages, and free takes them", pvalloc_is_of_pages},
    {"conformance", "free_sized.frees", "C23 7.24.3.4", "free_sized frees a block of that size", free_sized_frees},
    {"conformance", "free_aligned_sized.frees", "C23 7.24.3.5",
     "free_aligned_sized frees a block of that alignment and size", free_aligned_sized_frees},
};

}  // namespace

constinit const Cases kAlignedCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
