// The other threads of the process, stopped so that their memory holds still, and what their registers hold. They are
// stopped as a debugger would, by a task that shares our memory: no signal of the program's is used, and threads that block
// all signals stop as well. One thread at a time; async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "os/linux_os.hpp"
#include "os/undisturbed.hpp"

namespace trestle::os {

class StoppedThreads {
 public:
  static constexpr std::uint64_t kPatienceNs =
      5'000'000'000;  // one that waits for the child of its vfork does not stop

  struct Thread {
    int id;
    std::uintptr_t stack_pointer;
    std::uintptr_t thread_pointer;  // where its control block lies
    std::size_t word_count;         // of words_of(): its registers, those of vectors as well
  };

  constexpr StoppedThreads() noexcept = default;
  ~StoppedThreads() { let_go(); }
  StoppedThreads(const StoppedThreads&) = delete;
  StoppedThreads& operator=(const StoppedThreads&) = delete;

  // Stops all threads but the caller, which may hold locks that they wait for, but may wait for none of theirs until
  // let_go, and is Undisturbed meanwhile. Where there are others, takes the process's permission to be traced
  // (PR_SET_PTRACER) back from whom the program gave it to. late: for so long (`patience_ns`) no further thread stopped, or
  // ten times as long not all. refused: the system lets nobody be traced or tells of no threads, as where a debugger is at
  // work. None is stopped then, as where there is no memory.
  enum class Answer { stopped, late, refused, no_memory };
  [[nodiscard]] Answer stop(std::uint64_t patience_ns = kPatienceNs) noexcept;
  // Whether they still stand: the task that holds them may have been killed.
  [[nodiscard]] bool stand() noexcept;
  void let_go() noexcept;

  [[nodiscard]] std::span<const Thread> threads() const noexcept;
  [[nodiscard]] std::span<const std::uintptr_t> words_of(const Thread& thread) const noexcept;
  // In which all this is kept.
  [[nodiscard]] std::span<const std::byte> memory() const noexcept;

 private:
  struct Shared;
  static int trace(void* shared) noexcept;
  [[nodiscard]] bool has_tracer_ended() noexcept;
  void end_tracer() noexcept;
  void wait_until_stopped(std::uint64_t patience_ns) noexcept;
  [[nodiscard]] bool make_room() noexcept;

  std::optional<Undisturbed> undisturbed_;
  bool alone_ = false;  // there are none
  Shared* shared_ = nullptr;
  int tracer_ = 0;  // its id; 0: there is none
};

}  // namespace trestle::os
