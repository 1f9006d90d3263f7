// When memory is short, when there are many threads, and what becomes of memory that nobody needs any more. A limit is set by
// the case's process on itself, which then becomes itself again, so that the library meets it from its start, as under ulimit.
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <iterator>
#include <new>

#include "blocks.hpp"
#include "memory.hpp"
#include "threads.hpp"

namespace trestle::conform {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr std::size_t kLimit = 256 * kMebibyte;

// Returns in a process whose address space is limited.
void limit_address_space(const char* name) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur == kLimit) return;
  limit = {kLimit, kLimit};
  if (setrlimit(RLIMIT_AS, &limit) != 0) violate("setrlimit failed");
  execl("/proc/self/exe", "conform_cases", name, static_cast<char*>(nullptr));
  violate("cannot start itself again");
}

struct Chain {
  Chain* next;
};

// Allocates until there is no more, which must be told by null and ENOMEM, and frees all.
std::size_t exhaust(std::size_t size) {
  Chain* last = nullptr;
  std::size_t count = 0;
  errno = 0;
  while (auto* const block = static_cast<Chain*>(std::malloc(size))) {
    block->next = last;
    last = block;
    ++count;
  }
  if (errno != ENOMEM) violate("malloc(%zu) gave null with errno %d when memory was short", size, errno);
  while (last != nullptr) {
    Chain* const next = last->next;
    std::free(last);
    last = next;
  }
  return count;
}

// As much again, give or take half: a heap may have cut its memory for the sizes that it served first.
void exhaust_twice(const char* name, std::size_t size) {
  limit_address_space(name);
  const std::size_t first = exhaust(size);
  const std::size_t second = exhaust(size);
  if (second < first / 2)
    violate("of %zu bytes there were %zu blocks until memory was short; when all were freed, only %zu", size, first,
            second);
  if (first * size < kLimit / 4)
    fall_short("of %zu MiB of address space, malloc(%zu) made %zu MiB of use", kLimit / kMebibyte, size,
               first * size / kMebibyte);
}
void short_of_small() { exhaust_twice("limit.small", 500); }
void short_of_medium() { exhaust_twice("limit.medium", 30000); }
void short_of_large() { exhaust_twice("limit.large", 3 * kMebibyte); }

void new_when_short() {
  limit_address_space("limit.new");
  try {
    for (;;) *static_cast<volatile char*>(::operator new(kMebibyte)) = 1;
  } catch (const std::bad_alloc&) {
    pass();
  }
}

void realloc_when_short() {
  limit_address_space("limit.realloc");
  Block block = make(kMebibyte, 1);
  for (;;) {
    const std::size_t size = block.size + 48 * kMebibyte;
    auto* const longer = static_cast<unsigned char*>(std::realloc(block.at, size));
    if (longer == nullptr) break;
    block.at = longer;
    verify(block, kMebibyte, "by realloc");
    block.size = size;
  }
  verify(block, kMebibyte, "by a realloc that found no memory");
  std::free(block.at);
  std::free(make(kMebibyte, 2).at);
}

// The first call of a thread needs memory for the thread itself.
void* try_in_new_thread(void* nothing) {
  void* const block = std::malloc(100);
  std::free(block);
  return nothing;
}
void thread_when_short() {
  limit_address_space("limit.thread");
  void* blocks[4096];
  std::size_t count = 0;
  // A stack is left for the thread, and not much more.
  void* const stack = mmap(nullptr, kMebibyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (std::size_t size = 16 * kMebibyte; size >= 256; size /= 4) {
    while (count < std::size(blocks) && (blocks[count] = std::malloc(size)) != nullptr) ++count;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, kMebibyte);
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, try_in_new_thread, nullptr) == 0) pthread_join(thread, nullptr);
  while (count > 0) std::free(blocks[--count]);
  std::free(make(kMebibyte, 1).at);
}

// Gives the library its time, in steps of a twentieth of a second for two seconds at most, with calls in between: some give
// memory back only then. What is asked is whether it does, not how soon.
template <class Enough>
void wait_until(const Enough& enough) {
  const timespec step{0, 50'000'000};
  for (int i = 0; i < 40 && !enough(); ++i) {
    nanosleep(&step, nullptr);
    for (std::size_t size = 16; size < 100000; size *= 2) std::free(make(size, 1).at);
  }
}

// 48 MiB of small blocks, all freed: at least three quarters of it have to go back.
void freed_memory_goes_back() {
  constexpr std::size_t kCount = std::size_t{48} << 10;
  static void* blocks[kCount];
  const long before = resident_kib();
  for (void*& block : blocks) block = make(1000, 1).at;
  const long full = resident_kib() - before;
  for (void* const block : blocks) std::free(block);
  malloc_trim(0);
  wait_until([&] { return resident_kib() - before < full / 4; });
  const long left = resident_kib() - before;
  if (left >= full / 4) fall_short("of %ld MiB that were freed, %ld MiB stay resident", full / 1024, left / 1024);
}

// One block in 16 stays; the others make room for blocks of another size.
void fragmented_memory_serves() {
  constexpr std::size_t kCount = std::size_t{32} << 10;
  static void* blocks[kCount];
  static void* others[kCount / 4];
  const long before = resident_kib();
  for (void*& block : blocks) block = make(1000, 1).at;
  const long full = resident_kib() - before;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (i % 16 != 0) std::free(blocks[i]);
  }
  malloc_trim(0);
  for (void*& other : others) other = make(3000, 2).at;
  const long now = resident_kib() - before;
  if (now > full * 9 / 4)
    fall_short("%ld MiB were live, then 7 %% of it and %zu MiB of another size: %ld MiB are resident", full / 1024,
               kCount / 4 * 3000 / kMebibyte, now / 1024);
}

std::atomic<unsigned char*> exchange[256];

// A block holds its size and its number at its start; who takes it out verifies it.
void verify_taken(unsigned char* at) {
  Block block{at, 0, 0};
  std::memcpy(&block.size, at, sizeof block.size);
  std::memcpy(&block.number, at + sizeof block.size, sizeof block.number);
  for (std::size_t i = 16; i < block.size; ++i) {
    if (at[i] != byte_of(block.number, i))
      violate("byte %zu of a block of %zu was lost between two threads", i, block.size);
  }
}

unsigned char* stamped(std::size_t size, unsigned number) {
  const Block block = make(size, number);
  std::memcpy(block.at, &block.size, sizeof block.size);
  std::memcpy(block.at + sizeof block.size, &block.number, sizeof block.number);
  return block.at;
}

// Puts blocks of many sizes into places that all threads share, and verifies and frees what was there.
void* hand_over(void* argument) {
  unsigned state = *static_cast<unsigned*>(argument);
  const auto random = [&] { return state = state * 1664525U + 1013904223U; };
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = 16 + (random() >> 8) % (1U << (5 + (random() >> 29)));
    unsigned char* const old = exchange[(random() >> 20) % std::size(exchange)].exchange(stamped(size, random()));
    if (old == nullptr) continue;
    verify_taken(old);
    std::free(old);
  }
  return nullptr;
}

void threads_hand_over(unsigned count) {
  static pthread_t threads[64];
  static unsigned seeds[64];
  for (unsigned i = 0; i < count; ++i) {
    seeds[i] = i * 77 + 1;
    threads[i] = start_thread(hand_over, &seeds[i]);
  }
  for (unsigned i = 0; i < count; ++i) pthread_join(threads[i], nullptr);
  for (auto& place : exchange) {
    unsigned char* const left = place.exchange(nullptr);
    if (left != nullptr) verify_taken(left);
    std::free(left);
  }
}
void few_threads() { threads_hand_over(4); }
void many_threads() { threads_hand_over(64); }

constexpr Case kCases[] = {
    {"robustness", "limit.small", "C11 7.22.3p1, POSIX malloc",
     "under a limit of address space: null and ENOMEM, and what is freed serves again; blocks of 500 bytes",
     short_of_small},
    {"robustness", "limit.medium", "C11 7.22.3p1, POSIX malloc", "the same, blocks of 30,000 bytes", short_of_medium},
    {"robustness", "limit.large", "C11 7.22.3p1, POSIX malloc", "the same, blocks of 3 MiB", short_of_large},
    {"robustness", "limit.new", "C++20 [new.delete.single]", "under a limit, operator new throws bad_alloc",
     new_when_short},
    {"robustness", "limit.realloc", "C11 7.22.3.5p4", "under a limit, a realloc that fails keeps the block",
     realloc_when_short},
    {"robustness", "limit.thread", "C11 7.22.3p1", "a new thread that finds no memory gets null", thread_when_short},
    {"robustness", "memory.returned", "quality: resident memory",
     "a quarter at most of what was freed stays resident, after malloc_trim and two seconds", freed_memory_goes_back},
    {"robustness", "memory.fragmented", "quality: resident memory",
     "where one block in 16 stays, memory is no more than 2.25 times what it was with all", fragmented_memory_serves},
    {"robustness", "threads.few", "C11 7.22.3p2", "4 threads hand blocks over, whose contents are kept", few_threads},
    {"robustness", "threads.many", "C11 7.22.3p2", "64 threads hand blocks over, whose contents are kept",
     many_threads},
};

}  // namespace

constinit const Cases kRobustnessCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
