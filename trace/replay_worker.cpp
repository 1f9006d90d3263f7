// The program that `trestle replay` runs on a malloc: performs the steps of a plan, in as many threads as the trace has, and
// says what they cost. What it needs for itself comes from the system, so that the malloc serves the trace alone.
//   A slot's steps happen in the order of the trace; steps on different slots only as far as their threads' orders say.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "trace/plan.hpp"

namespace {

using trestle::trace::Call;
using trestle::trace::PlanHeader;
using trestle::trace::Step;
using trestle::trace::StepKind;
using trestle::trace::Stream;

struct Slot {
  void* block;
  std::uint64_t size;
  std::atomic<std::uint32_t> turn;
};
struct Sample {
  std::uint64_t calls;
  double milliseconds;
  long kib;
};

constinit PlanHeader plan{};
constinit Stream* streams = nullptr;
constinit Slot* slots = nullptr;
constinit Sample* samples = nullptr;
constinit off_t first_step = 0;
constinit int file = -1;
constinit double started = 0;
constinit std::atomic<std::uint32_t> running{1};

[[noreturn]] void die(const char* what) {
  dprintf(STDERR_FILENO, "replay: %s: %s\n", what, std::strerror(errno));
  _exit(125);
}

template <class T>
T* map(std::uint64_t count) {
  void* const at =
      mmap(nullptr, (count + 1) * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) die("no memory for the slots");
  return static_cast<T*>(at);
}

void read_plan(void* to, std::size_t bytes, off_t from) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(file, at, bytes, from);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) die("the plan");
    at += got;
    from += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

double now_in(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// A number behind `key` in a file of the process's, in KiB; without stdio, which would allocate.
long status_kib(const char* key) {
  char text[4096];
  const int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t got = read(status, text, sizeof text - 1);
  close(status);
  if (got <= 0) return 0;
  text[got] = '\0';
  const char* const at = std::strstr(text, key);
  return at != nullptr ? std::strtol(at + std::strlen(key), nullptr, 10) : 0;
}

// As a program uses its memory: a byte of each page, and the last one.
void touch(void* block, std::uint64_t size) {
  auto* const bytes = static_cast<volatile unsigned char*>(block);
  for (std::uint64_t at = 0; at < size; at += trestle::trace::kPage) bytes[at] = 1;
  if (size != 0) bytes[size - 1] = 1;
}

void* allocate(Call call, const Step& step) {
  const std::size_t size = step.size;
  const auto alignment = static_cast<std::align_val_t>(std::size_t{1} << step.shift);
  switch (call) {
    case Call::calloc:
      return std::calloc(1, size);
    case Call::new_one:
      return ::operator new(size, std::nothrow);
    case Call::new_array:
      return ::operator new[](size, std::nothrow);
    case Call::new_aligned:
      return ::operator new(size, alignment, std::nothrow);
    case Call::new_array_aligned:
      return ::operator new[](size, alignment, std::nothrow);
    case Call::valloc:
    case Call::pvalloc:
      return std::aligned_alloc(trestle::trace::kPage, size);
    default:
      return step.shift == 0 ? std::malloc(size) : std::aligned_alloc(std::size_t{1} << step.shift, size);
  }
}

void release(Call call, const Step& step, void* block) {
  const auto alignment = static_cast<std::align_val_t>(std::size_t{1} << step.shift);
  switch (call) {
    case Call::delete_one:
      return ::operator delete(block);
    case Call::delete_array:
      return ::operator delete[](block);
    case Call::delete_sized:
      return ::operator delete(block, step.size);
    case Call::delete_array_sized:
      return ::operator delete[](block, step.size);
    case Call::delete_aligned:
      return ::operator delete(block, alignment);
    case Call::delete_array_aligned:
      return ::operator delete[](block, alignment);
    default:
      return std::free(block);
  }
}

// What it did not get, it did get when it was recorded.
void* or_die(void* block, const Step& step) {
  if (block != nullptr || step.size == 0) return block;
  dprintf(STDERR_FILENO, "replay: %s of %llu bytes returned null\n", trestle::trace::kShapes[step.kind].name,
          static_cast<unsigned long long>(step.size));
  _exit(1);
}

void perform(const Step& step) {
  const auto call = static_cast<Call>(step.kind);
  if (step.fails != 0) {
    void* const block = allocate(call == Call::realloc || call == Call::reallocarray ? Call::malloc : call, step);
    return std::free(block);
  }
  Slot& slot = slots[step.slot];
  if (step.waits != 0) {
    for (std::uint32_t turn; (turn = slot.turn.load(std::memory_order_acquire)) != step.turn;) slot.turn.wait(turn);
  }
  if (step.ends != 0) {
    if (slot.block != nullptr && slot.size != 0) static_cast<volatile unsigned char*>(slot.block)[0];
    release(call, step, slot.block);
    slot.block = nullptr;
  } else {
    const bool resizes = step.begins == 0;
    slot.block = or_die(resizes ? std::realloc(slot.block, step.size) : allocate(call, step), step);
    slot.size = step.size;
    touch(slot.block, slot.block != nullptr ? slot.size : 0);
  }
  if (step.is_awaited != 0) {
    slot.turn.store(step.turn + 1, std::memory_order_release);
    slot.turn.notify_all();
  }
}

void take_sample(const Step& step) {
  samples[step.slot] = {step.size, now_in(CLOCK_MONOTONIC) - started, status_kib("VmRSS:")};
}

void* run_thread(void* number);

void start(std::uint32_t thread) {
  running.fetch_add(1);
  pthread_t id{};
  errno = pthread_create(&id, nullptr, run_thread, streams + thread);
  if (errno != 0) die("a thread");
  pthread_detach(id);
}

void run(const Stream& stream) {
  Step part[1024];
  for (std::uint64_t done = 0; done < stream.steps;) {
    const std::uint64_t count = stream.steps - done < 1024 ? stream.steps - done : 1024;
    read_plan(part, count * sizeof(Step), first_step + static_cast<off_t>((stream.first_step + done) * sizeof(Step)));
    for (std::uint64_t i = 0; i < count; ++i) {
      const Step& step = part[i];
      if (step.kind == static_cast<std::uint64_t>(StepKind::start)) {
        start(step.slot);
      } else if (step.kind == static_cast<std::uint64_t>(StepKind::sample)) {
        take_sample(step);
      } else {
        perform(step);
      }
    }
    done += count;
  }
  if (running.fetch_sub(1) == 1) running.notify_all();
}

void* run_thread(void* stream) {
  run(*static_cast<const Stream*>(stream));
  return nullptr;
}

void replay(const char* path) {
  file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) die(path);
  read_plan(&plan, sizeof plan, 0);
  streams = map<Stream>(plan.threads);
  slots = map<Slot>(plan.slots);
  samples = map<Sample>(plan.samples);
  read_plan(streams, plan.threads * sizeof(Stream), sizeof plan);
  first_step = static_cast<off_t>(sizeof plan + plan.threads * sizeof(Stream));
}

// Read by `trestle replay`: a word, a tab, numbers.
void tell(long before_kib, double cpu, double wall) {
  Dl_info place{};
  dladdr(dlsym(RTLD_DEFAULT, "malloc"), &place);
  std::printf("malloc\t%s\ncpu\t%.6f\nwall\t%.6f\nbefore\t%ld\npeak\t%ld\n", place.dli_fname, cpu / 1e3, wall / 1e3,
              before_kib, status_kib("VmHWM:"));
  for (std::uint32_t i = 0; i < plan.samples; ++i) {
    std::printf("sample\t%llu\t%.3f\t%ld\n", static_cast<unsigned long long>(samples[i].calls), samples[i].milliseconds,
                samples[i].kib);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  replay(words[1]);
  const long before_kib = status_kib("VmRSS:");
  const double cpu = now_in(CLOCK_PROCESS_CPUTIME_ID);
  started = now_in(CLOCK_MONOTONIC);
  if (plan.threads != 0) run(streams[plan.first_thread]);
  for (std::uint32_t left; (left = running.load()) != 0 && plan.threads != 0;) running.wait(left);
  tell(before_kib, now_in(CLOCK_PROCESS_CPUTIME_ID) - cpu, now_in(CLOCK_MONOTONIC) - started);
  std::fflush(stdout);
  _exit(0);  // what the trace left alive is no leak of this program's
}
