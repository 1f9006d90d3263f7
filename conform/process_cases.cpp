// What a malloc owes a process beside its answers: forks, threads and their ends, loaded libraries, and those parts of the C
// library that allocate on their own.
#include <dlfcn.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <atomic>
#include <iterator>

#include "blocks.hpp"
#include "memory.hpp"
#include "threads.hpp"

namespace trestle::conform {
namespace {

// The parent's blocks are the child's, and each goes on without the other.
void fork_copies_the_heap() {
  static Block blocks[200];
  for (unsigned i = 0; i < 200; ++i) blocks[i] = make(std::size_t{1} << (i % 18), i);
  in_child([] {
    for (Block& block : blocks) {
      verify(block, "by fork, in the child");
      std::free(block.at);
      block = make(block.size, block.number + 1);
    }
    for (const Block& block : blocks) verify(block, "in the child");
  });
  for (const Block& block : blocks) {
    verify(block, "by what the forked child did");
    std::free(block.at);
  }
}

std::atomic<bool> is_over{false};

void* allocate_until_over(void*) {
  while (!is_over) {
    for (std::size_t size = 16; size < 300000; size *= 3) std::free(make(size, 1).at);
    sched_yield();
  }
  return nullptr;
}

// Forks while other threads are inside of malloc, so that a lock which nobody holds in the child would stay taken there.
void fork_beside_threads() {
  pthread_t threads[2];
  for (pthread_t& thread : threads) thread = start_thread(allocate_until_over, nullptr);
  for (int i = 0; i < 60; ++i) {
    in_child([] { for_each_size([](std::size_t size) { std::free(make(size, 2).at); }); });
  }
  is_over = true;
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

void* fork_in_thread(void*) {
  const Block block = make(900, 1);
  in_child([&] {
    verify(block, "in the child of a thread");
    std::free(block.at);
    in_thread([](void*) -> void* { return std::free(make(77, 3).at), nullptr; }, nullptr);
  });
  std::free(block.at);
  return nullptr;
}

void fork_from_a_thread() {
  const Block block = make(900, 2);
  in_thread(fork_in_thread, nullptr);
  verify(block, "by the fork of another thread");
  std::free(block.at);
}

Block handed_over[64];

void* fill_all(void*) {
  unsigned number = 0;
  for (Block& block : handed_over) {
    block = make(std::size_t{1} << (number % 15), number);
    ++number;
  }
  return nullptr;
}

// One thread's blocks outlive it, and others free them.
void blocks_outlive_their_thread() {
  for (int round = 0; round < 10; ++round) {
    in_thread(fill_all, nullptr);
    for (const Block& block : handed_over) verify(block, "when its thread ended");
    const auto free_half = [](void*) -> void* {
      for (std::size_t i = 0; i < std::size(handed_over); i += 2) std::free(handed_over[i].at);
      return nullptr;
    };
    in_thread(free_half, nullptr);
    for (std::size_t i = 1; i < std::size(handed_over); i += 2) {
      verify(handed_over[i], "when another thread freed its neighbours");
      std::free(handed_over[i].at);
    }
  }
}

pthread_key_t key;

// Called when a thread ends, as often as the value is set again: also after the allocator's own end of the thread.
void destroy(void* value) {
  const Block block{static_cast<unsigned char*>(value), 300, 5};
  verify(block, "before the end of its thread");
  std::free(block.at);
  static thread_local int times = 0;
  if (++times < 3) pthread_setspecific(key, make(300, 5).at);
}

void* set_value(void*) {
  pthread_setspecific(key, make(300, 5).at);
  return nullptr;
}

void key_destructors_allocate() {
  if (pthread_key_create(&key, destroy) != 0) violate("pthread_key_create failed");
  for (int i = 0; i < 40; ++i) in_thread(set_value, nullptr);
  std::free(make(300, 6).at);
}

// C11 7.22.3.3: what a thread has freed is there for others after its end. Each of many threads has 1 MiB, one after the other.
void* use_and_free(void*) {
  static constexpr std::size_t kCount = 1024;
  void** const blocks = static_cast<void**>(std::malloc(kCount * sizeof(void*)));
  if (blocks == nullptr) violate("malloc gave null although each thread before has freed all that it had");
  for (std::size_t i = 0; i < kCount; ++i) {
    blocks[i] = std::malloc(1000);
    if (blocks[i] == nullptr) violate("malloc gave null although each thread before has freed all that it had");
    *static_cast<volatile char*>(blocks[i]) = 1;
  }
  for (std::size_t i = 0; i < kCount; ++i) std::free(blocks[i]);
  std::free(blocks);
  return nullptr;
}

void ended_threads_leave_nothing() {
  for (int i = 0; i < 20; ++i) in_thread(use_and_free, nullptr);
  const long before = resident_kib();
  for (int i = 0; i < 200; ++i) in_thread(use_and_free, nullptr);
  const long grown = resident_kib() - before;
  if (grown > 100L * 1024)
    violate("200 threads, one after the other, each freed its 1 MiB; the process grew by %ld MiB", grown / 1024);
}

// A library that is loaded late allocates in its constructor, hands blocks to the program and takes the program's.
void loaded_library_shares_the_heap() {
  using Swap = void* (*)(void*, std::size_t);
  for (int i = 0; i < 20; ++i) {
    void* const library = dlopen("conform_plugin.so", RTLD_NOW);
    if (library == nullptr) violate("dlopen failed: %s", dlerror());
    auto* const swap = reinterpret_cast<Swap>(dlsym(library, "conform_plugin_swap"));
    if (swap == nullptr) violate("dlsym failed: %s", dlerror());
    Block block{static_cast<unsigned char*>(swap(make(400, 1).at, 900)), 900, 7};
    require(block.at != nullptr, "a loaded library found no memory");
    fill(block);
    dlclose(library);
    verify(block, "when the library that allocated it was unloaded");
    std::free(block.at);
  }
}

// What the C library allocates for its caller is the caller's to free, so both have to use the same malloc.
void libc_uses_the_same_malloc() {
  char* const copy = strdup("a text that was copied");
  require(copy != nullptr && strcmp(copy, "a text that was copied") == 0, "strdup gave another text");
  char* printed = nullptr;
  require(asprintf(&printed, "%0300d", 7) == 300, "asprintf printed too little");
  wchar_t* const wide = wcsdup(L"wide");
  char* line = nullptr;
  std::size_t size = 0;
  FILE* const stream = open_memstream(&line, &size);
  require(stream != nullptr && fprintf(stream, "%01000d", 1) == 1000, "open_memstream failed");
  fclose(stream);
  require(size == 1000, "a stream in memory lost bytes");
  char* const real = realpath("/", nullptr);
  for (char* const text : {copy, printed, line, real}) std::free(std::realloc(text, 2000));
  std::free(wide);
}

void spawned_programs_run() {
  char program[] = "/bin/sh";
  char option[] = "-c";
  char command[] = "x=$(echo deep | tr d k); test \"$x\" = keep";
  char* words[] = {program, option, command, nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program, nullptr, nullptr, words, environ) != 0) violate("posix_spawn failed");
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) violate("a shell ended with wait status 0x%x", static_cast<unsigned>(status));
}

constexpr Case kCases[] = {
    {"conformance", "fork.copies", "POSIX fork", "parent and child each have all blocks, and use them",
     fork_copies_the_heap},
    {"conformance", "fork.threads", "glibc: malloc can be called after fork", "no lock stays taken in the child",
     fork_beside_threads},
    {"conformance", "fork.from_thread", "glibc: malloc can be called after fork", "a thread other than the first forks",
     fork_from_a_thread},
    {"conformance", "thread.outlived", "C11 7.22.3p1 and 2", "blocks outlive their thread, and any thread frees them",
     blocks_outlive_their_thread},
    {"conformance", "thread.destructors", "POSIX pthread_key_create", "serves in destructors when a thread ends",
     key_destructors_allocate},
    {"conformance", "thread.leaves", "C11 7.22.3.3p2", "what an ended thread freed serves others",
     ended_threads_leave_nothing},
    {"conformance", "dlopen.shares", "POSIX dlopen", "a library that is loaded later has the same heap",
     loaded_library_shares_the_heap},
    {"conformance", "libc.shares", "POSIX strdup, getline, open_memstream", "the C library uses the same heap",
     libc_uses_the_same_malloc},
    {"conformance", "spawn.runs", "POSIX posix_spawn", "programs that are started run on it", spawned_programs_run},
};

}  // namespace

constinit const Cases kProcessCases{kCases, std::size(kCases)};

}  // namespace trestle::conform
