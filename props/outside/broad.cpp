#include "broad.hpp"

#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <span>

#include "support.h"

namespace outside {
namespace {

constexpr int kErrno = 4242;  // which no call sets
constexpr std::size_t kSizes[] = {0, 8, 100, 4096, 32768, 40000, 262144, 300000, 1 << 20, 8 << 20};
constexpr std::size_t kFewSizes[] = {0, 24, 1000, 100000, 400000};  // of each way but malloc
constexpr std::size_t kGrowth[] = {300000, 700000, 2 << 20, 3 << 20, 1 << 20, 280000, 100000, 40};
constexpr std::size_t kWays = 12;
constexpr std::size_t kThreads = 2;

// Where a block's bytes are written and looked at: all of a small one, of a large one some in each 64 KiB, and its end.
template <class Visit>
void at_places(std::size_t bytes, Visit visit) {
  constexpr std::size_t kWhole = 4096;
  constexpr std::size_t kStep = std::size_t{64} << 10;
  constexpr std::size_t kPiece = 32;
  if (bytes <= kWhole) return visit(std::size_t{0}, bytes);
  for (std::size_t at = 0; at + kPiece <= bytes; at += kStep) visit(at, kPiece);
  visit(bytes - kPiece, kPiece);
}

// What the program was given, or null.
struct Block {
  unsigned char* at = nullptr;
  std::size_t bytes = 0;
  unsigned char seed = 0;

  [[nodiscard]] unsigned char byte(std::size_t index) const {
    return static_cast<unsigned char>(seed + index + (index >> 12));
  }
  void fill() const {
    at_places(bytes, [&](std::size_t from, std::size_t length) {
      for (std::size_t i = from; i < from + length; ++i) at[i] = byte(i);
    });
  }
  void must_hold() const {
    if (at != nullptr) must_be_at(at, bytes);
  }
  // The first `kept` bytes of it lie there.
  void must_be_at(const unsigned char* there, std::size_t kept) const {
    at_places(bytes, [&](std::size_t from, std::size_t count) {
      for (std::size_t i = from; i < std::min(from + count, kept); ++i) must(there[i] == byte(i));
    });
  }
};

// One thread's blocks. All that is asked of the library goes through here.
class User {
 public:
  User(const Use& use, unsigned seed) : use_(use), seed_(seed) {}

  void allocate_all_sizes() {
    for (const std::size_t bytes : kSizes) allocate(0, bytes);
  }
  void allocate_in_all_ways() {
    for (std::size_t way = 1; way < kWays; ++way) {
      for (const std::size_t bytes : kFewSizes) allocate(way, bytes);
    }
    must_hold_all();
  }
  void grow_and_shrink() {
    std::array<Block*, 2> in_turn{allocate(0, kGrowth[0]), allocate(0, kGrowth[0])};  // each in the other's way
    for (const std::size_t bytes : kGrowth) {
      for (Block* const block : in_turn) {
        if (block != nullptr) reallocate(*block, bytes);
      }
    }
    Block* const small = allocate(0, 8);
    for (std::size_t bytes = 8; small != nullptr && bytes < 200000; bytes = bytes * 3 + 1) reallocate(*small, bytes);
  }
  void free_every(std::size_t other) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (i % other == 0) release(blocks_[i]);
    }
  }
  void must_hold_all() const {
    for (const Block& block : std::span(blocks_).first(count_)) block.must_hold();
  }
  [[nodiscard]] const Use& use() const { return use_; }

 private:
  Block* allocate(std::size_t way, std::size_t bytes);
  [[nodiscard]] unsigned char* allocate_some(std::size_t way, std::size_t bytes) const;
  [[nodiscard]] unsigned char* allocate_by_new(std::size_t way, std::size_t bytes) const;
  [[nodiscard]] bool is_from_new(std::size_t way) const { return way >= 10; }
  void reallocate(Block& block, std::size_t bytes);
  static void release(Block& block);

  Use use_;
  unsigned seed_;
  std::size_t count_ = 0;
  std::array<Block, 256> blocks_{};
};

unsigned char* User::allocate_by_new(std::size_t way, std::size_t bytes) const {
  if (way == 10 || !use_.can_throw)
    return static_cast<unsigned char*>(::operator new(bytes, std::align_val_t{64}, std::nothrow));
  try {
    return static_cast<unsigned char*>(::operator new(bytes));
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return nullptr;
  }
}

unsigned char* User::allocate_some(std::size_t way, std::size_t bytes) const {
  void* made = nullptr;
  switch (way) {
    case 0:
    case 1:
      return static_cast<unsigned char*>(malloc(bytes));
    case 2: {
      auto* const zeroed = static_cast<unsigned char*>(calloc(1, bytes));
      if (zeroed != nullptr) {
        at_places(bytes, [&](std::size_t from, std::size_t count) {
          for (std::size_t i = from; i < from + count; ++i) must(zeroed[i] == 0);
        });
      }
      return zeroed;
    }
    case 3:
      return static_cast<unsigned char*>(aligned_alloc(4096, bytes));
    case 4: {
      errno = kErrno;
      const int why = posix_memalign(&made, std::size_t{64} << 10, bytes);
      must(errno == kErrno && (why == 0 || why == ENOMEM));
      if (why != 0) errno = why;
      return why == 0 ? static_cast<unsigned char*>(made) : nullptr;
    }
    case 5:
      return static_cast<unsigned char*>(memalign(std::size_t{2} << 20, bytes));
    case 6:
      return static_cast<unsigned char*>(reallocarray(nullptr, 1, bytes));
    case 7:
      return static_cast<unsigned char*>(realloc(nullptr, bytes));
    case 8:
      return static_cast<unsigned char*>(valloc(bytes));
    case 9:
      return static_cast<unsigned char*>(pvalloc(bytes));
    default:
      return allocate_by_new(way, bytes);
  }
}

Block* User::allocate(std::size_t way, std::size_t bytes) {
  errno = kErrno;
  unsigned char* const made = allocate_some(way, bytes);
  const bool sets_no_errno = is_from_new(way);  // the standard asks for none there
  must(made != nullptr || use_.may_fail);
  must(sets_no_errno || errno == (made == nullptr ? ENOMEM : kErrno));
  if (made == nullptr) return nullptr;
  must(malloc_usable_size(made) >= bytes);
  Block block{made, bytes, static_cast<unsigned char>(++seed_)};
  block.fill();
  must(count_ < blocks_.size());
  // What came by new is not for realloc or free.
  if (!is_from_new(way)) return &(blocks_[count_++] = block);
  block.must_hold();
  if (way == 10 || !use_.can_throw)
    ::operator delete(made, std::align_val_t{64});
  else
    ::operator delete(made, bytes);
  return nullptr;
}

void User::reallocate(Block& block, std::size_t bytes) {
  errno = kErrno;
  auto* const made = static_cast<unsigned char*>(realloc(block.at, bytes));
  must(made != nullptr || use_.may_fail);
  must(errno == (made == nullptr ? ENOMEM : kErrno));
  if (made == nullptr) return block.must_hold();
  block.must_be_at(made, std::min(block.bytes, bytes));
  block = {made, bytes, block.seed};
  block.fill();
}

void User::release(Block& block) {
  block.must_hold();
  errno = kErrno;
  free(block.at);
  must(errno == kErrno);
  block.at = nullptr;
}

void must_be_sound() {
  errno = kErrno;
  must(CALL(trestle_heap_check)(nullptr, 0) == 0);
}

// In a thread, and what it leaves to another to free.
struct Lent {
  Use use;
  void* left = nullptr;
};
void* use_in_thread(void* argument) {
  auto& lent = *static_cast<Lent*>(argument);
  User user(lent.use, 77);
  user.grow_and_shrink();
  user.free_every(1);
  lent.left = malloc(500);
  must(lent.left != nullptr || lent.use.may_fail);
  return nullptr;
}
void use_in_threads(const Use& use) {
  std::array<pthread_t, kThreads> threads{};
  std::array<Lent, kThreads> lent;
  std::array<bool, kThreads> runs{};
  for (std::size_t i = 0; i < kThreads; ++i) {
    lent[i].use = use;
    runs[i] = pthread_create(&threads[i], nullptr, use_in_thread, &lent[i]) == 0;
    must(runs[i] || use.may_fail);
  }
  for (std::size_t i = 0; i < kThreads; ++i) {
    if (runs[i]) must(pthread_join(threads[i], nullptr) == 0);
    free(lent[i].left);
  }
}

// What the parent had is the child's as well.
void use_in_child(User& user) {
  const pid_t child = fork();
  must(child >= 0 || user.use().may_fail);
  if (child == 0) {
    user.must_hold_all();
    user.free_every(2);
    user.allocate_all_sizes();
    user.must_hold_all();
    must_be_sound();
    _exit(0);
  }
  int status = 0;
  if (child > 0) must(waitpid(child, &status, 0) == child && status == 0);
}

}  // namespace

void use_broadly(const Use& use) {
  User user(use, 0);
  user.allocate_all_sizes();
  user.allocate_in_all_ways();
  user.free_every(3);
  must_be_sound();
  user.grow_and_shrink();
  use_in_threads(use);
  errno = kErrno;
  (void)malloc_trim(0);
  must(errno == kErrno);
  use_in_child(user);
  user.must_hold_all();
  user.free_every(2);
  must_be_sound();
  user.allocate_all_sizes();
  user.must_hold_all();
  (void)CALL(trestle_collect)();
  user.free_every(1);
}

void must_serve_all() {
  User user({.may_fail = false, .can_throw = true}, 0);
  must_be_sound();
  user.allocate_all_sizes();
  user.free_every(1);
  must_be_sound();
}

}  // namespace outside
