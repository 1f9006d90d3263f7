#include "base/atomic.hpp"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace trestle {
namespace {

// The kernel compares and sleeps on the word's low half, which comes first: both architectures are little-endian.
void futex(Atomic<std::uint64_t>& word, int operation, std::uint64_t value) noexcept {
  static_assert(sizeof word == sizeof(std::uint64_t));
  const int kept = errno;
  syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, static_cast<std::uint32_t>(value), nullptr, nullptr, 0);
  errno = kept;
}

bool membarrier(int command) noexcept {
  const int kept = errno;
  const bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = kept;
  return done;
}

}  // namespace

void sleep_on(Atomic<std::uint64_t>& word, std::uint64_t value) noexcept { futex(word, FUTEX_WAIT, value); }
void wake_one(Atomic<std::uint64_t>& word) noexcept { futex(word, FUTEX_WAKE, 1); }

void yield_processor() noexcept {
  const int kept = errno;
  sched_yield();
  errno = kept;
}

void sleep_for(long nanoseconds) noexcept {
  const int kept = errno;
  const timespec time{0, nanoseconds};
  syscall(SYS_nanosleep, &time, nullptr);  // unlike nanosleep, no point of cancellation
  errno = kept;
}

bool expect_barriers() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }
bool pass_barrier() noexcept { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

}  // namespace trestle
