//: options symbolizer=none
//: unsymbolized
//: by size 8B 4KiB 256KiB 8MiB
//: by way malloc new new[] aligned realloc thread delayed
//: by length by1B by8B by32B
//: by left beside_live beside_freed
//: without fast hardened [8B 4KiB aligned]: such a slot begins a cache line, below which its release does not look
//: fault hardened debug [8B malloc new new[] realloc thread delayed by1B beside_live]: write before start in CALL(GIVEN)
//: fault hardened debug [8B malloc new new[] realloc thread delayed by8B by32B beside_live]: write past end in CALL(GIVEN)
//: fault hardened debug [4KiB malloc new new[] realloc thread delayed by1B by8B beside_live]: write before start in CALL(GIVEN)
//: fault hardened debug [4KiB malloc new new[] realloc thread delayed by32B beside_live]: write past end in CALL(GIVEN)
//: fault debug [8B 4KiB aligned beside_live]: write before start in CALL(GIVEN)
//: fault hardened debug [8B malloc new new[] realloc thread delayed beside_freed]: write before start in CALL(GIVEN)
//: fault debug [4KiB malloc new new[] realloc thread delayed beside_freed]: write before start in CALL(GIVEN)
//: fault debug [8B 4KiB aligned beside_freed]: write before start in CALL(GIVEN)
//: without hardened [4KiB malloc new new[] realloc thread delayed beside_freed]: the left one's poison ends before
//: fault fast hardened debug [256KiB]: header corrupt in CALL(GIVEN)
//: fault hardened debug [8MiB]: write before start in CALL(GIVEN)
// Bytes before a block overwritten, seen when it is released. What lies there is a slot's left neighbour: if that lives, and
// none of its pad is left, that is said to have gone too far. Under hardened, slots that begin a cache line are left out.
#include "matrix.hpp"

static const Way* way;
static size_t size;

struct Two {
  char* left;
  char* right;
};

// Neighbours in memory. Of slots, under hardened, the right one begins no cache line.
static Two neighbours() {
  static char* all[64];
  for (char*& block : all) block = made(*way, size);
  const bool slots = size <= LARGEST_SLOT;
  const size_t apart = served_by(*way, all[0], size) + (slots ? 0 : 16);
  const size_t gap = slots ? 0 : 2 * way->alignment;  // what alignment may leave between blocks
  for (char* const right : all) {
    if (size > kLargestBlock) return {right, right};
    if ((uintptr_t)right % 4096 < 64 && size < 4096) continue;  // what is written lies in the slab
    if (slots && is_policy("hardened") && (uintptr_t)right % 64 == 0) continue;
    for (char* const left : all) {
      const size_t between = (size_t)(right - left);
      if (right > left && between >= apart && between <= apart + gap) return {left, right};
    }
  }
  failed("there are neighbours", __FILE__, __LINE__);
  return {};
}

// Zeros, which no canary has, or bytes that are not what they were.
static void write_before(char* block, size_t length, bool zeros) {
  for (volatile char* at = block - length; at != block; ++at) *at = zeros ? '\0' : (char)(*at ^ 0xff);
}

static void say_slot(const Two& two, size_t length, bool beside_live) {
  char* const block = two.right;
  const size_t served = served_by(*way, block, size);
  const bool no_pad_left = served - size <= length;
  size_t off = beside_live || length < 16 ? length : 16;  // of poison no more is looked at
  if (beside_live && no_pad_left) off = 1;
  wrong_at(block - off);
  if (beside_live && no_pad_left)
    concerns(two.left, is_debug() ? size : 0, served);
  else
    about_live(*way, block, size);
}
static void say_block(char* block, size_t length) {
  uint64_t mask = 0;  // of the tag, just before the block
  memset((char*)&mask + 8 - (length < 8 ? length : 8), 0xFF, length < 8 ? length : 8);
  const uint64_t tag = word_at(block - 8);
  if (length <= 8) evidence(tag, tag ^ mask);
  if (length > 8) print(STDOUT_FILENO, "evidence ? 0x%zx\n", (size_t)~tag);  // what it is the tag of is another word
  concerns(block, 0, 0);
}
static void say_large(char* block, size_t length) {
  wrong_at(block - length);
  evidence((unsigned char)block[-(ptrdiff_t)length], 0);
  about_live(*way, block, size);
}

int main(int, char** words) {
  size = bytes_of(words[1]);
  way = &row_named(kWays, words[2]);
  const size_t length = bytes_of(words[3] + 2);
  const Two two = neighbours();
  const bool live = is(words[4], "beside_live");
  if (!live && size <= kLargestBlock) way->release(two.left);
  print(STDOUT_FILENO, "call %s\n", way->released);
  give(two.right);
  if (size <= LARGEST_SLOT) say_slot(two, length, live);
  if (size > LARGEST_SLOT && size <= kLargestBlock) say_block(two.right, length);
  if (size > kLargestBlock) say_large(two.right, length);
  write_before(two.right, length, (size <= LARGEST_SLOT && live) || size > kLargestBlock);
  way->release(hidden(two.right));
  return ok();
}
