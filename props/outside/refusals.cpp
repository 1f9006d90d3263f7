#include "refusals.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>

#include "os/system_call.hpp"

namespace outside {
namespace {

constinit Plan plan{};
constinit std::atomic<bool> is_read{false};
constinit std::atomic<std::uint64_t> seen{0};
constinit std::atomic<std::uint64_t> refusals{0};

// The first call of all comes before anything of this program runs.
void read_plan() noexcept {
  if (is_read.exchange(true)) return;
  const char* text = std::getenv(kPlanVariable);
  if (text == nullptr) return;
  std::uint64_t fields[5] = {};
  for (std::uint64_t& field : fields) {
    char* end = nullptr;
    field = std::strtoull(text, &end, 10);
    text = *end == ':' ? end + 1 : end;
  }
  plan = {static_cast<std::uint32_t>(fields[0]), static_cast<int>(fields[1]), fields[2], fields[3], fields[4] != 0};
}

// Whether this call is one of those; then errno says why.
bool is_refused(Call call) noexcept {
  read_plan();
  if ((plan.calls & only(call)) == 0) return false;
  const std::uint64_t number = seen.fetch_add(1) + 1;
  if (number < plan.first || number - plan.first >= plan.count) return false;
  refusals.fetch_add(1);
  errno = plan.error;
  return true;
}

long answer(long from_kernel) noexcept {
  constexpr long kMostErrors = 4095;
  if (from_kernel >= 0 || from_kernel < -kMostErrors) return from_kernel;
  errno = static_cast<int>(-from_kernel);
  return -1;
}
template <class... Words>
long call(long number, Words... words) noexcept {
  return answer(trestle::os::system_call(number, (long)words...));  // NOLINT: pointers and numbers alike
}
// What a call by its number is; nothing: it cannot be refused.
std::optional<Call> call_of(long number, long second) noexcept {
  switch (number) {
    case SYS_membarrier:
      return Call::membarrier;
    case SYS_futex:
      return (second & FUTEX_CMD_MASK) == FUTEX_WAIT ? std::optional(Call::futex_wait) : std::nullopt;
    case SYS_openat:
      return Call::open;
    case SYS_read:
      return Call::read;
    case SYS_getrandom:
      return Call::getrandom;
    default:
      return std::nullopt;
  }
}
template <class Function>
Function next(const char* name) noexcept {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void refuse(const Plan& wanted) noexcept {
  is_read = true;
  seen = refusals = 0;
  plan = wanted;
}
void refuse_nothing() noexcept { plan.calls = 0; }
std::uint64_t refused() noexcept { return refusals; }

}  // namespace outside

using outside::Call;
using outside::call;
using outside::is_refused;

extern "C" {

void* mmap(void* at, size_t bytes, int access, int flags, int file, off_t offset) noexcept {
  if (is_refused(Call::mmap)) return MAP_FAILED;
  return reinterpret_cast<void*>(call(SYS_mmap, at, bytes, access, flags, file, offset));
}
int munmap(void* at, size_t bytes) noexcept {
  return is_refused(Call::munmap) ? -1 : static_cast<int>(call(SYS_munmap, at, bytes));
}
int mprotect(void* at, size_t bytes, int access) noexcept {
  return is_refused(Call::mprotect) ? -1 : static_cast<int>(call(SYS_mprotect, at, bytes, access));
}
int madvise(void* at, size_t bytes, int advice) noexcept {
  return is_refused(Call::madvise) ? -1 : static_cast<int>(call(SYS_madvise, at, bytes, advice));
}
void* mremap(void* from, size_t old_bytes, size_t bytes, int flags, ...) noexcept {
  va_list rest;
  va_start(rest, flags);
  void* const to = va_arg(rest, void*);
  va_end(rest);
  if (is_refused(Call::mremap)) {
    const int why = errno;
    if (outside::plan.loses_target && (flags & MREMAP_FIXED) != 0) call(SYS_munmap, to, bytes);
    errno = why;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(call(SYS_mremap, from, old_bytes, bytes, flags, to));
}
int prctl(int option, ...) noexcept {
  va_list rest;
  va_start(rest, option);
  const long a = va_arg(rest, long);
  const long b = va_arg(rest, long);
  const long c = va_arg(rest, long);
  const long d = va_arg(rest, long);
  va_end(rest);
  return is_refused(Call::prctl) ? -1 : static_cast<int>(call(SYS_prctl, option, a, b, c, d));
}
int ioctl(int file, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return is_refused(Call::ioctl) ? -1 : static_cast<int>(call(SYS_ioctl, file, request, argument));
}
int sched_getaffinity(pid_t id, size_t bytes, cpu_set_t* set) noexcept {
  return is_refused(Call::sched_getaffinity) ? -1 : call(SYS_sched_getaffinity, id, bytes, set) < 0 ? -1 : 0;
}
ssize_t process_vm_readv(pid_t id, const iovec* to, unsigned long count, const iovec* from, unsigned long more,
                         unsigned long flags) noexcept {
  return is_refused(Call::process_vm_readv) ? -1 : call(SYS_process_vm_readv, id, to, count, from, more, flags);
}
long syscall(long number, ...) noexcept {
  va_list rest;
  va_start(rest, number);
  long words[6];
  for (long& word : words) word = va_arg(rest, long);
  va_end(rest);
  if (const std::optional<Call> known = outside::call_of(number, words[1]); known && is_refused(*known)) return -1;
  return call(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
int clone(int (*function)(void*), void* stack, int flags, void* argument, ...) noexcept {
  if (is_refused(Call::clone)) return -1;
  return outside::next<decltype(&clone)>("clone")(function, stack, flags, argument);
}
int pthread_key_create(pthread_key_t* key, void (*leave)(void*)) noexcept {
  if (is_refused(Call::pthread_key_create)) return EAGAIN;
  return outside::next<decltype(&pthread_key_create)>("pthread_key_create")(key, leave);
}
int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  if (is_refused(Call::pthread_setspecific)) return ENOMEM;
  return outside::next<decltype(&pthread_setspecific)>("pthread_setspecific")(key, value);
}

}  // extern "C"
