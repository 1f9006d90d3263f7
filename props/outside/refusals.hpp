// The system as a program and its malloc call it, which refuses the calls of a plan. The functions stand in this program in
// place of the C library's, so that the loader binds the library's calls to them; what the C library calls itself is not met.
#pragma once

#include <cstdint>

namespace outside {

// What can be refused.
enum class Call : unsigned {
  mmap,
  munmap,
  mprotect,
  madvise,
  mremap,
  futex_wait,
  membarrier,
  getrandom,
  sched_getaffinity,
  pthread_key_create,
  pthread_setspecific,
  prctl,
  open,
  read,
  clone,
  process_vm_readv,
  ioctl,
};
[[nodiscard]] constexpr std::uint32_t only(Call call) noexcept { return 1U << static_cast<unsigned>(call); }
inline constexpr std::uint32_t kMemory =
    only(Call::mmap) | only(Call::munmap) | only(Call::mprotect) | only(Call::madvise) | only(Call::mremap);
// Of the others those that may fail of themselves: not what wakes others, and nothing that the kernel never refuses.
inline constexpr std::uint32_t kOthers =
    only(Call::futex_wait) | only(Call::membarrier) | only(Call::getrandom) | only(Call::sched_getaffinity) |
    only(Call::pthread_key_create) | only(Call::pthread_setspecific) | only(Call::prctl) | only(Call::open) |
    only(Call::read) | only(Call::clone) | only(Call::process_vm_readv) | only(Call::ioctl);

struct Plan {
  std::uint32_t calls = 0;  // which are counted: a bit each
  int error = 0;
  std::uint64_t first = 0;  // the number of the first that is refused, from 1 on
  std::uint64_t count = 0;  // how many are
  bool loses_target =
      false;  // an mremap is refused when what lay at its target is unmapped already, as the kernel may do
};

// From now on. The plan that the environment names begins with the process: its fields as decimal numbers, a colon between.
inline constexpr const char* kPlanVariable = "OUTSIDE_PLAN";
void refuse(const Plan& plan) noexcept;
void refuse_nothing() noexcept;
// How many calls were refused so far.
[[nodiscard]] std::uint64_t refused() noexcept;

}  // namespace outside
