#include "to_c.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <variant>

#include "ops/foreign_host.hpp"

namespace trestle::conform {
namespace {

constexpr const char* kHead = R"(#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static struct { unsigned char *at; size_t size; unsigned seed; } blocks[64];
static unsigned seeds;

static void fail(int slot, const char *what) {
  fprintf(stderr, "block %d: %s\n", slot, what);
  exit(1);
}
static unsigned char byte_of(unsigned seed, size_t i) {
  return (unsigned char)((seed * 37 + i * 7 + (i >> 8)) | 1);
}
static void verify(int slot, const unsigned char *at, size_t size) {
  for (size_t i = 0; i < size; ++i)
    if (at[i] != byte_of(blocks[slot].seed, i)) fail(slot, "contents lost");
}
static void verify_all(void) {
  for (int slot = 0; slot < 64; ++slot)
    if (blocks[slot].at) verify(slot, blocks[slot].at, blocks[slot].size);
}
/* The block is the caller's from now on: aligned, apart from all others, and as long as it says. */
static void hold(int slot, void *block, size_t size, size_t alignment) {
  unsigned char *at = block, *end = at + (size ? size : 1);
  if (!at && size) fail(slot, "null although there is memory");
  if (!at) return;
  if ((uintptr_t)at % alignment) fail(slot, "misaligned");
  for (int other = 0; other < 64; ++other) {
    unsigned char *start = blocks[other].at;
    if (other != slot && start && start < end && at < start + (blocks[other].size ? blocks[other].size : 1))
      fail(slot, "overlaps another live block");
  }
  if (malloc_usable_size(at) < size) fail(slot, "usable size less than the request");
  blocks[slot].at = at, blocks[slot].size = size, blocks[slot].seed = ++seeds;
  for (size_t i = 0; i < size; ++i) at[i] = byte_of(blocks[slot].seed, i);
  verify_all();
}
void hold_zeroed(int slot, unsigned char *at, size_t size, size_t alignment) {
  for (size_t i = 0; at && i < size; ++i)
    if (at[i]) fail(slot, "memory not zeroed");
  hold(slot, at, size, alignment);
}
void resize(int slot, size_t size, size_t alignment) {
  unsigned char *at = realloc(blocks[slot].at, size ? size : 1);
  if (!at) fail(slot, "realloc gave null although there is memory");
  verify(slot, at, size < blocks[slot].size ? size : blocks[slot].size);
  hold(slot, at, size, alignment);
}
void refuse(int slot, void *block) {
  if (block) fail(slot, "a size that no machine has was served");
  verify_all();
}
static void release(int slot) {
  verify(slot, blocks[slot].at, blocks[slot].size);
  free(blocks[slot].at);
  blocks[slot].at = NULL;
  verify_all();
}
void measure_all(void) {
  for (int slot = 0; slot < 64; ++slot)
    if (blocks[slot].at && malloc_usable_size(blocks[slot].at) < blocks[slot].size) fail(slot, "usable size too small");
  free(NULL);
  free(realloc(NULL, 16));
}
void *aligned(size_t alignment, size_t size) {
  void *at = NULL;
  return posix_memalign(&at, alignment, size) == 0 ? at : NULL;
}

static void release_all(void) {
  for (int slot = 0; slot < 64; ++slot)
    if (blocks[slot].at) release(slot);
}
)";

constexpr const char* kThreads = R"(
/* Threads that take turns: one calls, the others wait. What an ended thread still does, it does in the second round of its
   destructors, when those of the malloc have run. */
static struct thread { pthread_t id; sem_t turn, done; void (*part)(void); int rounds; } threads[4];
static pthread_key_t at_end;

static void serve(struct thread *self) {
  for (;;) {
    while (sem_wait(&self->turn)) {}
    if (!self->part) return;
    self->part();
    sem_post(&self->done);
  }
}
static void outlive(void *self) {
  if (((struct thread *)self)->rounds++ == 0) {
    pthread_setspecific(at_end, self);
    return;
  }
  sem_post(&((struct thread *)self)->done);
  serve(self);
}
static void *live(void *self) {
  serve(self);
  pthread_setspecific(at_end, self);
  return NULL;
}
static void begin(int thread) {
  threads[thread].rounds = 0;
  sem_init(&threads[thread].turn, 0, 0);
  sem_init(&threads[thread].done, 0, 0);
  if (pthread_create(&threads[thread].id, NULL, live, &threads[thread])) fail(-1, "pthread_create failed");
}
static void on(int thread, void (*part)(void)) {
  threads[thread].part = part;
  sem_post(&threads[thread].turn);
  while (sem_wait(&threads[thread].done)) {}
}
static void end(int thread) { on(thread, NULL); }
static void join(int thread) {
  threads[thread].part = NULL;
  sem_post(&threads[thread].turn);
  pthread_join(threads[thread].id, NULL);
}
)";

constexpr const char* kTail = R"(  puts("nothing is wrong");
}
)";

std::string text_of(std::size_t number) { return std::to_string(number) + "u" + (number >> 31 != 0 ? "l" : ""); }

std::size_t owed(std::size_t size) { return std::bit_floor(std::clamp<std::size_t>(size, 1, kMinAlignment)); }

// No machine has as much, and what the vocabulary has of such sizes lies about PTRDIFF_MAX: the only answer to expect is null.
bool is_beyond_all(std::size_t size) { return size >= std::size_t{1} << 30; }

// One statement an op. Which slots hold a block the model knows, so that an op without a meaning is left out; which threads
// there are, as ops/crew.hpp has them, is known here.
class Printer {
 public:
  std::string print(const ops::Program& program) {
    for (const ops::Op& op : program.ops) {
      std::visit(
          [&](const auto& one) {
            if (one.enabled(model_)) add(one);
          },
          op);
    }
    body_ += "  release_all();\n";
    end_turn();
    for (std::size_t thread = 1; thread < threads_.size(); ++thread) {
      if (threads_[thread] == State::serving) call("end", thread);
      if (threads_[thread] != State::none) call("join", thread);
    }
    const std::string threads = has_threads_ ? kThreads + parts_ : "";
    const std::string key = has_threads_ ? "  pthread_key_create(&at_end, outlive);\n" : "";
    return threads + "\nint main(void) {\n" + key + main_;
  }

 private:
  // Held, or refused where no allocator can serve it.
  template <class Allocating>
  void take(const Allocating& op, const char* how, const std::string& call, std::size_t alignment) {
    const std::string slot = std::to_string(ops::index_of(op.slot));
    if (is_beyond_all(op.size)) {
      body_ += "  refuse(" + slot + ", " + call + ");\n";
      return;
    }
    body_ += std::string("  ") + how + "(" + slot + ", " + call + ", " + text_of(op.size) + ", " + text_of(alignment) +
             ");\n";
    op.apply(model_);
  }
  void add(const ops::Allocate& op) {
    const bool is_plain = op.alignment <= kMinAlignment;
    const std::string pair = text_of(op.alignment) + ", " + text_of(op.size) + ")";
    const std::string call = is_plain                      ? "malloc(" + text_of(op.size) + ")"
                             : op.size % op.alignment == 0 ? "aligned_alloc(" + pair
                                                           : "aligned(" + pair;
    take(op, "hold", call, is_plain ? owed(op.size) : op.alignment);
  }
  void add(const ops::AllocateZeroed& op) {
    take(op, "hold_zeroed", "calloc(1, " + text_of(op.size) + ")", owed(op.size));
  }
  void add(const ops::Reallocate& op) {
    const std::string slot = std::to_string(ops::index_of(op.slot));
    if (is_beyond_all(op.size)) {
      body_ += "  refuse(" + slot + ", realloc(blocks[" + slot + "].at, " + text_of(op.size) + "));\n";
      return;
    }
    body_ += "  resize(" + slot + ", " + text_of(op.size) + ", " + text_of(owed(op.size)) + ");\n";
    op.apply(model_);
  }
  void add(const ops::Free& op) {
    body_ += "  release(" + std::to_string(ops::index_of(op.slot)) + ");\n";
    op.apply(model_);
  }
  void add(const ops::Check&) { body_ += "  measure_all();\n"; }
  void add(const ops::RunOn& op) {
    end_turn();
    if (threads_[turn_] == State::ending) {
      call("join", turn_);
      threads_[turn_] = State::none;
    }
    turn_ = ops::Crew::index_of(op.thread);
    if (turn_ == 0 || threads_[turn_] != State::none) return;
    call("begin", turn_);
    threads_[turn_] = State::serving;
    has_threads_ = true;
  }
  void add(const ops::EndThread&) {
    if (threads_[turn_] != State::serving) return;
    end_turn();
    call("end", turn_);
    threads_[turn_] = State::ending;
  }
  // No vocabulary of a foreign malloc has any other.
  template <class Other>
  void add(const Other&) {}

  // What the thread does in its turn becomes a function; the program's own thread does it at once.
  void end_turn() {
    if (turn_ == 0) {
      main_ += body_;
    } else if (!body_.empty()) {
      const std::string part = "part_" + std::to_string(++count_);
      parts_ += "\nstatic void " + part + "(void) {\n" + body_ + "}\n";
      main_ += "  on(" + std::to_string(turn_) + ", " + part + ");\n";
    }
    body_.clear();
  }
  void call(const char* function, std::size_t thread) {
    main_ += std::string("  ") + function + "(" + std::to_string(thread) + ");\n";
  }

  enum class State { none, serving, ending };

  ops::Model model_{ops::ForeignHost::kFeatures, 0, 0, 0};
  std::array<State, ops::Crew::kThreads> threads_{};  // of the first, the program's own, always `none`
  std::size_t turn_ = 0;
  std::size_t count_ = 0;
  bool has_threads_ = false;
  std::string body_;   // of the turn
  std::string parts_;  // of turns that are over
  std::string main_;
};

}  // namespace

std::string to_c(const ops::Program& program, const std::string& why) {
  return "/* " + why + ".\n   cc -fno-builtin -pthread -o program program.c; LD_PRELOAD=LIBRARY ./program */\n" +
         kHead + Printer().print(program) + kTail;
}

}  // namespace trestle::conform
