#include "trace/recorder/recorder.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "trace/recorder/modules.hpp"
#include "trace/recorder/trace_file.hpp"

namespace trestle::trace::internal {
namespace {

constinit std::atomic<bool> is_beginning{false};
constinit std::atomic<std::uint32_t> threads{0};
constinit thread_local std::uint32_t own_number = UINT32_MAX;  // kept when a log ends before the thread's last calls
pthread_key_t end_of_thread;

void* map_pages(std::size_t bytes) noexcept {
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void end_log(void* given) noexcept {
  auto* const ended = static_cast<ThreadLog*>(given);
  if (log == ended) log = nullptr;
  const ChunkWriter& chunk = ended->encoder.chunk();
  if (chunk.chunk() != nullptr) munmap(chunk.chunk(), chunk.bytes());
  munmap(given, sizeof(ThreadLog));
}

// Once; the loader and the program's first thread are alone then.
void begin() noexcept {
  if (environ == nullptr) return;  // the C library is not there yet
  if (is_beginning.exchange(true)) return;
  void* const page = map_pages(kPage);
  if (page == nullptr) return;
  madvise(page, kPage, MADV_WIPEONFORK);
  auto* const on = new (page) std::atomic<std::uint32_t>(0);
  if (TraceFile::open() && pthread_key_create(&end_of_thread, end_log) == 0) on->store(1);
  is_on = on;
}

}  // namespace

ThreadLog* begin_log() noexcept {
  const int error = errno;
  if (is_on == nullptr) begin();
  ThreadLog* begun = nullptr;
  if (is_on != nullptr && is_on->load() != 0 && log == nullptr) {
    if (void* const pages = map_pages(sizeof(ThreadLog)); pages != nullptr) {
      begun = new (pages) ThreadLog();
      if (own_number == UINT32_MAX) own_number = threads.fetch_add(1);
      begun->thread = own_number;
      begun->encoder.resume(last_number.load());
      begun->is_writing = true;  // what the next line allocates is not the program's
      log = begun;
      pthread_setspecific(end_of_thread, begun);
      begun->is_writing = false;
    }
  }
  errno = error;
  return begun;
}

bool take_chunk(ThreadLog& of) noexcept {
  const int error = errno;
  const ChunkWriter& full = of.encoder.chunk();
  const std::uint32_t bytes = full.chunk() == nullptr          ? kFirstChunk
                              : full.bytes() * 4 < kUsualChunk ? full.bytes() * 4
                                                               : kUsualChunk;
  unsigned char* const chunk = TraceFile::take(bytes);
  if (chunk != nullptr) {
    if (full.chunk() != nullptr) munmap(full.chunk(), full.bytes());
    of.encoder.begin(chunk, bytes, of.thread);
  }
  errno = error;
  return chunk != nullptr;
}

void note_site(std::uint64_t site) noexcept {
  const int error = errno;
  Modules::note(site);
  errno = error;
}

}  // namespace trestle::trace::internal

namespace {

// Most programs have begun to record before this, with their first call: only now the loader may be asked for modules.
[[gnu::constructor]] void begin_with_the_program() noexcept {
  if (trestle::trace::current_log() != nullptr) trestle::trace::Modules::begin();
}

}  // namespace
