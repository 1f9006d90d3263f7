#include "trace/recorder/recorder.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "trace/recorder/modules.hpp"
#include "trace/recorder/next.hpp"
#include "trace/recorder/trace_file.hpp"

namespace trestle::trace::internal {
namespace {

constinit std::atomic<bool> is_beginning{false};
// In a page of its own that is zero in a child after fork. Null: not yet begun.
constinit std::atomic<std::uint32_t>* is_on = nullptr;
constinit std::atomic<std::uint32_t> threads{0};
// Kept when a log ends before the thread's last calls.
constinit thread_local std::uint32_t own_number = UINT32_MAX;
constinit thread_local std::uint64_t own_last = 0;
pthread_key_t end_of_thread;

void* map_pages(std::size_t bytes) noexcept {
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void end_log(void* given) noexcept {
  auto* const ended = static_cast<ThreadLog*>(given);
  if (log == ended) log = nullptr;
  own_last = ended->encoder.number();
  const ChunkWriter& chunk = ended->encoder.chunk();
  if (chunk.chunk() != nullptr) munmap(chunk.chunk(), chunk.bytes());
  munmap(given, sizeof(ThreadLog));
}

bool begin_trace() noexcept {
  if (!TraceFile::open()) return false;
  if (Numbers::begin()) return true;
  constexpr char kWhy[] = "trestle record: no address space for its own books; nothing is recorded\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy, sizeof kWhy - 1);
  return false;
}

// Once; the loader and the program's first thread are alone then.
void begin() noexcept {
  if (environ == nullptr) return;  // the C library is not there yet
  if (is_beginning.exchange(true)) return;
  void* const page = map_pages(kPage);
  if (page == nullptr) return;
  madvise(page, kPage, MADV_WIPEONFORK);
  auto* const on = new (page) std::atomic<std::uint32_t>(0);
  if (begin_trace() && pthread_key_create(&end_of_thread, end_log) == 0) on->store(1);
  is_on = on;
}

// Whether there is one. In a child that a signal's handler made while this thread was within malloc, there is none.
bool take_chunk(ThreadLog& of) noexcept {
  if (is_on->load() == 0) return false;
  const ChunkWriter& full = of.encoder.chunk();
  const std::uint32_t bytes = full.chunk() == nullptr          ? kFirstChunk
                              : full.bytes() * 4 < kUsualChunk ? full.bytes() * 4
                                                               : kUsualChunk;
  const ChunkWriter chunk = TraceFile::take(bytes, ChunkKind::calls, of.thread, of.encoder.number());
  if (chunk.chunk() == nullptr) return false;
  if (full.chunk() != nullptr) munmap(full.chunk(), full.bytes());
  of.encoder.begin(chunk);
  return true;
}

}  // namespace

ThreadLog* begin_log() noexcept {
  const int error = errno;
  if (is_on == nullptr) begin();
  ThreadLog* begun = nullptr;
  if (is_on != nullptr && is_on->load() != 0 && log == nullptr) {
    if (void* const pages = map_pages(sizeof(ThreadLog)); pages != nullptr) {
      madvise(pages, sizeof(ThreadLog), MADV_WIPEONFORK);
      begun = new (pages) ThreadLog();
      if (own_number == UINT32_MAX) {
        own_number = threads.fetch_add(1);
        own_last = Numbers::latest();
      }
      begun->thread = own_number;
      begun->numbers.begin_thread(own_number);
      begun->encoder.resume(own_last);
      begun->state = LogState::busy;  // what the next line but one allocates is not the program's
      log = begun;
      pthread_setspecific(end_of_thread, begun);
      begun->state = LogState::ready;
    }
  }
  errno = error;
  return begun;
}

void record_slowly(ThreadLog& of, Record record) noexcept {
  const int error = errno;
  if ((of.encoder.has_room() || take_chunk(of)) && of.encoder.put(record)) Modules::note(record.site);
  errno = error;
}

}  // namespace trestle::trace::internal

namespace {

// Most programs have begun to record before this, with their first call: only now the loader may be asked for modules.
[[gnu::constructor]] void begin_with_the_program() noexcept {
  if (trestle::trace::current_log() != nullptr) trestle::trace::Modules::begin();
  at_quick_exit(trestle::trace::TraceFile::end);
}

// exit, or the end of the last thread. Destructors that come after this one are recorded still.
[[gnu::destructor]] void end_with_the_program() noexcept { trestle::trace::TraceFile::end(); }

[[noreturn]] void end_at_once(int status) noexcept {
  trestle::trace::TraceFile::end();
  const trestle::trace::Next* const behind = trestle::trace::next();
  if (behind != nullptr && behind->exit_at_once != nullptr) behind->exit_at_once(status);
  for (;;) syscall(SYS_exit_group, status);
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void _exit(int status) { end_at_once(status); }
extern "C" [[gnu::visibility("default")]] void _Exit(int status) noexcept { end_at_once(status); }
