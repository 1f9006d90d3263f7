//: options symbolizer=none:decay_ms=1000000
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc
//: by when at_once after_1 after_1000 after_10000 in_thread by_thread after_alike decayed
//: fault fast hardened debug: double free in CALL(GIVEN)
// A block freed twice: with other operations between; by another thread than freed it first, or allocated it; after as many
// others of its size as fit no magazine and no quarantine but that of debug; and when its span is free and gave its pages back.
#include "matrix.hpp"

static const Way* way;
static size_t size;

static void release(void* block) { way->release(block); }
static void release_first(void* block) {
  print(STDOUT_FILENO, "freed %d\n", (int)gettid());
  way->release(block);
}
static void release_in_thread(void* block) {
  say_thread();
  way->release(block);
}

// What the heap still knows of the block.
static void describe(const char* block, const char* when) {
  const bool left = is(when, "after_alike") && size > LARGEST_SLOT && !is_policy("debug");
  if (is(when, "decayed") || (left && size > kLargestBlock)) return;  // its span is free
  if (!left) return about_dead(*way, block, size);
  if (way->alignment > 16)
    return print(STDOUT_FILENO, "block ? ? ?\n");  // one with what its alignment left over, or not
  print(STDOUT_FILENO, "block 0x%zx ? %zu\n", (size_t)(uintptr_t)block,
        served_by(*way, block, size));  // retired, or free
}

// Others of its size: so many that the block and its neighbours are in no magazine and no quarantine when all have been freed.
static constexpr int kMost = (1 << 20) + 10000;
static char* others[kMost];
static int as_many_as_push_it_out() {
  if (!is_policy("debug")) return 1000;
  const size_t count = (size_t{65} << 20) / size + 400;
  return count > kMost ? kMost : (int)count;
}
static void make_others(int count) {
  for (int i = 0; i < count; ++i) others[i] = made(*way, size);
}
static void free_others(int first, int count, int step) {
  for (int i = first; i < count; i += step) release(others[i]);
}

// A block that is freed; unless its span is to become free as well, its neighbours live, so that it stays one.
static char* freed_block(const char* when) {
  const bool decayed = is(when, "decayed");
  const int count = decayed ? as_many_as_push_it_out() : 80;
  make_others(count);
  char* const block = others[decayed ? 100 : 40];
  is(when, "by_thread") ? call_in_thread(release_first, block) : release(block);
  if (is(when, "after_alike")) free_others(2, count, 4);
  if (strncmp(when, "after_1", 7) == 0) other_operations((int)strtol(when + 6, nullptr, 10));
  if (decayed) free_others(0, 100, 1);
  if (decayed) free_others(101, count, 1);
  if (decayed) CALL(trestle_malloc_trim)(0);
  return hidden(block);
}

int main(int, char** words) {
  size = bytes_of(words[1]);
  way = &row_named(kWays, words[2]);
  const char* const when = words[3];
  char* const block = freed_block(when);
  print(STDOUT_FILENO, "call %s\n", way->released);
  give(block);
  describe(block, when);
  is(when, "in_thread") ? call_in_thread(release_in_thread, block) : release(block);
  return ok();
}
