// What a trace is made of, as docs/traces.md tells: the file's header, chunks, and which fields each call's record has.
//   file == header page + chunks, one behind the other; chunk == header + `used` bytes + bytes that mean nothing
// All numbers are little endian. The recorder includes this file: nothing in it allocates.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace trestle::trace {

static_assert(sizeof(void*) == 8, "addresses and sizes are 64 bits");

inline constexpr std::array<unsigned char, 8> kMagic{0x89, 'T', 'R', 'A', 'C', 'E', '\r', '\n'};
inline constexpr std::uint32_t kVersion = 2;
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
  std::uint32_t sum;   // of the page, with `lost`, this and `state` as zeros
  std::uint32_t zero;
  std::uint64_t state;                   // an Extent as a number; written while the program runs
  std::array<char, kPage - 40> program;  // its path, ended by zeros
};
static_assert(sizeof(FileHeader) == kPage);
static_assert(offsetof(FileHeader, state) % sizeof(std::uint64_t) == 0);

// The sum of 8 bytes each, as two halves that are added up side by side. Each step is a bijection of the half's sum, and of
// what is added to it, so that one changed byte always changes the whole. The constants are those of xxHash (Y. Collet).
class Sum {
 public:
  constexpr void add(std::uint64_t word) noexcept {
    low_ = step(low_, static_cast<std::uint32_t>(word));
    high_ = step(high_, static_cast<std::uint32_t>(word >> 32));
  }
  [[nodiscard]] constexpr std::uint32_t with(std::uint32_t number) const noexcept {
    return (low_ + std::rotl(high_, 16)) ^ number;
  }

 private:
  static constexpr std::uint32_t step(std::uint32_t sum, std::uint32_t half) noexcept {
    return std::rotl((sum ^ half) * 2654435761U, 13);
  }

  std::uint32_t low_ = 2246822519U;
  std::uint32_t high_ = 3266489917U;
};

// How much of the file there is, and whether the program has ended in order. A file that is shorter was cut off.
struct Extent {
  std::uint32_t pages = 0;  // of the file: less than 2^31
  bool has_ended = false;

  [[nodiscard]] constexpr std::uint64_t as_number() const noexcept {
    const std::uint32_t low = pages | (has_ended ? kEnded : 0);
    return std::uint64_t{sum_of(low)} << 32 | low;
  }
  [[nodiscard]] static constexpr bool is_one(std::uint64_t number) noexcept {
    return sum_of(static_cast<std::uint32_t>(number)) == number >> 32;
  }
  [[nodiscard]] static constexpr Extent of(std::uint64_t number) noexcept {
    const auto low = static_cast<std::uint32_t>(number);
    return {low & ~kEnded, (low & kEnded) != 0};
  }

 private:
  static constexpr std::uint32_t kEnded = 1U << 31;
  static constexpr std::uint32_t sum_of(std::uint32_t low) noexcept {
    Sum sum;
    sum.add(low);
    return sum.with(0);
  }
};

constexpr std::uint32_t sum_of(FileHeader page) noexcept {
  page.lost = page.sum = 0;
  page.state = 0;
  Sum sum;
  for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, kPage / 8>>(page)) sum.add(word);
  return sum.with(0);
}

enum class ChunkKind : std::uint32_t { calls = 1, modules = 2 };

struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t kind;
  std::uint32_t bytes;   // of the chunk, this header among them
  std::uint32_t thread;  // counted from 0 in the order of their first calls
  std::uint64_t offset;  // where in the file the chunk lies
  std::uint64_t after;   // the number of the thread's last event before this chunk
  std::uint64_t
      state;  // used bytes, this header among them, below; their sum above. Written at once, after each record
};
static_assert(sizeof(ChunkHeader) == 40);
static_assert(offsetof(ChunkHeader, state) + sizeof(std::uint64_t) == sizeof(ChunkHeader));
// The sum is of the chunk's words but `state`, up to the one in which byte `used` is; what of it is not used counts as zeros.
inline constexpr std::uint32_t kWord = sizeof(std::uint64_t);

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

// A number takes 1 to 9 bytes. The zeros that the first byte ends in say how many more there are; above them and a one come
// the number's bits. A first byte of zeros is followed by all 64 bits.
inline constexpr std::uint32_t kLongestNumber = 9;
alignas(64) inline constexpr std::array<std::uint8_t, 64> kBytesOfNumber = [] {  // by its highest bit
  std::array<std::uint8_t, 64> bytes{};
  for (std::size_t bit = 0; bit < 64; ++bit)
    bytes[bit] = static_cast<std::uint8_t>(bit < 56 ? bit / 7 + 1 : kLongestNumber);
  return bytes;
}();
constexpr std::uint32_t bytes_of(std::uint64_t number) noexcept {
  return kBytesOfNumber[63U ^ static_cast<unsigned>(std::countl_zero(number | 1))];
}
// Of a number that has `bytes`, fewer than nine: the first one lowest.
constexpr std::uint64_t encoded(std::uint64_t number, std::uint32_t bytes) noexcept {
  return (number << 1 | 1) << (bytes - 1);
}

// Neighbouring blocks differ little, and mostly by multiples of 16: the low four bits go to the top.
constexpr std::uint64_t turned(std::uint64_t address) noexcept { return address >> 4 | address << 60; }
constexpr std::uint64_t turned_back(std::uint64_t address) noexcept { return address << 4 | address >> 60; }
constexpr std::uint64_t zigzag(std::uint64_t difference) noexcept { return difference << 1 ^ (0 - (difference >> 63)); }
constexpr std::uint64_t zigzag_back(std::uint64_t number) noexcept { return number >> 1 ^ (0 - (number & 1)); }

// The call sites of a chunk, each in the place that its bits name; a later one takes an earlier one's place.
inline constexpr std::size_t kSites = 256;
constexpr std::size_t place_of_site(std::uint64_t site) noexcept { return site * 0x9e3779b97f4a7c15U >> 56; }

}  // namespace trestle::trace
