// Mistakes, one a case, as programs make them. None is the allocator's fault, and no rule says what becomes of it: what is
// judged is whether the mistake is named, and by how much, or else what it does to the allocations that follow.
#include <sys/mman.h>

#include <iterator>
#include <new>

#include "blocks.hpp"
#include "threads.hpp"

namespace trestle::conform {
namespace {

constexpr std::size_t kSmall = 48;
constexpr std::size_t kMedium = 20000;
constexpr std::size_t kLarge = std::size_t{1} << 20;

// The block that the mistake is made with.
unsigned char* marked(std::size_t size) {
  unsigned char* const at = make(size, 1).at;
  about(at);
  return hidden(at);
}

// Whether correct calls still give correct answers: blocks of the size that the mistake was made with, and of others, are
// filled while all are live, and verified. More of them than are likely to wait for their reuse.
void look_for_damage(std::size_t size) {
  static Block blocks[480];
  const std::size_t count = size < kMedium ? std::size(blocks) : 48;
  for (std::size_t i = 0; i < count; ++i) blocks[i] = make(i % 4 == 3 ? 8 + i * 3 : size, static_cast<unsigned>(i));
  for (std::size_t i = 0; i < count; ++i)
    verify(blocks[i], "of an allocation after the mistake: two live blocks overlap");
  for (std::size_t i = 0; i < count; ++i) std::free(blocks[i].at);
}

void free_twice(std::size_t size) {
  unsigned char* const block = marked(size);
  std::free(block);
  std::free(hidden(block));
  look_for_damage(size);
}
void double_free_small() { free_twice(kSmall); }
void double_free_medium() { free_twice(kMedium); }
void double_free_large() { free_twice(kLarge); }

void double_free_after_others() {
  unsigned char* others[40];
  unsigned char* const block = marked(kSmall);
  for (unsigned char*& other : others) other = make(kSmall, 2).at;
  std::free(block);
  for (unsigned char* const other : others) std::free(other);
  std::free(hidden(block));
  look_for_damage(kSmall);
}

void* free_it(void* block) {
  std::free(block);
  return nullptr;
}
void double_free_in_thread() {
  unsigned char* const block = marked(kSmall);
  std::free(block);
  in_thread(free_it, hidden(block));
  look_for_damage(kSmall);
}

// A pointer that is not what malloc gave.
void free_pointer(void* pointer, std::size_t size) {
  about(pointer);
  std::free(hidden(pointer));
  look_for_damage(size);
}
void free_interior_aligned() { free_pointer(make(160, 1).at + 32, 160); }
void free_interior_odd() { free_pointer(make(160, 1).at + 1, 160); }
void free_interior_large() { free_pointer(make(kLarge, 1).at + 8192, kLarge); }
void free_stack() {
  alignas(64) unsigned char local[256] = {};
  free_pointer(local + 64, 64);
}
void free_global() {
  alignas(64) static unsigned char global[256];
  free_pointer(global + 64, 64);
}
void free_mapping() {
  void* const page = mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  free_pointer(static_cast<unsigned char*>(page) + 4096, 64);
}

void realloc_freed() {
  unsigned char* const block = marked(kSmall);
  std::free(block);
  void* const got = std::realloc(hidden(block), 2 * kSmall);
  if (got != nullptr) std::memset(got, 1, 2 * kSmall);
  look_for_damage(kSmall);
}
void realloc_interior() {
  unsigned char* const inside = make(160, 1).at + 32;
  about(inside);
  (void)hidden(std::realloc(hidden(inside), 320));
  look_for_damage(160);
}

// Writes `count` bytes from block[first] on, and frees the block.
void write_and_free(std::size_t size, std::ptrdiff_t first, std::size_t count) {
  unsigned char* const before = make(size, 2).at;
  unsigned char* const block = marked(size);
  unsigned char* const behind = make(size, 3).at;
  std::memset(hidden(block) + first, 0x41, count);
  std::free(block);
  std::free(behind);
  std::free(before);
  look_for_damage(size);
}
void overflow_byte() { write_and_free(24, 24, 1); }
void overflow_word() { write_and_free(40, 40, 8); }
void overflow_line() { write_and_free(200, 200, 64); }
void overflow_medium() { write_and_free(kMedium, kMedium, 16); }
void overflow_large() { write_and_free(kLarge, kLarge, 4096); }
void overflow_zero() { write_and_free(0, 0, 16); }
void underflow_byte() { write_and_free(24, -1, 1); }
void underflow_line() { write_and_free(200, -32, 32); }

// As a program does that kept a pointer: the block is freed, written to, and its memory used for others.
void write_after_free(std::size_t size) {
  unsigned char* const block = marked(size);
  std::free(block);
  std::memset(hidden(block), 0x41, size < kMedium ? size : kMedium);
  look_for_damage(size);
}
void write_after_free_small() { write_after_free(kSmall); }
void write_after_free_medium() { write_after_free(kMedium); }
void write_after_free_large() { write_after_free(kLarge); }

// What an attacker writes: an address, where a list of free blocks would have its link. It must not be handed out.
void forged_link() {
  alignas(64) static unsigned char target[256];
  unsigned char* const other = make(kSmall, 2).at;
  unsigned char* const block = marked(kSmall);
  std::free(other);
  std::free(block);
  void* const address = target + 64;
  std::memcpy(hidden(block), &address, sizeof address);
  for (int i = 0; i < 400; ++i) {
    if (std::malloc(kSmall) == address)
      violate("malloc handed out a global variable that a freed block had been made to point to");
  }
}

void sized_delete_of_other_size() {
  void* const block = ::operator new(kSmall);
  about(block);
  ::operator delete(hidden(block), std::size_t{2000});
  look_for_damage(kSmall);
  look_for_damage(2000);
}
void delete_of_other_alignment() {
  void* const block = ::operator new(kSmall);
  about(block);
  ::operator delete(hidden(block), std::align_val_t{4096});
  look_for_damage(kSmall);
}
void new_then_free() {
  void* const block = ::operator new(kSmall);
  about(block);
  std::free(hidden(block));
  look_for_damage(kSmall);
}
void malloc_then_delete() {
  ::operator delete(marked(kSmall));
  look_for_damage(kSmall);
}
void new_array_then_delete() {
  void* const block = ::operator new[](kSmall);
  about(block);
  ::operator delete(hidden(block));
  look_for_damage(kSmall);
}

// How a report names each kind, in the words of whatever allocator.
constexpr const char* kDouble = "double.free|freed twice|already.*free|chunk state|stale pointer";
constexpr const char* kInvalid =
    "invalid (pointer|address|free|size)|interior|not a block|wild pointer|misaligned|not allocated";
constexpr const char* kStale = "double.free|already.*free|chunk state|stale pointer|after free|invalid pointer";
constexpr const char* kOverwritten =
    "past.*end|overflow|overrun|before.*start|underflow|canary|corrupt|invalid next size";
constexpr const char* kWritten = "after.free|corrupt|canary|tcache|double linked|free.?list";
constexpr const char* kMismatch = "mismatch|invalid sized";

constexpr Case kCases[] = {
    {"misuse", "double_free.small", "double free", "48 bytes, at once", double_free_small, kDouble},
    {"misuse", "double_free.medium", "double free", "20,000 bytes, at once", double_free_medium, kDouble},
    {"misuse", "double_free.large", "double free", "1 MiB, at once", double_free_large, kDouble},
    {"misuse", "double_free.later", "double free", "after 40 others", double_free_after_others, kDouble},
    {"misuse", "double_free.thread", "double free", "from another thread", double_free_in_thread, kDouble},
    {"misuse", "free.interior", "invalid free", "32 bytes into a block", free_interior_aligned, kInvalid},
    {"misuse", "free.interior_odd", "invalid free", "one byte into a block", free_interior_odd, kInvalid},
    {"misuse", "free.interior_large", "invalid free", "two pages into a block of 1 MiB", free_interior_large, kInvalid},
    {"misuse", "free.stack", "invalid free", "a local variable", free_stack, kInvalid},
    {"misuse", "free.global", "invalid free", "a global variable", free_global, kInvalid},
    {"misuse", "free.mapping", "invalid free", "inside of a mapping of the program's own", free_mapping, kInvalid},
    {"misuse", "realloc.freed", "use after free", "realloc of a freed block", realloc_freed, kStale},
    {"misuse", "realloc.interior", "invalid realloc", "32 bytes into a block", realloc_interior, kInvalid},
    {"misuse", "overflow.byte", "write past the end", "1 byte past 24", overflow_byte, kOverwritten},
    {"misuse", "overflow.word", "write past the end", "8 bytes past 40", overflow_word, kOverwritten},
    {"misuse", "overflow.line", "write past the end", "64 bytes past 200", overflow_line, kOverwritten},
    {"misuse", "overflow.medium", "write past the end", "16 bytes past 20,000", overflow_medium, kOverwritten},
    {"misuse", "overflow.large", "write past the end", "a page past 1 MiB", overflow_large, kOverwritten},
    {"misuse", "overflow.zero", "write past the end", "16 bytes into a block of none", overflow_zero, kOverwritten},
    {"misuse", "underflow.byte", "write before the start", "1 byte before 24", underflow_byte, kOverwritten},
    {"misuse", "underflow.line", "write before the start", "32 bytes before 200", underflow_line, kOverwritten},
    {"misuse", "write_after_free.small", "write after free", "48 bytes", write_after_free_small, kWritten},
    {"misuse", "write_after_free.medium", "write after free", "20,000 bytes", write_after_free_medium, kWritten},
    {"misuse", "write_after_free.large", "write after free", "into 1 MiB", write_after_free_large, kWritten},
    {"misuse", "write_after_free.link", "write after free", "an address at the start of a freed block", forged_link,
     kWritten},
    {"misuse", "delete.size", "mismatched delete", "a size that is not the block's", sized_delete_of_other_size,
     kMismatch},
    {"misuse", "delete.alignment", "mismatched delete", "an alignment that is not the block's",
     delete_of_other_alignment, kMismatch},
    {"misuse", "mismatch.new_free", "mismatched free", "free of what new gave", new_then_free, kMismatch},
    {"misuse", "mismatch.malloc_delete", "mismatched delete", "delete of what malloc gave", malloc_then_delete,
     kMismatch},
    {"misuse", "mismatch.array_delete", "mismatched delete", "delete of what new[] gave", new_array_then_delete,
     kMismatch},
};

}  // namespace

constinit const Cases kMisuseCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
