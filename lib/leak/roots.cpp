#include "leak/roots.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

#include "base/arith.hpp"

namespace trestle {
namespace {

constexpr std::uintptr_t kRedZone = 128;  // below a stack pointer, in use all the same

// Where a thread is: what of its stack is in use begins there, and a thread pointer, which is in its own stack's mapping.
struct Position {
  std::uintptr_t stack;
  std::uintptr_t thread;
};

// A signal handler on a stack of its own: where that lies, others may lie too.
bool is_on_alternate_stack() noexcept {
  stack_t seen{};
  return sigaltstack(nullptr, &seen) == 0 && (seen.ss_flags & SS_ONSTACK) != 0;
}

struct Scan {
  Reach& reach;
  std::span<const AddressRange> own;
  const os::StoppedThreads& others;
  Position caller;
  std::size_t stack_bytes;  // of a thread that asked for none
  os::HeldPages pages;

  template <class Visit>
  void for_each_thread(Visit visit) const noexcept {
    visit(caller);
    for (const auto& thread : others.threads()) visit(Position{thread.stack_pointer - kRedZone, thread.thread_pointer});
  }
  // Whether it is a stack that the C library has made for that thread, as it makes them: a guard, and above the stack the
  // thread's control block, at the end of so many bytes.
  [[nodiscard]] bool is_made_for(const Position& thread, const os::Mapping& mapping) const noexcept {
    constexpr std::size_t kControl = 4 * kOsPage;  // and more than what lies above a thread pointer
    const std::size_t below = thread.thread - mapping.guard_begin;
    const bool is_as_long = below < stack_bytes && stack_bytes - below <= kControl;
    return is_as_long && thread.stack < thread.thread;  // else it is in a handler, whose stack lies above
  }
  // Where the part of a mapping begins that is in use: at a stack pointer, if it is one thread's stack and nothing else.
  [[nodiscard]] std::uintptr_t begin_of(const os::Mapping& mapping) const noexcept {
    const auto holds = [&](std::uintptr_t at) { return at >= mapping.begin && at < mapping.end; };
    std::size_t stacks = 0;
    std::size_t threads = 0;
    Position only{};
    for_each_thread([&](const Position& position) {
      threads += holds(position.thread) ? 1 : 0;
      if (!holds(position.stack)) return;
      ++stacks;
      only = position;
    });
    const bool is_its_own =
        mapping.is_first_stack ? threads == 0 : threads == 1 && holds(only.thread) && is_made_for(only, mapping);
    return stacks == 1 && is_its_own ? only.stack : mapping.begin;
  }

  struct Part {
    Reach& reach;
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  void read(const os::Mapping& mapping, std::uintptr_t begin, std::uintptr_t end) const noexcept {
    if (begin >= end) return;
    Part part{reach, begin, end};
    pages.for_each_run(
        mapping, begin - begin % kOsPage, align_up(end, kOsPage),
        [](std::uintptr_t from, std::uintptr_t to, void* context) {
          const Part& wanted = *static_cast<const Part*>(context);
          wanted.reach.mark_from(reinterpret_cast<const std::byte*>(std::max(from, wanted.begin)),
                                 reinterpret_cast<const std::byte*>(std::min(to, wanted.end)));
        },
        &part);
  }
  // But for what is the allocator's.
  void read(const os::Mapping& mapping) const noexcept {
    std::uintptr_t begin = begin_of(mapping);
    for (const AddressRange& range : own) {
      if (range.end <= begin || range.begin >= mapping.end) continue;
      read(mapping, begin, range.begin);
      begin = range.end;
    }
    read(mapping, begin, mapping.end);
  }
};

bool can_read_own_memory() noexcept {
  const std::uintptr_t word = 1;
  std::uintptr_t copy = 0;
  return os::read_own_memory(&word, &copy, sizeof word) && copy == word;
}

}  // namespace

std::size_t default_stack_bytes() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) != 0) return 0;
  std::size_t stack = 0;
  std::size_t guard = 0;
  pthread_attr_getstacksize(&attributes, &stack);
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);
  return stack + guard;
}

bool mark_from_roots(Reach& reach, std::span<const AddressRange> own, const os::StoppedThreads& others,
                     const os::Caller& caller, std::size_t stack_bytes, RootsRoom& room) noexcept {
  if (!can_read_own_memory()) return false;
  for (const auto& thread : others.threads())
    for (const std::uintptr_t word : others.words_of(thread)) reach.mark_from_word(word);
  const std::uintptr_t stack = is_on_alternate_stack() ? 0 : caller.stack;
  const Position own_position{stack, address_of(__builtin_thread_pointer())};
  Scan scan{reach, own, others, own_position, stack_bytes, os::HeldPages(room.pages)};
  return os::for_each_readable_mapping(
      room.mappings,
      [](const os::Mapping& mapping, void* context) { static_cast<const Scan*>(context)->read(mapping); }, &scan);
}

}  // namespace trestle
