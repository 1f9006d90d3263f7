#include "os/stopped_threads.hpp"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <new>
#include <string_view>
#include <utility>

#include "base/arith.hpp"
#include "os/system_call.hpp"
#include "os/uncancelled.hpp"

// The task that traces shares all memory with the caller, its thread-local storage included: it calls the kernel and
// nothing else, and while it runs the caller does the same.

namespace trestle::os {
namespace {

constexpr std::size_t kMostThreads = 8192;
constexpr std::size_t kVectorBytes = 2816;  // with AVX-512; what may come behind, as tiles, holds no pointers
constexpr std::size_t kGeneralWords = sizeof(user_regs_struct) / sizeof(std::uintptr_t);
constexpr std::size_t kWords = kGeneralWords + kVectorBytes / sizeof(std::uintptr_t);
constexpr std::size_t kStackBytes = std::size_t{64} << 10;
constexpr std::size_t kListBytes = std::size_t{16} << 10;
constexpr std::size_t kStatBytes = 512;
constexpr long kSliceNs = 20'000'000;
constexpr int kMostSlices = 50;  // that its maker needs at most to let it begin, if there still is one
#if defined(__x86_64__)
constexpr int kVectors = NT_X86_XSTATE;
#else
constexpr int kVectors = NT_FPREGSET;
#endif

enum State : std::uint32_t { starting, stopping, stopped, failed, leaving };
enum class Taken { stopped, ended, refused };

long as_argument(const void* at) noexcept { return static_cast<long>(address_of(at)); }

// Until the word is another, a signal came, or a slice of time is over.
void wait_while(std::atomic<std::uint32_t>& state, std::uint32_t value) noexcept {
  static constexpr timespec kSlice{0, kSliceNs};
  system_call(SYS_futex, as_argument(&state), FUTEX_WAIT, value, as_argument(&kSlice));
}
void become(std::atomic<std::uint32_t>& state, std::uint32_t value) noexcept {
  state.store(value, std::memory_order_release);
  system_call(SYS_futex, as_argument(&state), FUTEX_WAKE, INT_MAX);
}

long trace_call(int request, int id, long address = 0, long data = 0) noexcept {
  return system_call(SYS_ptrace, request, id, address, data);
}

std::size_t read_registers(int id, int set, std::span<std::uintptr_t> into) noexcept {
  iovec registers{into.data(), into.size_bytes()};
  if (trace_call(PTRACE_GETREGSET, id, set, as_argument(&registers)) != 0) return 0;
  return registers.iov_len / sizeof(std::uintptr_t);
}

// Of "123 (name) S 1 ..." what is behind the name; empty: there is no such thread.
std::string_view read_stat(int tasks, int id, std::span<char> room) noexcept {
  std::array<char, 32> path{};
  constexpr std::string_view kStat = "/stat";
  char* const end = std::to_chars(path.data(), path.data() + path.size() - kStat.size() - 1, id).ptr;
  std::copy(kStat.begin(), kStat.end(), end);
  const long file = system_call(SYS_openat, tasks, as_argument(path.data()), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const long bytes = system_call(SYS_read, file, as_argument(room.data()), static_cast<long>(room.size()));
  system_call(SYS_close, file);
  const std::string_view line(room.data(), static_cast<std::size_t>(std::max(bytes, 0L)));
  const std::size_t name_end = line.rfind(") ");
  if (name_end == std::string_view::npos) return {};
  return {line.data() + name_end + 2, line.size() - name_end - 2};
}

// By the statistics of one of the process's threads.
std::size_t count_threads(int tasks, int id) noexcept {
  constexpr int kFieldsBefore = 17;
  std::array<char, kStatBytes> room;
  std::string_view rest = read_stat(tasks, id, room);
  for (int field = 0; field < kFieldsBefore; ++field) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  std::size_t count = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), count);
  return count;
}

void sleep_a_moment() noexcept {
  static constexpr timespec kMoment{0, 20'000};
  system_call(SYS_nanosleep, as_argument(&kMoment));
}

}  // namespace

struct StoppedThreads::Shared {
  alignas(16) std::array<std::byte, kStackBytes> stack;
  alignas(16) std::array<std::byte, kListBytes> list;
  std::atomic<std::uint32_t> state;
  int tasks = -1;  // the folder that has the process's threads
  int process = 0;
  int caller = 0;
  bool first_has_ended = false;  // and stays listed until all have
  std::atomic<std::size_t> count = 0;
  std::array<Thread, kMostThreads> threads;
  alignas(64) std::array<std::array<std::uintptr_t, kWords>, kMostThreads> words;

  [[nodiscard]] bool has(int id) const noexcept {
    if (id == caller || (id == process && first_has_ended)) return true;
    const auto* const end = threads.data() + count;
    return std::find_if(threads.data(), end, [=](const Thread& thread) { return thread.id == id; }) != end;
  }
  [[nodiscard]] bool has_ended(int id) const noexcept;
  [[nodiscard]] bool are_all() const noexcept;
  [[nodiscard]] Taken take(int id) noexcept;
  [[nodiscard]] bool take_all_listed() noexcept;
  void note(int id) noexcept;
};

bool StoppedThreads::Shared::has_ended(int id) const noexcept {
  std::array<char, kStatBytes> room;
  const std::string_view stat = read_stat(tasks, id, room);
  return stat.empty() || stat[0] == 'Z' || stat[0] == 'X';
}

// A list that is read while threads end may lack others: it is all of them if they are as many as the kernel counts.
bool StoppedThreads::Shared::are_all() const noexcept {
  return count_threads(tasks, caller) == count + 1 + (first_has_ended ? 1 : 0);
}

void StoppedThreads::Shared::note(int id) noexcept {
  const std::span<std::uintptr_t> all(words[count]);
  const std::size_t general = read_registers(id, NT_PRSTATUS, all.first(kGeneralWords));
  Thread& thread = threads[count++];
  thread = {id, 0, 0, 0};
  if (general == 0) return;
  thread.word_count = general + read_registers(id, kVectors, all.subspan(general));
#if defined(__x86_64__)
  const auto& seen = *reinterpret_cast<const user_regs_struct*>(all.data());
  thread.stack_pointer = seen.rsp;
  thread.thread_pointer = seen.fs_base;
#elif defined(__aarch64__)
  const auto& seen = *reinterpret_cast<const user_regs_struct*>(all.data());
  thread.stack_pointer = seen.sp;
  read_registers(id, NT_ARM_TLS, {&thread.thread_pointer, 1});
#endif
}

// Stops one thread.
Taken StoppedThreads::Shared::take(int id) noexcept {
  if (count == kMostThreads) return Taken::refused;
  if (trace_call(PTRACE_SEIZE, id) != 0) return has_ended(id) ? Taken::ended : Taken::refused;
  trace_call(PTRACE_INTERRUPT, id);  // if it is ending already, the wait tells
  // What comes first may be a signal that was on its way: it is given back, and the stop follows. Of the process's first
  // thread nobody is told when it has ended before the others.
  for (;;) {
    int status = 0;
    const long waited = system_call(SYS_wait4, id, as_argument(&status), __WALL | WNOHANG);
    if (waited == 0 && id == process && has_ended(id)) return Taken::ended;
    if (waited == 0) sleep_a_moment();
    if (waited == 0 || waited == -EINTR) continue;
    if (waited != id || !WIFSTOPPED(status)) return Taken::ended;
    if (status >> 16 == PTRACE_EVENT_STOP) break;
    trace_call(PTRACE_CONT, id, 0, WSTOPSIG(status));
  }
  note(id);
  return Taken::stopped;
}

// Those that are listed and not known yet. False: one cannot be stopped.
bool StoppedThreads::Shared::take_all_listed() noexcept {
  bool sees_caller = false;  // else they are listed under other numbers, those of another namespace
  system_call(SYS_lseek, tasks, 0, SEEK_SET);
  for (;;) {
    const long bytes = system_call(SYS_getdents64, tasks, as_argument(list.data()), static_cast<long>(list.size()));
    if (bytes <= 0) return bytes == 0 && sees_caller;
    for (long at = 0; at < bytes;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(list.data() + at);
      at += entry->d_reclen;
      int id = 0;
      for (const char* digit = entry->d_name; *digit >= '0' && *digit <= '9'; ++digit) id = id * 10 + (*digit - '0');
      sees_caller = sees_caller || id == caller;
      if (id == 0 || has(id)) continue;
      const Taken taken = take(id);
      if (taken == Taken::refused) return false;
      if (taken == Taken::ended && id == process) first_has_ended = true;
    }
  }
}

// It ends with the process that it was made by, and when it ends, by whatever, the kernel lets go of the threads that it holds.
int StoppedThreads::trace(void* shared) noexcept {
  Shared& own = *static_cast<Shared*>(shared);
  system_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (system_call(SYS_getppid) == own.process) {
    for (int slice = 0; slice < kMostSlices && own.state.load(std::memory_order_acquire) == starting; ++slice)
      wait_while(own.state, starting);
    bool can = own.state.load(std::memory_order_acquire) == stopping && own.take_all_listed();
    while (can && !own.are_all())
      can = own.take_all_listed();  // some have come since, from those that were to be stopped
    become(own.state, can ? stopped : failed);
    while (own.state.load(std::memory_order_acquire) == stopped) wait_while(own.state, stopped);
    for (const Thread& thread : std::span(own.threads).first(own.count)) trace_call(PTRACE_DETACH, thread.id);
  }
  system_call(SYS_exit, 0);
  return 0;
}

bool StoppedThreads::has_tracer_ended() noexcept {
  if (tracer_ > 0 && system_call(SYS_wait4, tracer_, 0, __WALL | WNOHANG) == tracer_) tracer_ = 0;
  return tracer_ <= 0;
}

void StoppedThreads::end_tracer() noexcept {
  if (has_tracer_ended()) return;
  system_call(SYS_kill, tracer_, SIGKILL);
  while (system_call(SYS_wait4, tracer_, 0, __WALL) == -EINTR) {
  }
  tracer_ = 0;
}

void StoppedThreads::wait_until_stopped(std::uint64_t patience_ns) noexcept {
  become(shared_->state, stopping);
  constexpr std::uint64_t kMostTimes = 10;  // as long as that in all
  const std::uint64_t most = patience_ns / kSliceNs;
  std::size_t stopped_so_far = 0;
  std::uint64_t idle = 0;
  for (std::uint64_t slice = 0; idle < most && slice < kMostTimes * most; ++slice) {
    wait_while(shared_->state, stopping);
    if (shared_->state.load(std::memory_order_acquire) != stopping || has_tracer_ended()) break;
    const bool is_idle = std::exchange(stopped_so_far, shared_->count.load()) == stopped_so_far;
    idle = is_idle ? idle + 1 : 0;
  }
}

bool StoppedThreads::make_room() noexcept {
  LinuxOs os;
  constexpr std::size_t kBytes =
      align_up(kOsPage + sizeof(Shared), kOsPage);  // under the stack a page that is not there
  std::byte* const memory = os.reserve(kBytes, kOsPage);
  if (memory == nullptr) return false;
  if (os.commit(memory + kOsPage, kBytes - kOsPage)) {
    shared_ = new (memory + kOsPage) Shared;
    return true;
  }
  os.release(memory, kBytes);
  return false;
}

StoppedThreads::Answer StoppedThreads::stop(std::uint64_t patience_ns) noexcept {
  undisturbed_.emplace();
  const int kept = errno;
  const int tasks = open_file("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  alone_ = tasks >= 0 && count_threads(tasks, thread_id()) == 1;
  Answer answer = alone_ ? Answer::stopped : tasks < 0 ? Answer::refused : Answer::no_memory;
  if (!alone_ && tasks >= 0 && make_room()) {
    shared_->tasks = tasks;
    shared_->process = process_id();
    shared_->caller = thread_id();
    tracer_ = clone(trace, shared_->stack.data() + kStackBytes, CLONE_VM | CLONE_FILES | CLONE_UNTRACED, shared_);
    if (tracer_ > 0) {
      prctl(PR_SET_PTRACER, tracer_, 0, 0, 0);
      wait_until_stopped(patience_ns);
    }
    const bool is_late = shared_->state.load(std::memory_order_acquire) == stopping && !has_tracer_ended();
    answer = stand() ? Answer::stopped : is_late ? Answer::late : Answer::refused;
  } else if (tasks >= 0) {
    close_file(tasks);
  }
  if (answer != Answer::stopped) let_go();
  errno = kept;
  return answer;
}

bool StoppedThreads::stand() noexcept {
  return alone_ ||
         (shared_ != nullptr && shared_->state.load(std::memory_order_acquire) == stopped && !has_tracer_ended());
}

void StoppedThreads::let_go() noexcept {
  const int kept = errno;
  if (shared_ != nullptr) {
    if (shared_->state.load(std::memory_order_acquire) == stopped && tracer_ > 0) {
      become(shared_->state, leaving);
      while (system_call(SYS_wait4, tracer_, 0, __WALL) == -EINTR) {
      }
      tracer_ = 0;
    }
    end_tracer();
    prctl(PR_SET_PTRACER, 0, 0, 0, 0);
    close_file(shared_->tasks);
    const std::span<const std::byte> all = memory();
    LinuxOs().release(const_cast<std::byte*>(all.data()), all.size());
    shared_ = nullptr;
  }
  alone_ = false;
  undisturbed_.reset();
  errno = kept;
}

std::span<const StoppedThreads::Thread> StoppedThreads::threads() const noexcept {
  return shared_ == nullptr ? std::span<const Thread>{}
                            : std::span<const Thread>(shared_->threads).first(shared_->count);
}
std::span<const std::uintptr_t> StoppedThreads::words_of(const Thread& thread) const noexcept {
  const auto index = static_cast<std::size_t>(&thread - shared_->threads.data());
  return std::span<const std::uintptr_t>(shared_->words[index]).first(thread.word_count);
}
std::span<const std::byte> StoppedThreads::memory() const noexcept {
  if (shared_ == nullptr) return {};
  return {reinterpret_cast<const std::byte*>(shared_) - kOsPage, align_up(kOsPage + sizeof(Shared), kOsPage)};
}

}  // namespace trestle::os
