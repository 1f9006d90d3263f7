// What a trace is made of, as docs/traces.md tells: the file's header, chunks, and which fields each call's record has.
//   file == header page + chunks, one behind the other; chunk == header + `used` bytes + bytes that mean nothing
// All numbers are little endian. The recorder includes this file: nothing in it allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trestle::trace {

static_assert(sizeof(void*) == 8, "addresses and sizes are 64 bits");

inline constexpr std::array<unsigned char, 8> kMagic{0x89, 'T', 'R', 'A', 'C', 'E', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint32_t kChunkMagic = 0x48435254;  // "TRCH"
inline constexpr std::uint32_t kPage = 4096;              // the header's bytes, and what a chunk's are a multiple of
inline constexpr std::uint32_t kLargestChunk = 1 << 20;
inline constexpr std::uint32_t kFirstChunk = kPage;      // of a thread; each further one is four times as large,
inline constexpr std::uint32_t kUsualChunk = 256 << 10;  // up to this

struct FileHeader {
  std::array<unsigned char, 8> magic;
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t process;
  std::uint32_t lost;  // calls that were not recorded, since there was no room; counted while the program runs
  std::uint32_t sum;   // of the page, with `lost` and this as zeros
  std::array<char, kPage - 28> program;  // its path, ended by zeros
};
static_assert(sizeof(FileHeader) == kPage);

enum class ChunkKind : std::uint32_t { calls = 1, modules = 2 };

struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t kind;
  std::uint32_t bytes;   // of the chunk, this header among them
  std::uint32_t thread;  // counted from 0 in the order of their first calls
  std::uint64_t after;   // the number of the thread's last event before this chunk
  std::uint64_t
      state;  // used bytes, this header among them, below; their sum above. Written at once, after each record
};
static_assert(sizeof(ChunkHeader) == 32);
inline constexpr std::uint32_t kSummedHeader = offsetof(ChunkHeader, state);

// FNV-1a (G. Fowler, L. Noll, P. Vo). Each step is a bijection of the sum, so one changed byte always changes it.
inline constexpr std::uint32_t kEmptySum = 2166136261U;
constexpr std::uint32_t add_to_sum(std::uint32_t sum, unsigned char byte) noexcept { return (sum ^ byte) * 16777619U; }

enum class Call : std::uint8_t {
  malloc,
  calloc,
  realloc,
  reallocarray,
  free,
  free_sized,
  free_aligned_sized,
  aligned_alloc,
  posix_memalign,
  memalign,
  valloc,
  pvalloc,
  new_one,
  new_array,
  new_aligned,
  new_array_aligned,
  delete_one,
  delete_array,
  delete_sized,
  delete_array_sized,
  delete_aligned,
  delete_array_aligned,
};
inline constexpr std::size_t kCalls = 22;

// Which fields a call's record has, in this order: end, size, alignment, before, after. A call that both ends a block and
// begins one has two events: other threads may come between them.
struct CallShape {
  const char* name;
  bool size;
  bool alignment;
  bool before;  // the block that ends
  bool after;   // the block that begins; 0: there was no memory
  [[nodiscard]] constexpr bool two_events() const noexcept { return before && after; }
};
inline constexpr std::array<CallShape, kCalls> kShapes{{
    {"malloc", true, false, false, true},
    {"calloc", true, false, false, true},
    {"realloc", true, false, true, true},
    {"reallocarray", true, false, true, true},
    {"free", false, false, true, false},
    {"free_sized", true, false, true, false},
    {"free_aligned_sized", true, true, true, false},
    {"aligned_alloc", true, true, false, true},
    {"posix_memalign", true, true, false, true},
    {"memalign", true, true, false, true},
    {"valloc", true, false, false, true},
    {"pvalloc", true, false, false, true},
    {"new", true, false, false, true},
    {"new[]", true, false, false, true},
    {"new(align_val_t)", true, true, false, true},
    {"new[](align_val_t)", true, true, false, true},
    {"delete", false, false, true, false},
    {"delete[]", false, false, true, false},
    {"delete(size_t)", true, false, true, false},
    {"delete[](size_t)", true, false, true, false},
    {"delete(align_val_t)", true, true, true, false},
    {"delete[](align_val_t)", true, true, true, false},
}};
constexpr const CallShape& shape_of(Call call) noexcept { return kShapes[static_cast<std::size_t>(call)]; }

// A record's first byte: the call, and two flags.
inline constexpr unsigned char kCallBits = 0x1f;
inline constexpr unsigned char kNextNumber = 0x20;  // the event's number is one above the thread's last one
inline constexpr unsigned char kKnownSite = 0x40;   // a byte says in which place of the table the call site is

// One call. Events are numbered from 1 through all threads: what happened to a block before something else has the lower
// number. `end` is `begin` where the call has one event.
struct Record {
  Call call{};
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size = 0;  // bytes; of an array its elements' product, UINT64_MAX where that is no number
  std::uint64_t alignment = 0;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  std::uint64_t site = 0;  // the address that the call returned to
  bool operator==(const Record&) const = default;
};

// Neighbouring blocks differ little, and mostly by multiples of 16: the low four bits go to the top.
constexpr std::uint64_t turned(std::uint64_t address) noexcept { return address >> 4 | address << 60; }
constexpr std::uint64_t turned_back(std::uint64_t address) noexcept { return address << 4 | address >> 60; }
constexpr std::uint64_t zigzag(std::uint64_t difference) noexcept { return difference << 1 ^ (0 - (difference >> 63)); }
constexpr std::uint64_t zigzag_back(std::uint64_t number) noexcept { return number >> 1 ^ (0 - (number & 1)); }

// The call sites of a chunk, each in the place that its bits name; a later one takes an earlier one's place.
inline constexpr std::size_t kSites = 256;
constexpr std::size_t place_of_site(std::uint64_t site) noexcept { return site * 0x9e3779b97f4a7c15U >> 56; }

}  // namespace trestle::trace
