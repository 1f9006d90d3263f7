// What the programs of the matrix share: their arguments, which are the words of the case, and the ways a block comes and goes.
// What each expects under which policy stands in its first lines; props/shim/cases.py tells how they are read.
#pragma once

#include <pthread.h>

#include <new>

#include "fault.h"

// The row of a table by its name.
template <class Row, unsigned kCount>
const Row& row_named(const Row (&rows)[kCount], const char* name) {
  for (const Row& row : rows) {
    if (name != nullptr && strcmp(row.name, name) == 0) return row;
  }
  failed(name == nullptr ? "an argument" : name, "no such word", 0);
  __builtin_unreachable();
}

// A number with B, KiB or MiB behind it, and perhaps +1 or -1: 8B, 4KiB, 256KiB-1.
inline size_t bytes_of(const char* word) {
  char* rest = nullptr;
  size_t bytes = strtoull(word, &rest, 10);
  if (*rest == 'K') bytes <<= 10;
  if (*rest == 'M') bytes <<= 20;
  const char* const sign = strpbrk(rest, "+-");
  must(rest != word && strchr(rest, 'B') != nullptr);
  return sign == nullptr ? bytes : bytes + (size_t)strtol(sign, nullptr, 10);
}

constexpr size_t kLargestBlock = 256 << 10;  // what is larger has a span of its own

// Runs `call` on the pointer in a thread of its own.
struct Errand {
  void (*call)(void* at);
  void* at;
};
inline void* run_errand(void* errand) {
  const Errand& what = *static_cast<Errand*>(errand);
  what.call(what.at);
  return nullptr;
}
inline void call_in_thread(void (*call)(void* at), void* at) {
  Errand errand{call, at};
  pthread_t thread;
  must(pthread_create(&thread, nullptr, run_errand, &errand) == 0 && pthread_join(thread, nullptr) == 0);
}
inline void say_thread() { print(STDOUT_FILENO, "thread %d\n", (int)gettid()); }

// Before an access that is refused: what a report of it has to know; or, under fast, which has none, that all went well so far.
inline void about_refused(const char* access, const volatile char* at, const void* block, size_t requested,
                          size_t served) {
  if (is_fast()) {
    ok();
    return;
  }
  print(STDOUT_FILENO, "call a %s\n", access);
  say_thread();
  wrong_at(const_cast<const char*>(at));
  concerns(block, requested, served);
}

// So many calls that allocate or free slots of sizes that the matrix has none of, some of which live on for a while: they leave
// its memory alone.
inline void other_operations(int count) {
  static void* kept[32];
  static const size_t sizes[] = {24, 200, 1500, 6000, 20000, 100, 700, 90};
  for (int i = 0; i < count; ++i) {
    void*& slot = kept[i % 32];
    if (slot == nullptr) {
      slot = malloc(sizes[i % 8]);
      must(hidden(slot) != nullptr);
    } else {
      free(slot);
      slot = nullptr;
    }
  }
}
inline void free_in_thread(void* at) {
  call_in_thread(
      [](void* block) {
        say_thread();
        free(block);
      },
      at);
}
inline void free_later(void* at) {
  other_operations(10000);
  free(at);
}

// How a block comes and goes again.
struct Way {
  const char* name;      // the word
  const char* made;      // by this function, as a report names it,
  const char* released;  // and by this one
  size_t alignment;
  void* (*make)(size_t size);
  void (*release)(void* block);
};
constexpr Way kWays[] = {
    {"malloc", "malloc", "free", 16, [](size_t size) { return malloc(size); }, [](void* at) { free(at); }},
    {"new", "operator new", "operator delete", 16, [](size_t size) { return ::operator new(size); },
     [](void* at) { ::operator delete(at); }},
    {"new[]", "operator new[]", "operator delete[]", 16, [](size_t size) { return ::operator new[](size); },
     [](void* at) { ::operator delete[](at); }},
    {"aligned", "aligned_alloc", "free", 64, [](size_t size) { return aligned_alloc(64, size); },
     [](void* at) { free(at); }},
    {"realloc", "realloc", "free", 16, [](size_t size) { return realloc(malloc(1), size); },
     [](void* at) { free(at); }},
    {"thread", "malloc", "free", 16, [](size_t size) { return malloc(size); }, free_in_thread},
    {"delayed", "malloc", "free", 16, [](size_t size) { return malloc(size); }, free_later},
};

inline char* made(const Way& way, size_t size) {
  char* const block = hidden(way.make(size));
  must(block != nullptr);
  return block;
}

// Says what a report has to know of the block, live or freed.
inline size_t served_by(const Way& way, const void* block, size_t size) {
  const size_t with_pad = size + (is_fast() ? 0 : 1);
  const size_t aligned = (with_pad + way.alignment - 1) / way.alignment * way.alignment;
  if (aligned <= LARGEST_SLOT) return slot_for(aligned);
  if (size <= kLargestBlock) return served_for(size);
  const size_t end = (size_t)(uintptr_t)block + size;
  return (end + 4095) / 4096 * 4096 - (size_t)(uintptr_t)block;
}
inline void about_live(const Way& way, const void* block, size_t size) {
  const bool untold = is_fast() && size <= LARGEST_SLOT;
  concerns(block, untold ? 0 : size, served_by(way, block, size));
}
inline void about_dead(const Way& way, const void* block, size_t size) {
  concerns(block, size < LARGEST_SLOT && !is_debug() ? 0 : size, served_by(way, block, size));
}

inline bool is(const char* word, const char* other) { return strcmp(word, other) == 0; }
inline bool is_policy(const char* name) { return is(trestle_policy_name(), name); }
