// What a program's pointers to blocks can lie in, beside blocks: registers, stacks, thread-local storage, variables, and
// all other memory that it ever wrote to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "leak/reach.hpp"
#include "os/caller.hpp"
#include "os/mappings.hpp"
#include "os/stopped_threads.hpp"

namespace trestle {

struct AddressRange {
  std::uintptr_t begin;
  std::uintptr_t end;
};

// How long the C library makes the stack of a thread that asks for none, with its guard. Before the others are stopped: it
// takes a lock.
[[nodiscard]] std::size_t default_stack_bytes() noexcept;

// In which the search keeps what the kernel tells it.
struct RootsRoom {
  os::MappingsRoom mappings;
  os::HeldPages::Room pages;
};

// Marks from all of them, but for what lies in `own`, which is sorted and is the allocator's, as `room` has to be. Of a
// stack what lies below the stack pointer is not read, where it is sure that nothing else lies there: of the first
// thread's, and of one that is as long as the C library makes them, as long as no other thread has to do with its mapping.
// False: not all could be read, and what was not reached may be reached all the same.
[[nodiscard]] bool mark_from_roots(Reach& reach, std::span<const AddressRange> own, const os::StoppedThreads& others,
                                   const os::Caller& caller, std::size_t stack_bytes, RootsRoom& room) noexcept;

}  // namespace trestle
