// What C and POSIX say of realloc and reallocarray.
#include <malloc.h>

#include <iterator>

#include "blocks.hpp"

namespace trestle::conform {
namespace {

Block resized(const Block& block, std::size_t size) {
  auto* const at = static_cast<unsigned char*>(std::realloc(block.at, size));
  if (at == nullptr) violate("realloc from %zu to %zu bytes gave null although there is memory", block.size, size);
  return {at, size, block.number};
}

// Each size to some that are larger and smaller, with a live block behind it, so that it cannot just be longer where it is.
void realloc_keeps() {
  for_each_size([](std::size_t size) {
    for (const std::size_t other : {size + 1, size * 2 + 5, size / 2 + 1, size}) {
      const Block block = make(size, 1);
      const Block neighbour = make(size, 2);
      const Block moved = resized(block, other);
      verify(moved, size < other ? size : other, "by realloc");
      fill(moved);
      verify(neighbour, "by realloc of its neighbour");
      std::free(moved.at);
      std::free(neighbour.at);
    }
  });
}

// A block that grows in steps, as a buffer that is read into does.
void realloc_keeps_in_steps() {
  Block block = make(1, 1);
  while (block.size < (std::size_t{8} << 20)) {
    const Block longer = resized(block, block.size + block.size / 3 + 1);
    verify(longer, block.size, "by realloc");
    fill(longer);
    block = longer;
  }
  while (block.size > 1) {
    block = resized(block, block.size / 2);
    verify(block, "by realloc to less");
  }
  std::free(block.at);
}

void realloc_is_aligned() {
  for_each_size([](std::size_t size) {
    const Block moved = resized(make(size, 1), size + 100);
    if (!is_aligned(moved.at, owed_alignment(moved.size))) violate("realloc to %zu gave %p", size + 100, moved.at);
    std::free(moved.at);
  });
}

void realloc_of_null() {
  for_each_size([](std::size_t size) {
    const Block block = resized({nullptr, 0, 3}, size);
    fill(block);
    verify(block, "although nothing came between");
    std::free(block.at);
  });
}

// The old block is still the caller's: it can be read, grown and freed, and nobody else has it.
void failed_realloc_keeps_the_block() {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{24}, std::size_t{1000}, std::size_t{40000}, std::size_t{1} << 20}) {
    for (const std::size_t huge : kHugeSizes) {
      const Block block = make(size, 1);
      errno = 0;
      void* const got = std::realloc(block.at, huge);
      if (got != nullptr) violate("realloc to %zu bytes gave %p", huge, got);
      if (errno != ENOMEM) violate("realloc to %zu bytes gave null with errno %d", huge, errno);
      const Block others[] = {make(size, 2), make(size, 3), make(size, 4)};
      for (const Block& other : others) {
        if (other.at == block.at) violate("a block of %zu was freed by a realloc that failed", size);
      }
      verify(block, "by a realloc that failed");
      for (const Block& other : others) std::free(other.at);
      std::free(resized(block, size + 1).at);
    }
  }
}

// C23 leaves it undefined and C17 to the implementation, so that this is a choice and no more.
void realloc_to_zero() {
  void* const block = std::malloc(100);
  void* const got = std::realloc(block, 0);
  choose("realloc(p, 0)", got == nullptr ? "null" : "a block");
  std::free(got);
}

void reallocarray_refuses_overflow() {
  volatile std::size_t counts[][2] = {{SIZE_MAX / 2 + 1, 2}, {SIZE_MAX / 16 + 2, 16}, {SIZE_MAX, SIZE_MAX}};
  for (const auto& pair : counts) {
    const Block block = make(50, 1);
    errno = 0;
    void* const got = reallocarray(block.at, pair[0], pair[1]);
    if (got != nullptr) violate("reallocarray of %zu times %zu gave %p", pair[0], pair[1], got);
    if (errno != ENOMEM) violate("reallocarray of %zu times %zu gave null with errno %d", pair[0], pair[1], errno);
    verify(block, "by a reallocarray that failed");
    std::free(block.at);
  }
}

void reallocarray_keeps() {
  const Block block = make(60, 1);
  const Block longer{static_cast<unsigned char*>(reallocarray(block.at, 50, 20)), 1000, 1};
  require(longer.at != nullptr, "reallocarray gave null although there is memory");
  verify(longer, block.size, "by reallocarray");
  fill(longer);
  std::free(longer.at);
}

// All alignments and sizes; what realloc gives need not keep more than the fundamental alignment, but all the bytes.
void aligned_blocks_are_resized() {
  for (std::size_t alignment = sizeof(void*); alignment <= (std::size_t{1} << 16); alignment *= 2) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{5000}, std::size_t{300000}}) {
      for (const std::size_t other : {size + 1, size * 3, size / 2 + 1}) {
        void* at = nullptr;
        if (posix_memalign(&at, alignment, size) != 0)
          violate("posix_memalign(%zu, %zu) failed although there is memory", alignment, size);
        const Block block{static_cast<unsigned char*>(at), size, 1};
        fill(block);
        const Block moved = resized(block, other);
        verify(moved, size < other ? size : other, "by realloc of an aligned block");
        std::free(moved.at);
      }
    }
  }
}

constexpr Case kCases[] = {
    {"conformance", "realloc.keeps", "C11 7.22.3.5p2", "the contents are kept up to the lesser size", realloc_keeps},
    {"conformance", "realloc.steps", "C11 7.22.3.5p2", "the contents are kept when a block grows and shrinks in steps",
     realloc_keeps_in_steps},
    {"conformance", "realloc.aligned", "C23 7.24.3p1", "the new block is aligned as malloc's are", realloc_is_aligned},
    {"conformance", "realloc.null", "C11 7.22.3.5p3", "realloc(NULL, n) is malloc(n)", realloc_of_null},
    {"conformance", "realloc.failed", "C11 7.22.3.5p3 and 4, POSIX realloc",
     "where it fails: null, ENOMEM, and the old block as it was", failed_realloc_keeps_the_block},
    {"conformance", "realloc.zero", "C17 7.22.3.5p3", "a choice of the implementation's", realloc_to_zero},
    {"conformance", "realloc.of_aligned", "C11 7.22.3.5p3", "blocks of posix_memalign can be resized",
     aligned_blocks_are_resized},
    {"conformance", "reallocarray.overflow", "POSIX.1-2024 reallocarray",
     "a product that overflows: null, ENOMEM, and the old block as it was", reallocarray_refuses_overflow},
    {"conformance", "reallocarray.keeps", "POSIX.1-2024 reallocarray", "the contents are kept", reallocarray_keeps},
};

}  // namespace

constinit const Cases kReallocCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
