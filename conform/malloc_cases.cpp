// What C and POSIX say of malloc, calloc, free and, as a manual page, of malloc_usable_size.
#include <malloc.h>

#include <iterator>

#include "blocks.hpp"

namespace trestle::conform {
namespace {

void malloc_is_aligned() {
  for_each_size([](std::size_t size) {
    void* const blocks[] = {std::malloc(size), std::malloc(size), std::malloc(size)};
    for (void* const block : blocks) {
      if (!is_aligned(block, owed_alignment(size)))
        violate("malloc(%zu) gave %p, not aligned to %zu", size, block, owed_alignment(size));
      std::free(block);
    }
  });
}

// Three rounds, so that blocks which were freed are handed out again.
void malloc_blocks_are_apart() {
  static Block blocks[3 * kSizes];
  for (int round = 0; round < 3; ++round) {
    std::size_t count = 0;
    for_each_size([&](std::size_t size) {
      for (unsigned i = 0; i < 3; ++i, ++count) blocks[count] = make(size, static_cast<unsigned>(count));
    });
    for (std::size_t i = 0; i < count; ++i) verify(blocks[i], "while it was live beside others");
    for (std::size_t i = 0; i < count; ++i) std::free(blocks[i].at);
  }
}

void malloc_of_zero() {
  void* const one = std::malloc(0);
  void* const other = std::malloc(0);
  choose("malloc(0)", one == nullptr ? "null" : "a block");
  require((one == nullptr) == (other == nullptr), "malloc(0) gave null once and a block once");
  require(one == nullptr || one != other, "malloc(0) gave the same address twice, both live");
  const Block live = make(32, 1);
  require(live.at != one && live.at != other, "malloc(32) gave the address of a live block of no bytes");
  std::free(one);
  std::free(other);
  verify(live, "when blocks of no bytes were freed");
  std::free(live.at);
}

void malloc_of_too_much() {
  for (const std::size_t size : kHugeSizes) {
    if (void* const block = std::malloc(size)) violate("malloc(%zu) gave %p", size, block);
  }
  std::free(make(100, 1).at);
}

void malloc_sets_enomem() {
  for (const std::size_t size : kHugeSizes) {
    errno = 0;
    void* const block = std::malloc(size);
    if (block == nullptr && errno != ENOMEM) violate("malloc(%zu) gave null with errno %d", size, errno);
  }
}

void require_zeros(const unsigned char* block, std::size_t size, const char* which) {
  require(block != nullptr, "calloc gave null although there is memory");
  for (std::size_t i = 0; i < size; ++i) {
    if (block[i] != 0) violate("byte %zu of %s block of %zu is 0x%02x", i, which, size, block[i]);
  }
}

void calloc_zeroes_fresh() {
  for_each_size([](std::size_t size) {
    auto* const block = static_cast<unsigned char*>(std::calloc(1, size));
    require_zeros(block, size, "a fresh");
    std::free(block);
  });
}

// Each size after blocks of that size that were full were freed.
void calloc_zeroes_used() {
  for_each_size([](std::size_t size) {
    const Block used[] = {make(size, 1), make(size, 2), make(size, 3), make(size, 4)};
    for (const Block& one : used) std::free(one.at);
    unsigned char* again[std::size(used)];
    for (unsigned char*& block : again) {
      block = static_cast<unsigned char*>(std::calloc(size, 1));
      require_zeros(block, size, "a used");
      std::memset(block, 0xA5, size);
    }
    for (unsigned char* const block : again) std::free(block);
  });
}

void calloc_refuses_overflow() {
  volatile std::size_t counts[][2] = {{SIZE_MAX / 2 + 1, 2},    {SIZE_MAX / 16 + 2, 16},
                                      {SIZE_MAX, SIZE_MAX},     {std::size_t{1} << 32, std::size_t{1} << 32},
                                      {(SIZE_MAX >> 3) + 9, 8}, {65536 + 1, SIZE_MAX / 65536}};
  for (const auto& pair : counts) {
    errno = 0;
    void* const block = std::calloc(pair[0], pair[1]);
    if (block != nullptr) violate("calloc(%zu, %zu), a product that does not fit, gave %p", pair[0], pair[1], block);
    if (errno != ENOMEM) violate("calloc(%zu, %zu) gave null with errno %d", pair[0], pair[1], errno);
  }
}

void calloc_of_zero() {
  void* const blocks[] = {std::calloc(0, 8), std::calloc(8, 0), std::calloc(0, 0)};
  const Block live = make(24, 1);
  for (void* const block : blocks) {
    require(block == nullptr || block != live.at, "calloc of no bytes shares its address with a live block");
    std::free(block);
  }
  require(blocks[0] == nullptr || (blocks[0] != blocks[1] && blocks[1] != blocks[2]),
          "calloc of no bytes gave the same address twice, both live");
  verify(live, "when blocks of no bytes were freed");
}

void free_of_null() {
  std::free(nullptr);
  std::free(make(64, 1).at);
  std::free(nullptr);
}

// Large ones too: their release is a call of the system, which sets errno when it fails.
void free_keeps_errno() {
  for_each_size([](std::size_t size) {
    const Block block = make(size, 1);
    errno = 4711;
    std::free(block.at);
    if (errno != 4711) violate("free of a block of %zu bytes left errno %d, which had been 4711", size, errno);
  });
  errno = 4711;
  std::free(nullptr);
  if (errno != 4711) violate("free(NULL) left errno %d, which had been 4711", errno);
}

// C11 7.22.3.3: freed memory is made available for further allocation. 16 GiB go through a heap that never has more than 64
// MiB.
void freed_memory_serves_again() {
  for (int i = 0; i < 256; ++i) {
    void* const block = std::malloc(std::size_t{64} << 20);
    if (block == nullptr) violate("malloc(64 MiB) gave null the %dth time, each block having been freed", i);
    static_cast<volatile char*>(block)[0] = 1;
    std::free(block);
  }
}

void usable_size_is_enough() {
  for_each_size([](std::size_t size) {
    void* const block = std::malloc(size);
    const std::size_t told = malloc_usable_size(block);
    if (told < size) violate("malloc_usable_size is %zu for a block of %zu", told, size);
    std::free(block);
  });
  require(malloc_usable_size(nullptr) == 0, "malloc_usable_size(NULL) is not 0");
}

// All that is told is written to, with neighbours on both sides that have to keep theirs.
void usable_size_is_there() {
  static Block blocks[16];
  for_each_size([](std::size_t size) {
    if (size > 70000) return;
    unsigned number = 0;
    for (Block& one : blocks) {
      one = make(size, ++number);
      one.size = malloc_usable_size(one.at);
      fill(one);
    }
    for (const Block& one : blocks) {
      if (first_lost(one, one.size) != one.size)
        violate("blocks of %zu bytes do not have the %zu bytes each that malloc_usable_size tells", size, one.size);
    }
    for (const Block& one : blocks) std::free(one.at);
  });
}

constexpr Case kCases[] = {
    {"conformance", "malloc.aligned", "C23 7.24.3p1", "blocks are aligned for every object that fits into them",
     malloc_is_aligned},
    {"conformance", "malloc.apart", "C11 7.22.3p1", "live blocks have no byte in common", malloc_blocks_are_apart},
    {"conformance", "malloc.zero", "C11 7.22.3p1", "malloc(0) gives null, or addresses that are not shared",
     malloc_of_zero},
    {"conformance", "malloc.too_large", "C11 7.22.3p1", "sizes above PTRDIFF_MAX give null", malloc_of_too_much},
    {"conformance", "malloc.enomem", "POSIX malloc, ERRORS", "a null for lack of memory comes with ENOMEM",
     malloc_sets_enomem},
    {"conformance", "calloc.fresh", "C11 7.22.3.2p2", "all bytes are zero", calloc_zeroes_fresh},
    {"conformance", "calloc.used", "C11 7.22.3.2p2", "all bytes are zero in memory that was in use before",
     calloc_zeroes_used},
    {"conformance", "calloc.overflow", "C11 7.22.3.2p3, POSIX calloc", "a product that overflows gives null and ENOMEM",
     calloc_refuses_overflow},
    {"conformance", "calloc.zero", "C11 7.22.3p1", "no bytes: null, or addresses that are not shared", calloc_of_zero},
    {"conformance", "free.null", "C11 7.22.3.3p2", "free(NULL) does nothing", free_of_null},
    {"conformance", "free.errno", "POSIX.1-2024 free", "errno is as it was", free_keeps_errno},
    {"conformance", "free.available", "C11 7.22.3.3p2", "freed memory serves further requests",
     freed_memory_serves_again},
    {"conformance", "usable_size.enough", "malloc_usable_size(3)", "at least the request; of NULL, 0",
     usable_size_is_enough},
    {"conformance", "usable_size.there", "malloc_usable_size(3)", "as many bytes as it tells can be written",
     usable_size_is_there},
};

}  // namespace

constinit const Cases kMallocCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
