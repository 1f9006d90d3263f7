#include "os/linux_os.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/arith.hpp"
#include "base/keyed.hpp"
#include "os/keep_errno.hpp"
#include "os/uncancelled.hpp"

namespace trestle {
namespace {

// Of Linux 6.13; not yet in the C library's headers.
constexpr int kGuardInstall = 102;
constexpr int kGuardRemove = 103;

constexpr std::size_t kDefaultMappings = 65530;  // vm.max_map_count where it cannot be read
constexpr std::size_t kMovesPerCount = 1024;     // a move may split mappings, so they are counted every so often
constexpr std::size_t kMappingsPerGuard = 2;

std::atomic<std::size_t> extra_mappings{0};
std::atomic<std::size_t> mapping_budget{0};
std::atomic<std::size_t> moves{0};
std::atomic<bool> moves_refused{false};
// A guard costs by the page, a mapping of its own does not: from so many bytes on the latter is the cheaper.
constexpr std::size_t kCloseByMapping = std::size_t{256} << 10;
// Some range so long had to be guarded: the process may have no more mappings.
std::atomic<bool> closed_by_guard{false};

std::size_t read_mapping_budget() noexcept {
  const int file = os::open_file("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  std::size_t limit = 0;
  if (file >= 0) {
    char text[24] = {};
    const ssize_t length = os::read_file(file, text, sizeof text - 1);
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i) {
      limit = limit * 10 + static_cast<std::size_t>(text[i] - '0');
    }
    os::close_file(file);
  }
  return (limit == 0 ? kDefaultMappings : limit) / 2;
}

std::size_t budget() noexcept {
  if (mapping_budget.load(std::memory_order_relaxed) == 0) {
    mapping_budget.store(read_mapping_budget(), std::memory_order_relaxed);
  }
  return mapping_budget.load(std::memory_order_relaxed);
}

// Mappings that the process has now; 0 where that cannot be read.
std::size_t count_mappings() noexcept {
  const int file = os::open_file("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::size_t lines = 0;
  char text[4096];
  for (ssize_t length = 0; (length = os::read_file(file, text, sizeof text)) > 0;) {
    for (ssize_t i = 0; i < length; ++i) lines += text[i] == '\n';
  }
  os::close_file(file);
  return lines;
}

// Pages may move as long as the process has less than half of the mappings it may have, counted every 1,024th time.
bool may_move() noexcept {
  if (moves.fetch_add(1, std::memory_order_relaxed) % kMovesPerCount == kMovesPerCount - 1) {
    moves_refused.store(count_mappings() > budget(), std::memory_order_relaxed);
  }
  return !moves_refused.load(std::memory_order_relaxed);
}

// Takes `count` mappings of the budget, which is half of what the kernel allows the process.
bool take_mappings(std::size_t count) noexcept {
  const std::size_t taken = extra_mappings.fetch_add(count, std::memory_order_relaxed) + count;
  if (taken <= budget()) return true;
  extra_mappings.fetch_sub(count, std::memory_order_relaxed);
  return false;
}

// madvise until it is not interrupted; EAGAIN asks for another try.
bool advise(std::byte* at, std::size_t bytes, int advice) noexcept {
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    if (madvise(at, bytes, advice) == 0) return true;
    if (errno != EAGAIN && errno != EINTR) return false;
  }
  return false;
}

}  // namespace

std::byte* LinuxOs::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  const KeepErrno keep;
  const std::size_t slack = alignment > kOsPage ? alignment - kOsPage : 0;
  if (bytes > PTRDIFF_MAX - slack) return nullptr;
  void* const mapped = mmap(nullptr, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(mapped);
  const std::size_t before = align_up(address_of(first), alignment) - address_of(first);
  std::byte* const at = first + before;
  if (before != 0) munmap(first, before);
  if (slack != before) munmap(at + bytes, slack - before);
  madvise(at, bytes, MADV_DONTDUMP);
  return at;
}

void LinuxOs::release(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  munmap(at, bytes);
}

bool LinuxOs::commit(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  if (mprotect(at, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  madvise(at, bytes, MADV_DODUMP);
  return true;
}

bool LinuxOs::purge(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  return advise(at, bytes, MADV_DONTNEED);
}

bool LinuxOs::guard(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  if (advise(at, bytes, kGuardInstall)) return true;
  // An older kernel, or memory that is locked in part: the rest may be guarded by now. Locked memory cannot be dropped either.
  const bool unsupported = errno == EINVAL;
  advise(at, bytes, kGuardRemove);
  if (!unsupported || !advise(at, bytes, MADV_DONTNEED) || !take_mappings(kMappingsPerGuard)) return false;
  if (mprotect(at, bytes, PROT_NONE) == 0) return true;
  extra_mappings.fetch_sub(kMappingsPerGuard, std::memory_order_relaxed);
  return false;
}

bool LinuxOs::unguard(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  const bool removed = advise(at, bytes, kGuardRemove);
  if (extra_mappings.load(std::memory_order_relaxed) == 0) return removed;
  // Some guard was made by mprotect; it may have been this one.
  if (mprotect(at, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  if (!removed) extra_mappings.fetch_sub(kMappingsPerGuard, std::memory_order_relaxed);
  return true;
}

bool LinuxOs::close(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  if (bytes < kCloseByMapping) return guard(at, bytes);
  if (!advise(at, bytes, MADV_DONTNEED)) return false;
  if (mprotect(at, bytes, PROT_NONE) == 0) {
    advise(at, bytes, MADV_DONTNEED);  // what was written in between would lie there when it is open again
    return true;
  }
  mprotect(at, bytes, PROT_READ | PROT_WRITE);  // of the mappings that it lies in some may be closed by now
  if (!advise(at, bytes, kGuardInstall)) return false;
  closed_by_guard.store(true, std::memory_order_relaxed);
  return true;
}

bool LinuxOs::open(std::byte* at, std::size_t bytes) noexcept {
  const KeepErrno keep;
  if (bytes < kCloseByMapping) return unguard(at, bytes);
  if (closed_by_guard.load(std::memory_order_relaxed)) advise(at, bytes, kGuardRemove);  // it may have been this one
  return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool LinuxOs::move(std::byte* from, std::byte* to, std::size_t bytes) noexcept {
  const KeepErrno keep;
  if (!may_move()) return false;
  if (mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to) return true;
  // A refusal may come after the kernel has unmapped `to`: what is missing there is mapped again, what is not stays.
  void* const again =
      mmap(to, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (again != MAP_FAILED && again != to) munmap(again, bytes);
  return false;
}

std::uint64_t LinuxOs::now_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::size_t LinuxOs::processors() noexcept {
  const KeepErrno keep;
  cpu_set_t allowed;
  const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  return count > 0 ? static_cast<std::size_t>(count) : 1;
}

std::uint64_t LinuxOs::entropy() noexcept {
  const KeepErrno keep;
  std::uint64_t word = 0;
  if (os::random_bytes(&word, sizeof word, GRND_NONBLOCK) == sizeof word) return word;
  // The kernel's pool is not filled yet, early at boot: what the kernel put on the stack at exec, and where things lie.
  if (const auto* const seed = reinterpret_cast<const std::byte*>(getauxval(AT_RANDOM)); seed != nullptr) {
    std::memcpy(&word, seed, sizeof word);
  }
  word ^= os::now_ns() ^ address_of(&word) << 20;
  return split_mix(word);
}

namespace os {

std::uint64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

int process_id() noexcept { return static_cast<int>(syscall(SYS_getpid)); }
int thread_id() noexcept { return static_cast<int>(syscall(SYS_gettid)); }
bool is_thread(int id) noexcept {
  const KeepErrno keep;
  return syscall(SYS_tgkill, process_id(), id, 0) == 0;
}
std::uint64_t peak_rss_bytes() noexcept {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) != 0) return 0;
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

void sleep_a_little() noexcept {
  const KeepErrno keep;
  sleep_once({.tv_sec = 0, .tv_nsec = 1'000'000});
}

bool read_own_memory(const void* from, void* to, std::size_t bytes) noexcept {
  const KeepErrno keep;
  // By the thread's number: the process's is that of its first thread, which may have ended.
  const iovec local{to, bytes};
  const iovec remote{const_cast<void*>(from), bytes};
  return process_vm_readv(thread_id(), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

}  // namespace os
}  // namespace trestle
