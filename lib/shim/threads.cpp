// Threads that begin while the library is preloaded: each says where its stack lies, so that a stack is read without a call of
// the system. Threads that the C library begins by itself, or that were given their stack, do not.
#include <dlfcn.h>
#include <pthread.h>

#include <array>
#include <atomic>

#include "base/arith.hpp"
#include "report/stack.hpp"
#include "shim/process_heap.hpp"

namespace trestle {
namespace {

using Body = void* (*)(void*);
using Create = int (*)(pthread_t*, const pthread_attr_t*, Body, void*);

// How a thread is to begin, until it has. Those that a child of fork inherits from other threads stay taken.
struct Beginning {
  std::atomic<bool> is_taken{false};
  Body body = nullptr;
  void* given = nullptr;
};
constinit std::array<Beginning, 256> beginnings{};

// Null: so many threads are about to begin at once.
Beginning* take_beginning() noexcept {
  for (Beginning& one : beginnings) {
    if (!one.is_taken.load(std::memory_order_relaxed) && !one.is_taken.exchange(true, std::memory_order_acquire))
      return &one;
  }
  return nullptr;
}

// The C library asks for memory meanwhile, and holds the thread's own lock: here nobody waits for that.
void tell_stack_of_thread() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* lowest = nullptr;
  std::size_t bytes = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &bytes) == 0)  // without its guard pages
    tell_own_stack(address_of(lowest), address_of(lowest) + bytes);
  pthread_attr_destroy(&attributes);
}

// A thread that ends in the midst of this is unwound through it: hence not noexcept.
void* begin_thread(void* given) {
  auto& how = *static_cast<Beginning*>(given);
  const Body body = how.body;
  void* const its = how.given;
  how.is_taken.store(false, std::memory_order_release);
  const int kept = errno;
  tell_stack_of_thread();
  errno = kept;
  return body(its);
}

// Where nobody says of attributes whose stack is to be, they are of a stack that ends at the address 0.
bool is_given_stack(const pthread_attr_t* attributes) noexcept {
  void* lowest = nullptr;
  std::size_t bytes = 0;
  if (attributes == nullptr) return false;
  return pthread_attr_getstack(attributes, &lowest, &bytes) != 0 || address_of(lowest) + bytes != 0;
}

Create next_create() noexcept {
  static constinit std::atomic<Create> found{nullptr};
  Create next = found.load(std::memory_order_relaxed);
  if (next == nullptr) [[unlikely]] {
    next = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    found.store(next, std::memory_order_relaxed);
  }
  return next;
}

}  // namespace
}  // namespace trestle

extern "C" TRESTLE_API int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                                          void* given) noexcept {
  using namespace trestle;
  const Create create = next_create();
  if (create == nullptr) return EAGAIN;
  Beginning* const how = is_given_stack(attributes) ? nullptr : take_beginning();
  if (how == nullptr) return create(thread, attributes, body, given);
  how->body = body;
  how->given = given;
  const int error = create(thread, attributes, begin_thread, how);
  if (error != 0) how->is_taken.store(false, std::memory_order_release);
  return error;
}
